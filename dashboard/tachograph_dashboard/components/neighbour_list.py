"""What else the engine did while a request ran, and how its devices were."""

from datetime import tzinfo

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.cards import card, lacks
from tachograph_dashboard.components.gpu_strip import device_name
from tachograph_dashboard.components.tables import Column, table
from tachograph_store.queries.gpu import GpuDevice
from tachograph_store.queries.neighbours import Neighbour
from tachograph_store.rows import SpanRow

MAX_DEVICES = 8
COLUMNS = {
    "began_s": Column("Began (s)", "number", "%+.3f", help="before or after this request"),
    "model": Column("Model"),
    "tenant": Column("Tenant"),
    "input_tokens": Column("In", "number", "%d", help="input tokens"),
    "output_tokens": Column("Out", "number", "%d", help="output tokens"),
    "duration_s": Column("Took (s)", "number", "%.3f"),
    "shared_s": Column("Shared (s)", "number", "%.3f", help="ran while this request did"),
    "prefill_s": Column("in prefill (s)", "number", "%.3f", help="part of the shared time"),
    "decode_s": Column("in decode (s)", "number", "%.3f", help="part of the shared time"),
    "status": Column("Status"),
}


def neighbour_list(call: SpanRow, zone: tzinfo) -> None:
    """The neighbours of one model call, behind a button: nobody else pays for the question."""
    with card("At the same time", "on the same engine", fills=False):
        if not st.toggle("Show what ran beside this request", key="neighbours"):
            return
        around = data.neighbourhood(call)
        for device in around.devices[:MAX_DEVICES]:
            st.text(_device(device))
        if not around.devices:
            st.caption("No GPU reading of that time.")
        if not around.neighbours:
            st.caption("No other model call ran on this engine.")
            return
        table(
            [_row(near, call) for near in around.neighbours],
            COLUMNS,
            zone=zone,
            key="neighbour-rows",
            on_pick=lambda row: _open(around.neighbours[row].trace_id),
        )
        shown = len(around.neighbours)
        lacks(
            f"{shown} of {around.total:,}, those that shared most time"
            if shown < around.total
            else None,
            None
            if call.service_instance_id
            else "the engine is not known: calls of the same service are shown",
        )


def _device(device: GpuDevice) -> str:
    throttled = ", clocks held down" if device.throttled else ""
    return (
        f"{device_name(device)}: {formats.number(device.mean_power_w, 0)} W, "
        f"{formats.percent(device.mean_utilization_ratio)} busy, "
        f"{formats.gibibytes(device.peak_memory_bytes)}, "
        f"{formats.number(device.peak_temperature_c, 0)} °C{throttled}"
    )


def _row(near: Neighbour, call: SpanRow) -> dict[str, object]:
    return {
        "began_s": (near.start_time - call.start_time) / 1e9,
        "model": near.model,
        "tenant": near.tenant,
        "input_tokens": near.input_tokens,
        "output_tokens": near.output_tokens,
        "duration_s": near.duration_ns / 1e9,
        "shared_s": near.shared_ns / 1e9,
        "prefill_s": near.shared_prefill_s,
        "decode_s": near.shared_decode_s,
        "status": "failed" if near.status_code == "ERROR" else "",
    }


def _open(trace_id: str) -> None:
    st.query_params["trace"] = trace_id
    st.rerun()
