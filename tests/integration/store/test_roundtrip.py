"""Whatever a row holds comes back as it went in."""

import dataclasses
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tachograph_store.client import Store
from tachograph_store.queries.traces import trace_scores, trace_spans
from tachograph_store.rows import ScoreRow, SpanRow
from tachograph_store.writer import Writer

TEXT = st.text(max_size=40)
NS = st.integers(1_600_000_000_000_000_000, 2_000_000_000_000_000_000)
COUNT = st.integers(0, 2**64 - 1)
SECONDS = st.floats(allow_nan=False, allow_infinity=False, width=64)
COST = st.decimals(Decimal(-999999999), Decimal(999999999), places=9)
STRINGS = st.lists(TEXT, max_size=3)
MAPS = st.dictionaries(TEXT, TEXT, max_size=3)
DAY = date(2099, 1, 1)


@st.composite
def spans(draw: st.DrawFn) -> SpanRow:
    events = draw(st.integers(0, 3))
    return SpanRow(
        project=f"trip-{uuid.uuid4().hex[:12]}",
        trace_id=draw(st.text("0123456789abcdef", min_size=32, max_size=32)),
        span_id=draw(st.text("0123456789abcdef", min_size=16, max_size=16)),
        start_time=draw(NS),
        duration_ns=draw(COUNT),
        name=draw(TEXT),
        request_id=draw(st.none() | TEXT),
        is_counted=draw(st.booleans()),
        finish_reasons=draw(STRINGS),
        is_streaming=draw(st.none() | st.booleans()),
        input_tokens=draw(st.none() | COUNT),
        chunk_count=draw(st.none() | st.integers(0, 2**32 - 1)),
        time_to_first_chunk_s=draw(st.none() | SECONDS),
        tenant=draw(st.none() | TEXT),
        list_cost=draw(st.none() | COST),
        prompt=draw(st.none() | TEXT),
        completion=draw(st.none() | TEXT),
        attributes=draw(MAPS),
        event_times=[draw(NS) for _ in range(events)],
        event_names=[draw(TEXT) for _ in range(events)],
        event_attributes=[draw(MAPS) for _ in range(events)],
        truncated=draw(STRINGS),
        link_trace_ids=draw(STRINGS),
        link_span_ids=draw(STRINGS),
        content_hash=draw(COUNT),
        expires_on=DAY,
        content_expires_on=DAY,
    )


@given(row=spans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spans_come_back(writer_store: Store, row: SpanRow) -> None:
    assert Writer(writer_store).write_spans([row]).stored == 1
    (found,) = trace_spans(writer_store, row.project, row.trace_id)
    assert found.version > 0
    assert found.stored_at is not None
    assert found.stored_at.tzinfo is not None
    assert dataclasses.replace(found, version=0, stored_at=None) == row


@given(
    value=st.none() | st.floats(0, 1),
    explanation=st.none() | TEXT,
    offsets=st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), TEXT), max_size=3),
)
@settings(max_examples=15)
def test_scores_come_back(
    writer_store: Store,
    value: float | None,
    explanation: str | None,
    offsets: list[tuple[int, int, str]],
) -> None:
    row = ScoreRow(
        project=f"trip-{uuid.uuid4().hex[:12]}",
        trace_id="0" * 32,
        span_id="0" * 16,
        span_time=1_790_000_000_123_456_789,
        evaluator="safety",
        name="toxicity",
        source="evaluator",
        value=value,
        explanation=explanation,
        offsets=offsets,
        created_at=datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=UTC),
        expires_on=DAY,
    )
    Writer(writer_store).write("scores", [row])
    (found,) = trace_scores(writer_store, row.project, row.trace_id)
    assert dataclasses.replace(found, version=0, stored_at=None) == row
