"""Statements that were judged before: pages ask the same texts again, with other parameters."""

from collections import OrderedDict
from typing import Final

from tachograph_store.embedded.credentials import Role
from tachograph_store.embedded.guard import Statement, Work, check

MAX_STATEMENTS: Final = 256
MAX_CHARACTERS: Final = 8_192
"""Longer statements are judged each time."""


class JudgedStatements:
    """`guard.check`, which reads 4 kB of SQL in 5 ms, once for each text and role.

    The verdict follows from the text, the role and the length that is allowed, nothing else. Only
    statements that read are kept, and of INSERTs the line above the rows. Refusals are judged each
    time.
    """

    def __init__(self, max_query_bytes: int) -> None:
        self._max_query_bytes = max_query_bytes
        self._known: OrderedDict[tuple[str | bytes, Role], Statement] = OrderedDict()

    def check(self, text: str, role: Role) -> Statement:
        """What `role` may run of `text`; raises as `guard.check`."""
        known = self._recall(text, role)
        if known is not None:
            return known
        statement = check(text, role, max_query_bytes=self._max_query_bytes)
        if statement.work is Work.READ and len(text) <= MAX_CHARACTERS:
            self._keep(text, role, statement)
        return statement

    def check_head(self, head: bytes, role: Role) -> tuple[Statement, bytes]:
        """The same of a request's first bytes; and those of them that are rows.

        An INSERT whose first line ends where its rows begin is told by that line: neither is it read
        again, nor are rows decoded.
        """
        line_end = head.find(b"\n", 0, MAX_CHARACTERS)
        known = self._recall(head[:line_end], role) if line_end > 0 else None
        if known is not None:
            return known, head[line_end:]
        text = head.decode("utf-8", "surrogateescape")
        statement = self.check(text, role)
        if statement.work is not Work.INSERT_DATA:
            return statement, b""
        begin = len(text[: statement.data_start].encode("utf-8", "surrogateescape"))
        if begin == line_end:
            self._keep(head[:line_end], role, statement)
        return statement, head[begin:]

    def _recall(self, text: str | bytes, role: Role) -> Statement | None:
        known = self._known.get((text, role))
        if known is not None:
            self._known.move_to_end((text, role))
        return known

    def _keep(self, text: str | bytes, role: Role, statement: Statement) -> None:
        self._known[text, role] = statement
        if len(self._known) > MAX_STATEMENTS:
            self._known.popitem(last=False)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)
