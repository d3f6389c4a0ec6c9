"""What was recorded: the store's own tables over its HTTP protocol, and the collector's REST.

Only the reader credential is used. The counts are plain `count()`, without DISTINCT or FINAL: a
request recorded twice must show.
"""

import json
import urllib.request
from typing import Any, Final

from tachograph_cli.home import Home

_TIMEOUT_S: Final = 20.0
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_COUNTED: Final = "SELECT count() AS n FROM spans WHERE project = 'default' AND is_counted"

# A recorded abstention or error is a judgement too: what must not be is silence. Evaluators that lack a
# setting (the language-model judge has no endpoint here) judge nothing: those that were planned count.
_SCORED: Final = """
SELECT count() AS n FROM spans
WHERE project = 'default' AND is_counted AND (trace_id, span_id) IN (
    SELECT trace_id, span_id FROM scores
    WHERE project = 'default' AND source = 'evaluator'
    GROUP BY trace_id, span_id
    HAVING hasAll(groupUniqArray(evaluator), (
        SELECT groupUniqArray(evaluator) FROM jobs
        WHERE project = 'default' AND kind = 'evaluation' AND state != 'skipped'
    ))
)"""

_SCORES: Final = """
SELECT name, variant, avg(value) AS mean, countIf(value IS NOT NULL) AS judged,
    countIf(label = 'error') AS errors
FROM scores WHERE project = 'default' AND source = 'evaluator'
GROUP BY name, variant ORDER BY name, variant"""

_TWICE: Final = """
SELECT count() AS n FROM (
    SELECT trace_id FROM spans
    WHERE project = 'default' AND operation IN ('chat', 'text_completion')
    GROUP BY trace_id HAVING uniqExact(observer) > 1
)"""


class Books:
    """Reads one stack."""

    def __init__(self, home: Home, collector_url: str) -> None:
        self._home = home
        self._collector_url = collector_url

    def recorded(self) -> int:
        """Counted spans in the store."""
        return int(self._select(_COUNTED)[0]["n"])

    def scored(self) -> int:
        """Counted spans that every evaluator at work has judged."""
        return int(self._select(_SCORED)[0]["n"])

    def reported_twice(self) -> int:
        """Requests that both the SDK and the sidecar sent a span for."""
        return int(self._select(_TWICE)[0]["n"])

    def summary(self, by: str | None = None) -> list[dict[str, Any]]:
        """Counted requests by `tenant` or `variant`, or all together, as the REST tells them."""
        answer = self._rest("summary" if by is None else f"summary?by={by}")
        segments: list[dict[str, Any]] = answer["segments"]
        return segments

    def ledger(self) -> list[dict[str, Any]]:
        """The books: how many records of each source met which fate."""
        entries: list[dict[str, Any]] = self._rest("ledger")["entries"]
        return entries

    def scores(self) -> list[dict[str, Any]]:
        """Mean of each score by variant."""
        return self._select(_SCORES)

    def _rest(self, path: str) -> Any:
        key = self._home.admin_key_file.read_text(encoding="utf-8").strip()
        request = urllib.request.Request(
            f"{self._collector_url}/api/v1/{path}", headers={"Authorization": f"Bearer {key}"}
        )
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            return json.load(response)

    def _select(self, sql: str) -> list[dict[str, Any]]:
        endpoint = json.loads((self._home.store_directory / "endpoint.json").read_text("utf-8"))
        credential = json.loads(
            (self._home.store_directory / "credentials" / "reader.json").read_text("utf-8")
        )
        request = urllib.request.Request(
            f"http://{endpoint['host']}:{endpoint['port']}/",
            data=f"{sql} FORMAT JSON".encode(),
            headers={
                "X-ClickHouse-User": credential["user"],
                "X-ClickHouse-Key": credential["password"],
            },
        )
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            rows: list[dict[str, Any]] = json.load(response)["data"]
        return rows
