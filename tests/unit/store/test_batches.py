"""Batches: small enough for one insert, few enough partitions for one block, nothing lost."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.columns import partition_of
from tachograph_store.rows import IncidentRow, LedgerRow, SpanRow
from tachograph_store.writer import PARTITIONS_PER_INSERT, ROWS_PER_INSERT, batches

DAY_NS = 86_400_000_000_000


def span(number: int, day: int) -> SpanRow:
    return SpanRow(
        project="p",
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=day * DAY_NS,
        duration_ns=0,
        name="n",
        expires_on=date(2099, 1, 1),
        content_expires_on=date(2099, 1, 1),
    )


@given(st.lists(st.integers(0, 400), max_size=600), st.integers(0, 11_000))
def test_every_row_is_in_one_batch_within_the_bounds(days: list[int], more: int) -> None:
    rows = [span(number, day) for number, day in enumerate([*days, *[7] * more])]
    made = list(batches("spans", rows))
    assert sorted(row.trace_id for batch in made for row in batch) == [r.trace_id for r in rows]
    partition = partition_of("spans")
    for batch in made:
        assert 0 < len(batch) <= ROWS_PER_INSERT
        assert len({partition(row) for row in batch}) <= PARTITIONS_PER_INSERT


def test_partitions_are_days_months_or_none() -> None:
    assert partition_of("spans")(span(1, 30)) == date(1970, 1, 31)
    moment = datetime(2026, 2, 17, tzinfo=UTC)
    line = LedgerRow(
        project="p",
        collector="c",
        sequence=1,
        source="s",
        signal="spans",
        outcome="stored",
        time=moment,
        count=1,
        expires_on=date(2099, 1, 1),
    )
    assert partition_of("ledger")(line) == date(2026, 2, 1)
    incident = IncidentRow(
        project="p",
        incident_id="i",
        rule="r",
        state="firing",
        pending_at=moment,
        expires_on=date(2099, 1, 1),
    )
    assert partition_of("incidents")(incident) == date.min
