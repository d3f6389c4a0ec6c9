"""Errors, links, processes and parts of a GPU as metric points, and who beside the engine ran."""

from collections.abc import Sequence
from typing import Final

from tachograph._internal.delivery import AttributeValue, MetricPoint
from tachograph._internal.gpu.details import GpuDetails, GpuPart, GpuProcess
from tachograph._internal.gpu.readings import device_labels
from tachograph._internal.gpu.source import GpuIdentity
from tachograph.semconv import attributes, metrics

MAX_PROCESSES: Final = 64
"""Processes of one device that are told; the others are counted in no metric."""


def detail_points(
    identity: GpuIdentity,
    details: GpuDetails,
    xids: dict[int, int],
    engine_pids: frozenset[int] | None,
    time_unix_ns: int,
) -> list[MetricPoint]:
    """The points of one look; what is None makes no point. `xids`: reports so far by code."""
    labels = device_labels(identity)
    made: list[MetricPoint] = []

    def add(name: str, unit: str, value: float | None, extra: dict[str, AttributeValue]) -> None:
        if value is not None:
            made.append(
                MetricPoint(
                    name=name,
                    unit=unit,
                    kind="counter" if name in _COUNTERS else "gauge",
                    value=value,
                    time_unix_nano=time_unix_ns,
                    attributes={**labels, **extra},
                )
            )

    error, direction = attributes.ERROR_TYPE, attributes.IO_DIRECTION
    add(metrics.HW_ERRORS, "{error}", details.ecc_corrected, {error: "corrected"})
    add(metrics.HW_ERRORS, "{error}", details.ecc_uncorrected, {error: "uncorrected"})
    for code, count in xids.items():
        add(metrics.HW_ERRORS, "{error}", count, {error: f"xid_{code}"})
    for way, rate, total in (
        ("transmit", details.pcie_sent_bytes_per_s, details.nvlink_sent_bytes),
        ("receive", details.pcie_received_bytes_per_s, details.nvlink_received_bytes),
    ):
        add(metrics.HW_GPU_PCIE_THROUGHPUT, "By/s", rate, {direction: way})
        link: dict[str, AttributeValue] = {direction: way, attributes.HW_GPU_LINK: "nvlink"}
        add(metrics.HW_GPU_IO, "By", total, link)
    add(metrics.HW_GPU_NVLINK_COUNT, "{link}", details.nvlink_count, {})
    for process in (details.processes or ())[:MAX_PROCESSES]:
        who = _process_labels(process, engine_pids)
        add(metrics.PROCESS_GPU_MEMORY_USAGE, "By", process.memory_bytes, who)
        add(metrics.PROCESS_GPU_UTILIZATION, "1", process.sm_ratio, who)
    for part in details.parts:
        its = _part_labels(identity, part)
        add(metrics.HW_GPU_MEMORY_USAGE, "By", part.memory_used_bytes, its)
        add(metrics.HW_GPU_MEMORY_LIMIT, "By", part.memory_total_bytes, its)
    return made


def recognised(
    details: Sequence[GpuDetails], engine_pids: frozenset[int] | None
) -> frozenset[int] | None:
    """The engine's processes, or None where the driver's numbers are not those of this machine.

    In a container the driver numbers processes as the host does. None of those is then the engine's,
    and some cannot be seen from here: calling them other people's would take the engine's joules away.
    """
    if engine_pids is None:
        return None
    told = [process for device in details for process in device.processes or ()]
    if any(process.pid in engine_pids for process in told):
        return engine_pids
    return None if any(process.name is None for process in told) else engine_pids


def others_share(details: Sequence[GpuDetails], engine_pids: frozenset[int] | None) -> float | None:
    """The share of all devices' SM time that was not the engine's, 0 when nothing ran at all.

    None where it cannot be told: the engine's processes are unknown, a device tells no processes, or
    tells of their memory only.
    """
    if engine_pids is None:
        return None
    engine = others = 0.0
    for device in details:
        if device.processes is None:
            return None
        for process in device.processes:
            if process.sm_ratio is None:
                return None
            if process.pid in engine_pids:
                engine += process.sm_ratio
            else:
                others += process.sm_ratio
    return others / (engine + others) if others else 0.0


_COUNTERS: Final = frozenset({metrics.HW_ERRORS, metrics.HW_GPU_IO})


def _process_labels(
    process: GpuProcess, engine_pids: frozenset[int] | None
) -> dict[str, AttributeValue]:
    labels: dict[str, AttributeValue] = {attributes.PROCESS_PID: process.pid}
    if process.name is not None:
        labels[attributes.PROCESS_NAME] = process.name
    if engine_pids is not None:
        labels[attributes.PROCESS_IS_ENGINE] = process.pid in engine_pids
    return labels


def _part_labels(identity: GpuIdentity, part: GpuPart) -> dict[str, AttributeValue]:
    return {attributes.HW_ID: part.uuid, attributes.HW_PARENT: identity.uuid}
