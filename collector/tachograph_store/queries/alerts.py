"""What the alert evaluator and the delivery of webhooks ask of the store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rollup import CHILD_EARLY_S, CHILD_LATE_S
from tachograph_store.rows import DeliveryRow, IncidentRow

LATENESS: Final = timedelta(hours=1)
"""How much earlier than the window a request may have begun, or an answer may have been given."""

_CHILD_EARLY: Final = timedelta(seconds=CHILD_EARLY_S)
_CHILD_LATE: Final = timedelta(seconds=CHILD_LATE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number over a window, and from how many requests or scores it comes; None: unknown."""

    value: float | None
    samples: int


def alerts_span_window(store: Store, selection: Selection) -> Mapping[str, Measure]:
    """Every span metric of the counted requests that ended within the selection, by name.

    Totals of no requests are 0; totals of requests that all lack the fact are unknown.
    """
    parameters = _with_lateness(selection)
    children = {
        "child_since_ns": nanoseconds(selection.since - LATENESS - _CHILD_EARLY),
        "child_until_ns": nanoseconds(selection.until + _CHILD_LATE),
    }
    row = store.rows("alerts_span_window", {**parameters, **children})[0]
    requests: int = row["requests"]
    first_chunks: int = row["with_first_chunk"]
    measures = {
        "requests": Measure(value=requests, samples=requests),
        "errors": Measure(value=row["errors"], samples=requests),
        "error_rate": Measure(
            value=row["errors"] / requests if requests else None, samples=requests
        ),
    }
    for position, quantile in enumerate(("p50", "p95", "p99")):
        duration_ns = _quantile(row["durations_ns"], position)
        measures[f"latency_{quantile}_s"] = Measure(
            value=None if duration_ns is None else duration_ns * 1e-9, samples=requests
        )
        measures[f"time_to_first_chunk_{quantile}_s"] = Measure(
            value=_quantile(row["first_chunks_s"], position), samples=first_chunks
        )
    for total in (
        "input_tokens",
        "output_tokens",
        "list_cost",
        "compute_cost",
        "gpu_seconds",
        "energy_j",
    ):
        amount: Decimal | float | None = row[total] if requests else 0
        measures[total] = Measure(
            value=None if amount is None else float(amount), samples=row[f"with_{total}"]
        )
    return measures


def alerts_score_window(store: Store, selection: Selection, name: str) -> Measure:
    """The mean of the scores called `name` that were given within the selection."""
    parameters = {**_with_lateness(selection), "name": name}
    row = store.rows("alerts_score_window", parameters)[0]
    return Measure(value=row["mean"], samples=row["samples"])


def alerts_latest_incidents(store: Store, project: str) -> Sequence[IncidentRow]:
    """The latest incident of each rule and segment of the project, open or not."""
    return run(store, "alerts_latest_incidents", IncidentRow, project=project)


def alerts_due_deliveries(store: Store, project: str, now: datetime) -> Sequence[DeliveryRow]:
    """Messages to send now, the oldest first, 50 a webhook at most."""
    now_ns = nanoseconds(now)
    return run(store, "alerts_due_deliveries", DeliveryRow, project=project, now_ns=now_ns)


def alerts_known_deliveries(
    store: Store, project: str, delivery_ids: Collection[str]
) -> Collection[str]:
    """Those of the ids that have a row already."""
    parameters = {"project": project, "delivery_ids": list(delivery_ids)}
    return {row["delivery_id"] for row in store.rows("alerts_known_deliveries", parameters)}


def alerts_gone_channels(store: Store, project: str) -> Mapping[str, datetime]:
    """Webhook name -> when it last answered 410 Gone."""
    rows = store.rows("alerts_gone_channels", {"project": project})
    return {row["channel"]: row["gone_at"] for row in rows}


def _quantile(quantiles: Sequence[float | None], position: int) -> float | None:
    return quantiles[position] if quantiles else None  # of nothing the engine answers []


def _with_lateness(selection: Selection) -> Mapping[str, object]:
    oldest = selection.since - LATENESS
    return {**selection.parameters(), "oldest_ns": nanoseconds(oldest)}
