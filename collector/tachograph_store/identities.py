"""Which spans are stored already, and the queue of those being stored at this moment."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from clickhouse_connect.driver.binding import format_bind_value

from tachograph_store.client import Store

Identity = tuple[str, str, str]
"""Project, trace id, span id."""

_LOOKUP = """
SELECT trace_id, span_id, content_hash, version, booked_by, booked_block, booked_source, expires_on
FROM spans
WHERE project = {project:String}
    AND toStartOfMinute(start_time) IN
        (SELECT toDateTime(arrayJoin({minutes:Array(UInt32)}), 'UTC'))
    AND trace_id IN {trace_ids:Array(String)}
"""


class SpanKey(NamedTuple):
    """What is compared of a span before it is stored."""

    project: str
    trace_id: str
    span_id: str
    start_time: int  # ns since the epoch
    content_hash: int

    @property
    def identity(self) -> Identity:
        """What makes a span the same span."""
        return self[:3]


class Booking(NamedTuple):
    """Where the books have a span; every later version of it keeps that."""

    booked_by: str
    booked_block: int
    booked_source: str
    expires_on: date
    """The day it is deleted: a correction neither prolongs a life nor brings one back."""


class StoredSpan(NamedTuple):
    """The newest stored version of a span."""

    content_hash: int
    version: int
    booking: Booking


def minute_of(start_time_ns: int) -> int:
    """The minute of a span's start, as the sorting key has it: its first second of the epoch."""
    return start_time_ns // 60_000_000_000 * 60


class _StringArray:
    """The value of an `Array(String)` parameter.

    clickhouse-connect sends of a type that it does not know what `str` makes of it. It escapes lists
    itself, letter by letter: a fifth of a look-up's time.
    """

    def __init__(self, values: Sequence[str]) -> None:
        self._values = values

    def __str__(self) -> str:
        quoted = (
            f"'{v}'" if v.isalnum() else format_bind_value(v, None, False) for v in self._values
        )
        return f"[{','.join(quoted)}]"


@dataclass(frozen=True, slots=True)
class _Found:
    trace_id: str
    span_id: str
    content_hash: int
    version: int
    booked_by: str
    booked_block: int
    booked_source: str
    expires_on: date

    @property
    def stored(self) -> StoredSpan:
        booking = Booking(self.booked_by, self.booked_block, self.booked_source, self.expires_on)
        return StoredSpan(self.content_hash, self.version, booking)


def stored_spans(store: Store, keys: Sequence[SpanKey]) -> dict[Identity, StoredSpan]:
    """Those of the spans that are stored.

    Only the minutes in which the spans of the batch start are read: a span that comes again with
    another start minute is another row.
    """
    by_project: dict[str, list[SpanKey]] = {}
    for key in keys:
        by_project.setdefault(key.project, []).append(key)
    stored: dict[Identity, StoredSpan] = {}
    for project, spans in by_project.items():
        found = store.query_rows(
            _LOOKUP,
            {
                "project": project,
                "minutes": sorted({minute_of(key.start_time) for key in spans}),
                "trace_ids": _StringArray(sorted({key.trace_id for key in spans})),
            },
            _Found,
            name="stored_spans",
        )
        for span in sorted(found, key=lambda span: span.version):
            stored[project, span.trace_id, span.span_id] = span.stored
    return stored


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
