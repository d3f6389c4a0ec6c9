"""The limit: the same rows as ready Native blocks, straight into the same table.

The rows are our own, as the collector stored them, read back as Native blocks before the clock
starts and inserted through the same store process: what is left is the engine, its codecs, its
indexes and the disk. They go to a project and a day of their own, so that neither the engine's
block deduplication nor a merge of equal keys makes them fewer, and are stored days ago, so that no
rollup of theirs runs in the next contestant's round.
"""

import json
import urllib.parse
import urllib.request
from collections.abc import Sequence

from tests.benchmarks.ingest.client import Target
from tests.benchmarks.ingest.spans import Body
from tests.benchmarks.ingest.tachograph_stack import TachographStack

from tachograph_store.embedded.credentials import Role, read_credential

BLOCK_ROWS = 10_000
DAYS_BEFORE = 3
_ROWS = """
SELECT * REPLACE (
    CAST({{target:String}} AS LowCardinality(String)) AS project,
    start_time - INTERVAL {days} DAY AS start_time,
    stored_at - INTERVAL {days} DAY AS stored_at
)
FROM (
    SELECT * FROM spans WHERE project = {{source:String}}
    ORDER BY stored_at, trace_id, span_id LIMIT {{rows:UInt64}} OFFSET {{first:UInt64}}
)
FORMAT Native
"""
_INSERT = "INSERT INTO spans FORMAT Native"


def native_blocks(stack: TachographStack, source: str, target: str, rows: int) -> Sequence[Body]:
    """Blocks of a project's rows under another project's name."""
    return [
        Body(_read(stack, source, target, first, count), count, [])
        for first in range(0, rows, BLOCK_ROWS)
        if (count := min(BLOCK_ROWS, rows - first))
    ]


def insert_target(stack: TachographStack) -> Target:
    """Where blocks go: the store's own HTTP, with the writer's credential."""
    host, port = _endpoint(stack)
    path = "/?" + urllib.parse.urlencode({"query": _INSERT})
    return Target(host, port, path, _headers(stack, "writer"))


def _read(stack: TachographStack, source: str, target: str, first: int, count: int) -> bytes:
    host, port = _endpoint(stack)
    parameters = {"source": source, "target": target, "rows": count, "first": first}
    query = urllib.parse.urlencode({f"param_{name}": value for name, value in parameters.items()})
    request = urllib.request.Request(
        f"http://{host}:{port}/?{query}",
        data=_ROWS.format(days=DAYS_BEFORE).encode(),
        headers=_headers(stack, "reader"),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        block = bytes(answer.read())
    if not block:
        raise RuntimeError(f"no rows of the project {source} from {first} on")
    return block


def _endpoint(stack: TachographStack) -> tuple[str, int]:
    document = json.loads((stack.settings.directory / "endpoint.json").read_text())
    return document["host"], document["port"]


def _headers(stack: TachographStack, role: Role) -> dict[str, str]:
    credential = read_credential(stack.settings.directory, role)
    return {"x-clickhouse-user": credential.role, "x-clickhouse-key": credential.password}
