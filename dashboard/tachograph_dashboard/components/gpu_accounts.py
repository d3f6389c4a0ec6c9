"""Where the joules went: the accounts of the GPU ledger as one bar, and whether they add up."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd
import streamlit as st

from tachograph_dashboard import data, formats, theme
from tachograph_dashboard.components.cards import card
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope
from tachograph_dashboard.plain_text import one_line
from tachograph_store.queries.engine_pressure import BatchSizes
from tachograph_store.queries.gpu_accounts import TOLERATED_SHARE, GpuAccounts, GpuHealth

MAX_BATCH_BARS: Final = 64
_COLORS: Final = {
    "requests": theme.BLUE,
    "idle": theme.GREY,
    "other processes": theme.ORANGE,
    "unattributed": theme.VERMILION,
}

_HEALTH_COLUMNS: Final = {
    "device": Column("Device"),
    "ecc_corrected": Column("ECC corrected", "number", "%d", help="memory errors in this range"),
    "ecc_uncorrected": Column("ECC uncorrected", "number", "%d"),
    "xids": Column("XID", help="codes that the driver reported, how often since the sidecar began"),
    "pcie_sent": Column("PCIe out (MB/s)", "number", "%.1f", help="mean"),
    "pcie_received": Column("PCIe in (MB/s)", "number", "%.1f", help="mean"),
    "nvlink_count": Column("NVLinks", "number", "%d", help="active"),
    "nvlink_sent": Column("NVLink out (GB)", "number", "%.2f", help="in this range"),
    "nvlink_received": Column("NVLink in (GB)", "number", "%.2f"),
}
_PROCESS_COLUMNS: Final = {
    "device": Column("Device"),
    "pid": Column("Process", "number", "%d"),
    "name": Column("Name"),
    "whose": Column("Whose"),
    "sm_percent": Column("SM time (%)", "number", "%.1f", help="mean while it was seen"),
    "memory_gib": Column("Memory (GiB)", "number", "%.1f", help="at most"),
    "last_at": Column("Last seen", "time"),
}
_WHOSE: Final = {"true": "the engine's", "false": "another's"}


def accounts_card(scope: Scope) -> None:
    """The sum rule over the range, each term with its error."""
    with card("Accounts", "requests + idle + other processes + unattributed = counter"):
        accounts = data.gpu_accounts(scope.selection)
        if accounts is None:
            st.caption("No sidecar told what it attributed in this time range.")
            return
        _bar(accounts)
        st.caption(accounts_text(accounts))
        if not accounts.holds:
            st.warning(_complaint(accounts), icon=":material/error:")


def accounts_text(accounts: GpuAccounts) -> str:
    """The equation in numbers; each term's error where it is known."""
    others = (
        "other processes unknown (the driver does not tell, or the engine's processes are not seen)"
        if accounts.others_j is None
        else f"other processes {formats.joules(accounts.others_j)}"
        + f" ± {formats.joules(accounts.others_error_j)}"
    )
    unattributed = formats.joules(abs(accounts.unattributed_j))
    sign = "−" if accounts.unattributed_j < 0 else ""
    return (
        f"requests {formats.joules(accounts.requests_j)} + idle {formats.joules(accounts.idle_j)} + "
        f"{others} + unattributed {sign}{unattributed} "
        f"({formats.percent(accounts.unattributed_share)}) = counter "
        f"{formats.joules(accounts.drawn_j)}. Requests and idle are metered by the power; what the "
        "counter says beside them is their error."
    )


def _complaint(accounts: GpuAccounts) -> str:
    if (accounts.unattributed_share or 0.0) > TOLERATED_SHARE:
        return (
            f"More than {formats.percent(TOLERATED_SHARE)} of the counter has no owner: power and "
            "counter disagree, or readings are missing."
        )
    return (
        f"The terms miss the counter by {formats.joules(abs(accounts.difference_j))}: readings of "
        "some accounts did not arrive."
    )


def _bar(accounts: GpuAccounts) -> None:
    values = {
        "requests": accounts.requests_j,
        "idle": accounts.idle_j,
        "other processes": accounts.others_j or 0.0,
        "unattributed": abs(accounts.unattributed_j),
    }
    names = [name for name, value in values.items() if value]
    frame = pd.DataFrame([{"part": name, "joules": values[name]} for name in names])
    if frame.empty:
        st.caption("Nothing was drawn.")
        return
    frame["order"] = range(len(frame))
    chart = (
        alt.Chart(frame)
        .mark_bar(size=26)
        .encode(
            x=alt.X("joules:Q", stack="normalize", title=None, axis=alt.Axis(format="%")),
            order="order:Q",
            color=alt.Color(
                "part:N",
                title=None,
                sort=names,
                scale=alt.Scale(domain=names, range=[_COLORS[name] for name in names]),
                legend=alt.Legend(orient="top", symbolType="square", offset=2, padding=0),
            ),
            tooltip=[
                alt.Tooltip("part:N", title="account"),
                alt.Tooltip("joules:Q", title="J", format=",.0f"),
            ],
        )
    )
    _draw(chart, 110)


def batch_card(sizes: BatchSizes) -> None:
    """How large the engine's batches were, as a share of the time."""
    mean = "" if sizes.mean is None else f", mean {sizes.mean:.1f} while any ran"
    with card("Batch size", f"share of the time in which so many requests ran{mean}"):
        total = sum(count for _, count in sizes.readings)
        if not total:
            st.caption("No engine and no sidecar said how many requests ran.")
            return
        shown = _binned(sizes.readings)
        frame = pd.DataFrame(
            [{"size": label, "share": count / total} for label, count in shown.items()]
        )
        chart = (
            alt.Chart(frame)
            .mark_bar(color=theme.BLUE)
            .encode(
                x=alt.X("size:N", sort=list(shown), title="requests at once"),
                y=alt.Y(
                    "share:Q",
                    title=None,
                    axis=alt.Axis(format="%", tickCount=4, domain=False, ticks=False),
                ),
                tooltip=[
                    alt.Tooltip("size:N", title="requests at once"),
                    alt.Tooltip("share:Q", title="of the time", format=".1%"),
                ],
            )
        )
        _draw(chart, 220)
        st.caption("Source: " + ", ".join(sizes.source))


def _binned(readings: Sequence[tuple[int, int]]) -> dict[str, int]:
    """One bar a size; bars of equal width where there are too many, named by their range."""
    width = -(-(max(size for size, _ in readings) + 1) // MAX_BATCH_BARS)
    counts: dict[int, int] = {}
    for size, count in readings:
        counts[size // width] = counts.get(size // width, 0) + count
    return {
        str(place) if width == 1 else f"{place * width}–{(place + 1) * width - 1}": counts[place]
        for place in sorted(counts)
    }


def health_card(scope: Scope, names: dict[str, str]) -> None:
    """Errors and links of each device, nothing where no sidecar tells of them."""
    found = data.gpu_health(scope.selection)
    if not found:
        return
    with card("Errors and links"):
        rows = [_health_row(health, names) for health in found]
        table(rows, _HEALTH_COLUMNS, zone=scope.zone, key="gpu-health")


def processes_card(scope: Scope, names: dict[str, str]) -> None:
    """Who ran on the devices, nothing where no sidecar tells of it."""
    found = data.gpu_processes(scope.selection)
    if not found:
        return
    with card("Processes", "by their share of the SM time"):
        rows = [
            {
                "device": names.get(one.gpu_id, one_line(one.gpu_id, 40)),
                "pid": one.pid,
                "name": one.process_name,
                "whose": _WHOSE.get(one.is_engine.lower(), "unknown"),
                "sm_percent": None if one.sm_ratio is None else one.sm_ratio * 100,
                "memory_gib": None if one.memory_bytes is None else one.memory_bytes / 2**30,
                "last_at": one.last_at,
            }
            for one in found
        ]
        table(rows, _PROCESS_COLUMNS, zone=scope.zone, key="gpu-processes")


def _health_row(health: GpuHealth, names: dict[str, str]) -> dict[str, object]:
    def per(value: float | None, unit: float) -> float | None:
        return None if value is None else value / unit

    return {
        "device": names.get(health.gpu_id, one_line(health.gpu_id, 40)),
        "ecc_corrected": health.ecc_corrected,
        "ecc_uncorrected": health.ecc_uncorrected,
        "xids": ", ".join(f"{code} × {count}" for code, count in health.xids) or None,
        "pcie_sent": per(health.pcie_sent_bytes_per_s, 1e6),
        "pcie_received": per(health.pcie_received_bytes_per_s, 1e6),
        "nvlink_count": health.nvlink_count,
        "nvlink_sent": per(health.nvlink_sent_bytes, 1e9),
        "nvlink_received": per(health.nvlink_received_bytes, 1e9),
    }


def _draw(chart: Any, height: int) -> None:
    padded = chart.configure(padding={"left": 4, "right": 8, "top": 4, "bottom": 4})
    st.altair_chart(padded.configure_view(strokeWidth=0), width="stretch", height=height)
