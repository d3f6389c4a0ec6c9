"""GPU: what the devices drew, held and did, for whom, and how the engines on them were filled."""

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from tachograph_dashboard import data, formats, theme
from tachograph_dashboard.components import charts
from tachograph_dashboard.components.cards import card, empty, lacks
from tachograph_dashboard.components.gpu_accounts import (
    accounts_card,
    batch_card,
    health_card,
    processes_card,
)
from tachograph_dashboard.components.gpu_strip import device_name, short_names
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import Scope, toolbar
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.gpu import GpuDevice, GpuPoint
from tachograph_store.queries.overview import OverviewTotals

COLUMNS = {
    "device": Column("Device"),
    "power_w": Column("Power (W)", "number", "%.0f"),
    "mean_power_w": Column("Mean (W)", "number", "%.0f"),
    "memory_gib": Column("Memory (GiB)", "number", "%.1f"),
    "peak_gib": Column("Peak (GiB)", "number", "%.1f"),
    "busy_percent": Column("Busy (%)", "number", "%.0f"),
    "temperature_c": Column("Heat (°C)", "number", "%.0f"),
    "energy_kj": Column("Energy (kJ)", "number", "%.1f", help="growth of the device's counter"),
    "throttled_percent": Column("Throttled (%)", "number", "%.1f"),
    "readings": Column("Readings", "number", "%d"),
    "last_at": Column("Last reading", "time"),
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("GPU", identity.project, with_filters=False)
    devices = data.gpu_devices(scope.selection)
    if not devices:
        empty(
            "No GPU seen in this time range",
            [
                (
                    "Run the sidecar on the machine that has the GPU: "
                    "`tachograph sidecar --upstream http://127.0.0.1:8080`"
                ),
                (
                    "It reads NVIDIA devices by NVML (`pip install 'tachograph[gpu]'`); "
                    "`tachograph doctor` says what is in the way. On a machine without a GPU "
                    "everything else works; joules and GPU-seconds stay unknown."
                ),
            ],
        )
        return
    totals = data.overview_totals(scope.selection)
    points = data.gpu_series(scope.selection, scope.window.step_s)
    _tiles(devices, totals)
    names = short_names(devices)
    left, right = st.columns(2)
    with left:
        _chart(scope, points, names, "Power", "W", lambda p: p.power_w)
        _chart(scope, points, names, "Memory", "GiB", _gibibytes)
    with right:
        _chart(scope, points, names, "Utilisation", "% of time busy", _percent)
        _chart(scope, points, names, "Temperature", "°C", lambda p: p.temperature_c)
    accounts_card(scope)
    with card("Devices"):
        table([_row(device) for device in devices], COLUMNS, zone=scope.zone, key="devices")
    health_card(scope, names)
    processes_card(scope, names)
    _engines(scope)


def _tiles(devices: list[GpuDevice], totals: OverviewTotals) -> None:
    measured = _sum([device.energy_j for device in devices])
    attributed = totals.energy_j
    share = None if not measured or attributed is None else attributed / measured
    tiles(
        [
            Tile("Devices", formats.count(len(devices)), "seen in this time range"),
            Tile(
                "Power now",
                f"{formats.number(_sum([d.power_w for d in devices]), 0)} W",
                f"limit {formats.number(_sum([d.power_limit_w for d in devices]), 0)} W",
            ),
            Tile("Energy", formats.joules(measured), "by the devices' own counters"),
            Tile(
                "Energy of requests",
                formats.joules(attributed),
                f"{formats.percent(share)} of the counters"
                + (
                    f"; {totals.without_energy:,} of {totals.requests:,} requests unknown"
                    if totals.without_energy
                    else ""
                ),
            ),
        ]
    )


def _engines(scope: Scope) -> None:
    """What the engines on these devices did at once, and how full their caches were."""
    points = data.engine_pressure(scope.selection, scope.window.step_s)
    cache = {p.step: None if p.cache_ratio is None else p.cache_ratio * 100 for p in points}
    preempted = {p.step: p.preemptions for p in points}
    left, right = st.columns(2)
    with left:
        batch_card(data.batch_sizes(scope.selection))
    with right, card("KV cache", "fullest in each step; requests put back for want of it below"):
        if any(value is not None for value in cache.values()):
            charts.lines(
                scope.window, {"KV cache": cache}, unit="% used", domain=(0, 100), height=110
            )
        else:
            st.caption("No engine says how full its KV cache is.")
        if any(preempted.values()):
            charts.bars(
                scope.window,
                {"preemptions": preempted},
                unit="put back",
                colors=(theme.VERMILION,),
                height=110,
            )
        elif any(value is not None for value in preempted.values()):
            st.caption("No request was put back.")
        else:
            st.caption("No engine says how many requests it put back.")


def _chart(
    scope: Scope,
    points: list[GpuPoint],
    names: dict[str, str],
    title: str,
    unit: str,
    of: Callable[[GpuPoint], float | None],
) -> None:
    series: dict[str, dict[datetime, float | None]] = {name: {} for name in names.values()}
    for point in points:
        series[names.get(point.gpu_id, point.gpu_id)][point.step] = of(point)
    known = sum(value is not None for values in series.values() for value in values.values())
    with card(title, unit):
        if known:
            charts.lines(scope.window, series, unit=unit)
        else:
            st.caption(f"The devices do not say: no reading of {title.lower()}.")
        lacks(
            f"{len(points) - known:,} of {len(points):,} steps have no reading"
            if known and known < len(points)
            else None
        )


def _row(device: GpuDevice) -> dict[str, object]:
    return {
        "device": device_name(device),
        "power_w": device.power_w,
        "mean_power_w": device.mean_power_w,
        "memory_gib": _gib(device.memory_used_bytes),
        "peak_gib": _gib(device.peak_memory_bytes),
        "busy_percent": None
        if device.utilization_ratio is None
        else device.utilization_ratio * 100,
        "temperature_c": device.temperature_c,
        "energy_kj": None if device.energy_j is None else device.energy_j / 1e3,
        "throttled_percent": 100 * device.throttled / device.throttle_known
        if device.throttle_known
        else None,
        "readings": device.readings,
        "last_at": device.last_at,
    }


def _gib(value: int | None) -> float | None:
    return None if value is None else value / 2**30


def _gibibytes(point: GpuPoint) -> float | None:
    return _gib(point.memory_used_bytes)


def _percent(point: GpuPoint) -> float | None:
    return None if point.utilization_ratio is None else point.utilization_ratio * 100


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
