"""What engines say of their batches and their cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tachograph.semconv.metrics import PROXY_REQUESTS_IN_FLIGHT
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.selection import Selection

RUNNING: Final = (
    "vllm:num_requests_running",
    "sglang:num_running_reqs",
    "llamacpp:requests_processing",
    "tgi_batch_current_size",
)
"""Gauges that say how many requests an engine works on at once."""

CACHE_RATIO: Final = (
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "sglang:token_usage",
    "llamacpp:kv_cache_usage_ratio",
)
PREEMPTIONS: Final = (
    "vllm:num_preemptions_total",
    "sglang:num_retracted_reqs_total",
    "sglang:num_retracted_requests_total",
)
WAITING: Final = (
    "vllm:num_requests_waiting",
    "sglang:num_queue_reqs",
    "llamacpp:requests_deferred",
    "tgi_queue_size",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSizes:
    """How often so many requests ran at once.

    Attributes:
        source: the metrics that said it; `tachograph.proxy.requests_in_flight` counts those who wait
            in the engine's queue too.
        readings: by size, ascending.
    """

    source: Sequence[str]
    readings: Sequence[tuple[int, int]]

    @property
    def mean(self) -> float | None:
        """Mean size over the readings in which anything ran; None without one."""
        busy = [(size, count) for size, count in self.readings if size]
        total = sum(count for _, count in busy)
        return sum(size * count for size, count in busy) / total if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PressurePoint:
    """The engines' cache and queue in one step; None where they do not say."""

    step: datetime
    cache_ratio: float | None  # at most, 0..1
    preemptions: float | None  # requests put back for want of cache
    waiting: float | None  # at most


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    name: str
    size: int
    readings: int


def batch_sizes(store: Store, selection: Selection) -> BatchSizes:
    """As the engines say it, or as the proxy counts where they do not."""
    names = [*RUNNING, PROXY_REQUESTS_IN_FLIGHT]
    rows = run(store, "batch_sizes", _Size, names=names, **selection.range_parameters())
    own = [row for row in rows if row.name != PROXY_REQUESTS_IN_FLIGHT]
    counts: dict[int, int] = {}
    for row in own or rows:
        counts[row.size] = counts.get(row.size, 0) + row.readings
    return BatchSizes(
        source=sorted({row.name for row in own or rows}), readings=sorted(counts.items())
    )


def engine_pressure(store: Store, selection: Selection, step_s: int) -> list[PressurePoint]:
    """In steps of `step_s` seconds, oldest first; steps in which no engine said anything are left out."""
    rows = store.rows(
        "engine_pressure",
        {
            **selection.range_parameters(),
            "step_s": step_s,
            "cache_names": list(CACHE_RATIO),
            "preemption_names": list(PREEMPTIONS),
            "waiting_names": list(WAITING),
        },
    )
    return [
        PressurePoint(**{**row, "step": datetime.fromtimestamp(row["step"], UTC)}) for row in rows
    ]
