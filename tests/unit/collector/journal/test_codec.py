"""Rows come out of the journal as they went in, also when other versions wrote them."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tachograph_collector.journal.codec import Draft, columns_of, pack, unpack
from tachograph_store.rows import LedgerRow, ScoreRow, SpanRow

SPAN = SpanRow(
    project="p",
    trace_id="0" * 32,
    span_id="1" * 16,
    start_time=1_700_000_000_123_456_789,
    duration_ns=5,
    name="n\x00\u2028 \U0001f600",
    list_cost=Decimal("0.000000001"),
    finish_reasons=("stop",),
    truncated=(),
    attributes={"a": "1"},
    event_times=(1, 2),
    event_attributes=({"k": "v"}, {}),
    content_hash=2**64 - 1,
    expires_on=date(2027, 1, 2),
    content_expires_on=date(2026, 12, 3),
)


def _back(draft: Draft, table: str) -> dict[str, list[object]]:
    packed = pack(draft)
    names, rows = unpack(packed.meta, packed.payload).tables[table]
    return {name: list(values) for name, values in columns_of(table, names, rows).items()}


def test_every_field_of_a_span_comes_back() -> None:
    columns = _back(Draft("p", "spans", Counter(shop=1), tables={"spans": [SPAN]}), "spans")
    for item in fields(SpanRow):
        expected = getattr(SPAN, item.name)
        value = columns[item.name][0]
        if isinstance(expected, tuple):
            assert isinstance(value, list | tuple)
            expected, value = list(expected), list(value)
        assert value == expected, item.name
        assert value is None or isinstance(value, type(expected)), item.name


def test_moments_and_offsets_come_back() -> None:
    now = datetime(2026, 11, 22, 1, 2, 3, 456789, UTC)
    score = ScoreRow(
        project="p", trace_id="t", span_id="s", span_time=1, evaluator="e", name="n",
        source="human", offsets=((1, 2, "x"),), created_at=now, expires_on=date(2027, 1, 1),
    )  # fmt: skip
    line = LedgerRow(
        project="p", collector="client:x", sequence=1, source="s", signal="spans",
        outcome="dropped", time=now, count=3, expires_on=date(2027, 1, 1),
    )  # fmt: skip
    draft = Draft("p", "logs", Counter(human=1), tables={"scores": [score], "ledger": [line]})
    assert _back(draft, "scores")["created_at"] == [now]
    assert _back(draft, "scores")["offsets"] == [[[1, 2, "x"]]]
    assert _back(draft, "ledger")["time"] == [now]


def test_counts_are_read_without_rows_and_sources_follow_rows() -> None:
    rows = [SPAN, replace(SPAN, span_id="2" * 16)]
    draft = Draft(
        "p", "spans", Counter(a=1, b=1), Counter({("a", "too_old"): 2}), {"spans": rows}, ["b", "a"]
    )
    packed = pack(draft)
    counts = unpack(packed.meta, b"")
    assert (counts.accepted, counts.rejected) == (draft.accepted, draft.rejected)
    assert unpack(packed.meta, packed.payload).sources == ["b", "a"]
    assert (packed.rows, packed.accepted[("p", "a", "spans")]) == (2, 1)


def test_rows_of_another_version_get_defaults_and_lose_what_is_unknown() -> None:
    names = ["project", "trace_id", "span_id", "start_time", "duration_ns", "name", "gone",
             "expires_on", "content_expires_on"]  # fmt: skip
    row = ["p", "t", "s", 1, 2, "n", "x", "2027-01-01", "2027-01-01"]
    columns = columns_of("spans", names, [row, row])
    assert list(columns["kind"]) == ["INTERNAL", "INTERNAL"]
    assert "gone" not in columns
    packed = pack(Draft("p", "spans", Counter(shop=1), tables={"spans": [SPAN]}))
    payload = packed.payload.replace(b'"duration_ns"', b'"period_ns"')
    with pytest.raises(ValueError, match="duration_ns"):
        unpack(packed.meta, payload)


@pytest.mark.parametrize("bad", [{"name": "\ud800"}, {"content_hash": 2**64}])
def test_what_json_cannot_hold_is_said(bad: dict[str, object]) -> None:
    row = replace(SPAN, **bad)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        pack(Draft("p", "spans", Counter(shop=1), tables={"spans": [row]}))
