"""GPU readings as `hw.*` metric points: one instant of one device becomes one stored row."""

from tachograph._internal.delivery import AttributeValue, MetricPoint
from tachograph._internal.gpu.source import GpuIdentity, GpuState
from tachograph.semconv import attributes, metrics


def device_labels(identity: GpuIdentity) -> dict[str, AttributeValue]:
    """The labels that every point of a device carries."""
    labels: dict[str, AttributeValue] = {
        attributes.HW_ID: identity.uuid,
        attributes.HW_TYPE: "gpu",
        attributes.HW_VENDOR: "NVIDIA",
        attributes.GPU_INDEX: identity.index,
    }
    if identity.model is not None:
        labels[attributes.HW_MODEL] = identity.model
    if identity.driver_version is not None:
        labels[attributes.HW_DRIVER_VERSION] = identity.driver_version
    return labels


def to_points(
    identity: GpuIdentity,
    state: GpuState,
    power_w: float | None,
    energy_j: float | None,
    time_unix_ns: int,
) -> list[MetricPoint]:
    """The points of one instant; what is None makes no point."""
    labels = device_labels(identity)
    readings: list[tuple[str, str, float | int | None]] = [
        (metrics.HW_GPU_UTILIZATION, "1", state.utilization_ratio),
        (metrics.HW_GPU_MEMORY_USAGE, "By", state.memory_used_bytes),
        (metrics.HW_GPU_MEMORY_LIMIT, "By", state.memory_total_bytes),
        (metrics.HW_GPU_MEMORY_UTILIZATION, "1", state.memory_bus_ratio),
        (metrics.HW_POWER, "W", power_w),
        (metrics.HW_ENERGY, "J", energy_j),
        (metrics.HW_TEMPERATURE, "Cel", state.temperature_c),
        (metrics.HW_GPU_CLOCK_GRAPHICS, "MHz", state.clock_graphics_mhz),
        (metrics.HW_GPU_CLOCK_MEMORY, "MHz", state.clock_memory_mhz),
        (metrics.HW_GPU_POWER_LIMIT, "W", state.power_limit_w),
        (metrics.HW_GPU_THROTTLE_REASONS, "1", state.throttle_reasons),
    ]
    return [
        MetricPoint(
            name=name,
            unit=unit,
            kind="counter" if name == metrics.HW_ENERGY else "gauge",
            value=value,
            time_unix_nano=time_unix_ns,
            attributes=labels,
        )
        for name, unit, value in readings
        if value is not None
    ]
