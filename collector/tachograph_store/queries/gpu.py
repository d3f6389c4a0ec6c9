"""What the devices said of themselves."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuDevice:
    """One device: its last readings, means and peaks of the range, energy by its own counter."""

    gpu_id: str
    host: str
    gpu_index: int | None
    gpu_model: str | None
    readings: int
    last_at: datetime
    power_w: float | None
    power_limit_w: float | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    utilization_ratio: float | None
    temperature_c: float | None
    mean_power_w: float | None
    mean_utilization_ratio: float | None
    peak_memory_bytes: int | None
    peak_temperature_c: float | None
    energy_j: float | None
    throttle_known: int  # readings that say whether the clocks were held down
    throttled: int  # ... and that they were, for another reason than idling


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuPoint:
    """Means (memory and temperature: maxima) of one device in one step."""

    step: datetime
    gpu_id: str
    power_w: float | None
    utilization_ratio: float | None
    memory_used_bytes: int | None
    temperature_c: float | None


def gpu_devices(store: Store, selection: Selection) -> list[GpuDevice]:
    """Every device seen in the range; model, tenant and variant do not apply."""
    return [GpuDevice(**row) for row in store.rows("gpu_devices", selection.range_parameters())]


def gpu_series(store: Store, selection: Selection, step_s: int) -> list[GpuPoint]:
    """Every device in steps of `step_s` seconds, oldest first."""
    rows = store.rows("gpu_series", {**selection.range_parameters(), "step_s": step_s})
    return [GpuPoint(**{**row, "step": datetime.fromtimestamp(row["step"], UTC)}) for row in rows]
