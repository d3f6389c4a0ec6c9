"""How fast, how much, how dear: totals, percentiles and their course over a time range."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from tachograph.semconv.values import GENERATIVE_OPERATIONS
from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Seconds; None where nothing was measured."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


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
    """Answers that evaluators may judge, and how many of them have no score yet."""

    answers: int
    unscored: int


def overview_totals(store: Store, selection: Selection) -> OverviewTotals:
    """Totals of the selection; zero requests give None for every sum and percentile."""
    row = store.rows("overview_totals", selection.parameters())[0]
    return OverviewTotals(
        requests=row["requests"],
        errors=row["errors"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        without_tokens=row["without_tokens"],
        duration=_percentiles(row["durations_ns"], 1e-9),
        first_chunk=_percentiles(row["first_chunks_s"]),
        without_first_chunk=row["without_first_chunk"],
        list_cost=row["list_cost"],
        without_list_cost=row["without_list_cost"],
        compute_cost=row["compute_cost"],
        without_compute_cost=row["without_compute_cost"],
        currencies=tuple(sorted(row["currencies"])),
        gpu_seconds=row["gpu_seconds"],
        energy_j=row["energy_j"],
        without_energy=row["without_energy"],
    )


def overview_series(store: Store, selection: Selection, step_s: int) -> list[OverviewPoint]:
    """The selection in steps of `step_s` seconds, oldest first."""
    rows = store.rows("overview_series", {**selection.parameters(), "step_s": step_s})
    return [
        OverviewPoint(
            step=datetime.fromtimestamp(row["step"], UTC),
            requests=row["requests"],
            errors=row["errors"],
            input_tokens=row["input_tokens"],
            output_tokens=row["output_tokens"],
            duration=_percentiles(row["durations_ns"], 1e-9),
            first_chunk=_percentiles(row["first_chunks_s"]),
            list_cost=row["list_cost"],
            compute_cost=row["compute_cost"],
        )
        for row in rows
    ]


def overview_unscored(store: Store, selection: Selection) -> Coverage:
    """How far the evaluators have come with the answers of the selection."""
    row = store.rows(
        "overview_unscored",
        {**selection.parameters(), "operations": sorted(GENERATIVE_OPERATIONS)},
    )[0]
    return Coverage(answers=row["answers"], unscored=row["unscored"])


def _percentiles(values: Sequence[float | None], scale: float = 1.0) -> Percentiles:
    # The engine answers an empty array where no row has the fact
    p50, p95, p99 = (value if value is None else value * scale for value in values or (None,) * 3)
    return Percentiles(p50_s=p50, p95_s=p95, p99_s=p99)
