"""What the engine says of an INSERT that failed: chDB's streaming insert does not.

`finish()` of chDB 4.4 answers as if all were stored when the engine throws while it processes the rows
(a full disk, too many parts, no memory, a constraint): no exception, `rows_written` as if written, and
nothing in the table. The engine itself counts the failure, and keeps the last error of each code with
the id of its query.
"""

import json
from typing import TYPE_CHECKING, Final

from tachograph_store.embedded.exceptions import ABORTED, EngineException

if TYPE_CHECKING:
    from tachograph_store.embedded.engine import EngineConnection

TAG_SETTING: Final = "max_http_get_redirects"
"""Means nothing here, and no client may set it: its value names a connection in `system.processes`."""

_COUNT: Final = "SELECT sum(value) AS count FROM system.events WHERE event = 'FailedInsertQuery'"
_BEGUN: Final = (
    f"SELECT query_id FROM system.processes WHERE Settings['{TAG_SETTING}'] = {{tag:String}}"
)
_ERROR: Final = (
    "SELECT code, last_error_message AS message FROM system.errors "
    "WHERE query_id = {query_id:String} ORDER BY last_error_time DESC LIMIT 1"
)


class InsertFailures:
    """Asks the engine, on a connection of its own; used by one thread at a time."""

    def __init__(self, connection: "EngineConnection") -> None:
        self._connection = connection
        self.known = 0
        """What `count` answered last. Fewer than there are, after a failure that nobody asked about: an
        INSERT may then be told to come again though it was stored, never the reverse."""

    def count(self) -> int:
        """How many INSERTs have failed since the engine began."""
        self.known = int(self._rows(_COUNT, {})[0]["count"])
        return self.known

    def query_id(self, tag: str) -> str:
        """The id of the INSERT that the connection with this tag has begun; '' for none."""
        rows = self._rows(_BEGUN, {"tag": tag})
        return str(rows[0]["query_id"]) if rows else ""

    def error(self, query_id: str) -> EngineException:
        """Why an INSERT has failed, or that nobody knows whether it was this one."""
        rows = self._rows(_ERROR, {"query_id": query_id}) if query_id else []
        if not rows:
            return EngineException.of(ABORTED, "an INSERT failed, perhaps this one: send it again")
        code = int(rows[0]["code"])
        return EngineException(code, f"Code: {code}. DB::Exception: {rows[0]['message']}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _rows(self, sql: str, parameters: dict[str, str]) -> list[dict[str, str]]:
        answer = self._connection.run(sql, "JSONEachRow", parameters)
        return [json.loads(line) for line in answer.splitlines()]
