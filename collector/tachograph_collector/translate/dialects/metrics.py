"""What becomes of a metric, by its name: data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tachograph.semconv.metrics import ENGINE_PREFIXES, GPU_READING_COLUMNS

MIB: Final = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class GpuMetric:
    """A metric that fills a column of `gpu_readings`."""

    column: str
    scale: float = 1.0
    """What its unit is in the column's."""
    gpu_id: str = "hw.id"
    """Attribute that names the device."""


GPU_METRICS: Final[Mapping[str, GpuMetric]] = {
    **{name: GpuMetric(column) for name, column in GPU_READING_COLUMNS.items()},
    # OpenLIT's GPU collector
    "hw.gpu.power.draw": GpuMetric("power_w"),
    "hw.gpu.energy.consumed": GpuMetric("energy_j"),
    "hw.gpu.temperature": GpuMetric("temperature_c"),
    # OpenLIT's SDK: per cent and MiB
    "gpu.utilization": GpuMetric("utilization_ratio", 0.01, "gpu.uuid"),
    "gpu.memory.used": GpuMetric("memory_used_bytes", MIB, "gpu.uuid"),
    "gpu.memory.total": GpuMetric("memory_total_bytes", MIB, "gpu.uuid"),
    "gpu.temperature": GpuMetric("temperature_c", 1.0, "gpu.uuid"),
    "gpu.power.draw": GpuMetric("power_w", 1.0, "gpu.uuid"),
    "gpu.power.limit": GpuMetric("power_limit_w", 1.0, "gpu.uuid"),
}

GPU_COLUMN_MEANS: Final[Mapping[str, str]] = {
    "hw.type": "gpu",
    "hw.gpu.task": "general",
    "sensor": "die",
}
"""Attributes that tell points of one metric apart: the columns mean this one. A point that says
another (the encoder's utilisation, the memory's temperature) is kept in `engine_readings`."""

READING_PREFIXES: Final[tuple[str, ...]] = (
    *ENGINE_PREFIXES,
    "gen_ai.",  # OTel GenAI, old and new: client, server, agents, workflows; OpenLIT's cost
    "llm.",  # OpenLLMetry's own
    "mcp.",
    "hw.",
    "gpu.",
    "process.gpu.",
)
"""Metrics that begin so are kept in `engine_readings` under their own names."""
