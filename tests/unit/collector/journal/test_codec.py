"""Rows come out of the journal as they went in, also when other versions wrote them."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tachograph_collector.journal.codec import Draft, Part, columns_of, pack, unpack
from tachograph_store.columns import Columns
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
    part = unpack(packed.meta, packed.payload).tables[table]
    return {name: list(values) for name, values in columns_of(table, [part]).items()}


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


def test_fields_that_rows_share_stand_once_and_defaults_not_at_all() -> None:
    rows = [
        replace(SPAN, span_id=f"{index:016x}", input_tokens=index or None) for index in range(9)
    ]
    packed = pack(Draft("p", "spans", Counter(shop=9), tables={"spans": rows}))
    part = unpack(packed.meta, packed.payload).tables["spans"]
    assert set(part.columns) == {"span_id", "input_tokens"}
    assert part.same["attributes"] == {"a": "1"}
    assert "completion" not in part.same
    columns = columns_of("spans", [part, part])
    assert columns["input_tokens"] == [None, *range(1, 9)] * 2
    assert columns["completion"] == [None] * 18
    assert columns["expires_on"] == [SPAN.expires_on] * 18


def test_columns_are_packed_as_rows_are() -> None:
    rows = [SPAN, replace(SPAN, span_id="2" * 16)]
    columns: Columns = {
        item.name: [getattr(row, item.name) for row in rows] for item in fields(SpanRow)
    }
    of_rows = pack(Draft("p", "spans", Counter(shop=2), tables={"spans": rows}))
    of_columns = pack(Draft("p", "spans", Counter(shop=2), tables={"spans": columns}))
    assert (of_rows.rows, of_rows.payload) == (of_columns.rows, of_columns.payload)


def test_rows_of_another_version_get_defaults_and_lose_what_is_unknown() -> None:
    required = {"project": "p", "trace_id": "t", "start_time": 1, "duration_ns": 2, "name": "n",
                "expires_on": "2027-01-01", "content_expires_on": "2027-01-01"}  # fmt: skip
    old = Part(2, {**required, "gone": "x"}, {"span_id": ["a", "b"]})
    new = Part(1, {**required, "kind": "CLIENT"}, {"span_id": ["c"]})
    columns = columns_of("spans", [old, new])
    assert columns["kind"] == ["INTERNAL", "INTERNAL", "CLIENT"]
    assert columns["span_id"] == ["a", "b", "c"]
    assert "gone" not in columns
    packed = pack(Draft("p", "spans", Counter(shop=1), tables={"spans": [SPAN]}))
    payload = packed.payload.replace(b'"duration_ns"', b'"period_ns"')
    with pytest.raises(ValueError, match="duration_ns"):
        unpack(packed.meta, payload)
    two = pack(Draft("p", "spans", Counter(a=2), tables={"spans": [SPAN, replace(SPAN, name="m")]}))
    with pytest.raises(ValueError, match="name has 1 values"):
        unpack(two.meta, two.payload.replace(b',"m"]', b"]"))


@pytest.mark.parametrize("bad", [{"name": "\ud800"}, {"content_hash": 2**64}])
def test_what_json_cannot_hold_is_said(bad: dict[str, object]) -> None:
    row = replace(SPAN, **bad)  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        pack(Draft("p", "spans", Counter(shop=1), tables={"spans": [row]}))
