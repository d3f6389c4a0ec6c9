"""Which spans are stored already, and the queue of those being stored at this moment."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tachograph_store.client import Store
from tachograph_store.rows import SpanRow

Identity = tuple[str, str, str]
"""Project, trace id, span id."""

_LOOKUP = """
SELECT trace_id, span_id, content_hash, version
FROM spans
WHERE project = {project:String}
    AND toStartOfMinute(start_time) IN
        (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC'))
    AND trace_id IN {trace_ids:Array(String)}
"""


def identity(row: SpanRow) -> Identity:
    """What makes a span the same span."""
    return row.project, row.trace_id, row.span_id


def minute_of(start_time_ns: int) -> int:
    """The minute of a span's start, as the sorting key has it: its first second of the epoch."""
    return start_time_ns // 60_000_000_000 * 60


@dataclass(frozen=True, slots=True)
class _Stored:
    trace_id: str
    span_id: str
    content_hash: int
    version: int


def stored_hashes(store: Store, rows: Sequence[SpanRow]) -> dict[Identity, int]:
    """Content hash of the newest stored version of each span of `rows` that is stored.

    Only the minutes in which the spans of the batch start are read: a span that comes again with
    another start minute is another row.
    """
    by_project: dict[str, list[SpanRow]] = {}
    for row in rows:
        by_project.setdefault(row.project, []).append(row)
    hashes: dict[Identity, int] = {}
    for project, spans in by_project.items():
        found = store.query_rows(
            _LOOKUP,
            {
                "project": project,
                "minutes": sorted({minute_of(row.start_time) for row in spans}),
                "trace_ids": sorted({row.trace_id for row in spans}),
            },
            _Stored,
            name="stored_hashes",
        )
        for span in sorted(found, key=lambda stored: stored.version):
            hashes[project, span.trace_id, span.span_id] = span.content_hash
    return hashes


class InFlight:
    """Lets one batch at a time work on an identity.

    A client whose request timed out sends it again while the first is still being stored; without
    this, both look-ups would find nothing.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._busy: set[Identity] = set()

    @contextmanager
    def claim(self, identities: set[Identity]) -> Iterator[None]:
        """Wait until no other batch works on any of these, then hold them all."""
        with self._condition:
            self._condition.wait_for(lambda: self._busy.isdisjoint(identities))
            self._busy |= identities
        try:
            yield
        finally:
            with self._condition:
                self._busy -= identities
                self._condition.notify_all()
