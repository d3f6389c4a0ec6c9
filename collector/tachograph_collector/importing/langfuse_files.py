"""Langfuse exports: JSON or JSON lines, packed or not, of traces, observations and scores."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tachograph.semconv.values import RejectReason
from tachograph_collector.importing.batch import Batch
from tachograph_collector.importing.json_items import NotJson, json_items, open_input
from tachograph_collector.importing.langfuse_records import (
    SERVICE,
    TraceFacts,
    Unusable,
    kind_of,
    nested,
    observation_row,
    score_row,
    trace_facts,
    trace_row,
)
from tachograph_collector.pricing import Pricer
from tachograph_collector.translate.limits import Limits, Window
from tachograph_store.rows import ScoreRow, SpanRow

MAX_TRACES: Final = 1_000_000
"""Traces whose users are remembered; larger exports are imported in ranges of time."""

_ROWS: Final = 500
_CURRENCY: Final = "USD"
"""Of all costs in Langfuse."""


def read_langfuse(
    paths: Sequence[Path], project: str, limits: Limits, window: Window, pricer: Pricer
) -> Iterator[Batch]:
    """Rows of all files. Users and sessions stand with the traces, so these are read first.

    Raises `NotJson`, `OSError`, and `ValueError` for more traces than are remembered.
    """
    facts: dict[str, TraceFacts] = {}
    for path in paths:
        with suppress(NotJson):  # said when the rows are read
            for record, _ in _records(path):
                if kind_of(record) == "trace" and isinstance(record.get("id"), str):
                    facts[record["id"]] = trace_facts(record)
        if len(facts) > MAX_TRACES:
            raise ValueError(
                f"more than {MAX_TRACES:,} traces: export and import shorter ranges of time"
            )
    reader = _Reader(project, limits, window, pricer, facts)
    for path in paths:
        before = 0
        broken: NotJson | None = None
        try:
            for record, seen in _records(path):
                reader.read(record)
                if reader.is_full:
                    yield from reader.take(seen - before)
                    before = seen
        except NotJson as error:
            broken = error
        yield from reader.take(path.stat().st_size - before)
        if broken is not None:
            raise broken


def _records(path: Path) -> Iterator[tuple[Any, int]]:
    """Every record with the characters read so far; pages of the API one by one."""
    with open_input(path) as file:
        for item, seen in json_items(file):
            data = item.get("data") if isinstance(item, Mapping) else None
            for record in data if isinstance(data, list) else [item]:
                yield record, seen
                if kind_of(record) == "trace":
                    for inner in nested(record):
                        yield inner, seen


class _Reader:
    def __init__(
        self,
        project: str,
        limits: Limits,
        window: Window,
        pricer: Pricer,
        facts: Mapping[str, TraceFacts],
    ) -> None:
        self._project = project
        self._limits = limits
        self._window = window
        self._pricer = pricer
        self._facts = facts
        self._spans = Batch("spans")
        self._scores = Batch("logs")

    @property
    def is_full(self) -> bool:
        batches = (self._spans, self._scores)
        return any(batch.rows + batch.rejected.total() >= _ROWS for batch in batches)

    def take(self, read_bytes: int) -> Iterator[Batch]:
        self._spans.read_bytes = max(0, read_bytes)
        yield self._spans
        yield self._scores
        self._spans, self._scores = Batch("spans"), Batch("logs")

    def read(self, record: Any) -> None:
        kind = kind_of(record)
        batch = self._scores if kind == "score" else self._spans
        try:
            self._check_and_add(kind, record, batch)
        except Unusable as error:
            batch.rejected[SERVICE, error.reason] += 1
        except (ValueError, TypeError, OverflowError):
            batch.rejected[SERVICE, RejectReason.BAD_VALUE] += 1

    def _check_and_add(self, kind: str | None, record: Any, batch: Batch) -> None:
        row: SpanRow | ScoreRow
        if kind == "trace":
            row = trace_row(record, self._project, self._limits)
        elif kind == "observation":
            trace = record.get("traceId", record.get("trace_id"))
            facts = self._facts.get(trace) if isinstance(trace, str) else None
            row = observation_row(record, facts, self._project, self._limits)
            row = self._pricer.price(row, _CURRENCY)
        elif kind == "score":
            row = score_row(record, self._project, self._limits)
        else:
            raise Unusable(RejectReason.UNSUPPORTED)
        time = row.start_time if isinstance(row, SpanRow) else row.span_time
        reason = self._window.reject_reason(time)
        if reason is not None:
            raise Unusable(reason)
        batch.add("spans" if isinstance(row, SpanRow) else "scores", row, SERVICE)
