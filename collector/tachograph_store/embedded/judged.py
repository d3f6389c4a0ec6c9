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
    statements that read are kept: others may carry rows. Refusals are judged each time.
    """

    def __init__(self, max_query_bytes: int) -> None:
        self._max_query_bytes = max_query_bytes
        self._known: OrderedDict[tuple[str, Role], Statement] = OrderedDict()

    def check(self, text: str, role: Role) -> Statement:
        """What `role` may run of `text`; raises as `guard.check`."""
        known = self._known.get((text, role))
        if known is not None:
            self._known.move_to_end((text, role))
            return known
        statement = check(text, role, max_query_bytes=self._max_query_bytes)
        if statement.work is Work.READ and len(text) <= MAX_CHARACTERS:
            self._known[text, role] = statement
            if len(self._known) > MAX_STATEMENTS:
                self._known.popitem(last=False)
        return statement

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._known)
