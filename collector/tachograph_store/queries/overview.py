"""How fast, how much, how dear: totals, percentiles and their course over a time range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tachograph_store.client import Store
from tachograph_store.message_events import OF_ANSWERS
from tachograph_store.queries.counted import counted_requests
from tachograph_store.queries.known_days import known_days
from tachograph_store.queries.selection import Selection, whole_days
from tachograph_store.queries.told import has_told


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Seconds, each at most 2 % from the exact one; None where nothing was measured."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, values: Sequence[float | None]) -> "Percentiles":
        """Of the three in this order."""
        p50_s, p95_s, p99_s = values
        return cls(p50_s=p50_s, p95_s=p95_s, p99_s=p99_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewTotals:
    """Counted requests only. `without_*` says how many of `requests` lack the fact."""

    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    without_tokens: int
    duration: Percentiles
    first_chunk: Percentiles
    without_first_chunk: int
    list_cost: Decimal | None
    without_list_cost: int
    compute_cost: Decimal | None
    without_compute_cost: int
    currencies: Sequence[str]
    gpu_seconds: float | None
    energy_j: float | None
    without_energy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPoint:
    """One step of the range that had requests."""

    step: datetime
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    duration: Percentiles
    first_chunk: Percentiles
    list_cost: Decimal | None
    compute_cost: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Answers that evaluators may judge, and why some of them have no score."""

    answers: int
    unscored: int  # not yet: they wait, or were given up
    left_out: int = 0  # by sampling or the rules, for every evaluator: decided, nothing waits

    @property
    def scored(self) -> int:
        """Those that an evaluator said anything about."""
        return self.answers - self.unscored - self.left_out


def overview_totals(store: Store, selection: Selection) -> OverviewTotals:
    """Totals of the selection; zero requests give None for every sum and percentile."""
    groups = counted_requests(store, selection)
    if not groups:
        return _NOTHING
    whole = groups[0]
    sums = whole.sums
    return OverviewTotals(
        requests=sums.requests,
        errors=sums.errors,
        input_tokens=sums.input_tokens,
        output_tokens=sums.output_tokens,
        without_tokens=sums.without_tokens,
        duration=Percentiles.of(whole.durations_s),
        first_chunk=Percentiles.of(whole.first_chunks_s),
        without_first_chunk=sums.requests - whole.with_first_chunk,
        list_cost=sums.list_cost,
        without_list_cost=sums.without_list_cost,
        compute_cost=sums.compute_cost,
        without_compute_cost=sums.without_compute_cost,
        currencies=whole.currencies,
        gpu_seconds=sums.gpu_seconds,
        energy_j=sums.energy_j,
        without_energy=sums.without_energy,
    )


def overview_series(store: Store, selection: Selection, step_s: int) -> list[OverviewPoint]:
    """The selection in steps of `step_s` seconds, oldest first."""
    return [
        OverviewPoint(
            step=one.group.starts_at,
            requests=one.sums.requests,
            errors=one.sums.errors,
            input_tokens=one.sums.input_tokens,
            output_tokens=one.sums.output_tokens,
            duration=Percentiles.of(one.durations_s),
            first_chunk=Percentiles.of(one.first_chunks_s),
            list_cost=one.sums.list_cost,
            compute_cost=one.sums.compute_cost,
        )
        for one in counted_requests(store, selection, step_s=step_s)
    ]


def overview_unscored(store: Store, selection: Selection) -> Coverage:
    """How far the evaluators have come with the answers of the selection."""
    days = known_days(store, selection, for_answers=True)
    asked = selection.range_parameters()
    parameters = {
        **selection.parameters(),
        **whole_days(selection.since, selection.until),
        **OF_ANSWERS,
        "has_told": has_told(store, asked, days.quiet_partitions()),
    }
    known = days.parameters()
    kinds = (False, True) if parameters["whole_from"] else (False,)
    rows = [
        store.rows("overview_unscored", {**parameters, **known, "is_whole": is_whole})[0]
        for is_whole in kinds
    ]
    if known["days"]:
        rows += store.rows("overview_day_answers", {"project": selection.project, **known})
    unscored = sum(row["unscored"] for row in rows)
    left_out = 0
    if unscored and has_skips(store, selection):
        # Days that were added up know what events told; the spans of all days are read here.
        is_told = parameters["has_told"] or (bool(days.days) and has_told(store, asked))
        of_all = {**parameters, "has_skips": True, "has_told": is_told}
        left_out = int(store.rows("overview_left_out", of_all)[0]["answers"])
    return Coverage(
        answers=sum(row["answers"] for row in rows),
        unscored=max(0, unscored - left_out),
        left_out=left_out,
    )


def has_skips(store: Store, selection: Selection) -> bool:
    """Whether any evaluation of an answer in the range was left out: most projects judge everything."""
    return bool(store.rows("overview_skips", selection.parameters())[0]["has_some"])


_NO_TIME: Final = Percentiles(p50_s=None, p95_s=None, p99_s=None)
_NOTHING: Final = OverviewTotals(
    requests=0,
    errors=0,
    input_tokens=None,
    output_tokens=None,
    without_tokens=0,
    duration=_NO_TIME,
    first_chunk=_NO_TIME,
    without_first_chunk=0,
    list_cost=None,
    without_list_cost=0,
    compute_cost=None,
    without_compute_cost=0,
    currencies=(),
    gpu_seconds=None,
    energy_j=None,
    without_energy=0,
)
