"""One line a device: is it hot, full, busy."""

import streamlit as st

from tachograph_dashboard import formats, navigation
from tachograph_dashboard.components.cards import card
from tachograph_dashboard.plain_text import one_line
from tachograph_store.queries.gpu import GpuDevice

MAX_DEVICES = 8


def gpu_strip(devices: list[GpuDevice]) -> None:
    """The last reading of each device, or that none was seen."""
    with card("GPU", "last reading of each device"):
        if not devices:
            st.caption("No GPU seen in this time range.")
            navigation.link("gpu", ":small[How to record one]")
            return
        for index, device in enumerate(devices[:MAX_DEVICES]):
            with st.container(key=f"strip-{index}"):
                name, power, memory, load, heat = st.columns([3, 2, 3, 2, 2])
            name.text(device_name(device))
            power.text(
                f"{formats.number(device.power_w, 0)} W of "
                f"{formats.number(device.power_limit_w, 0)} W"
            )
            memory.text(
                f"{formats.gibibytes(device.memory_used_bytes)} of "
                f"{formats.gibibytes(device.memory_total_bytes)}"
            )
            load.text(f"{formats.percent(device.utilization_ratio)} busy")
            heat.text(f"{formats.number(device.temperature_c, 0)} °C")
        if len(devices) > MAX_DEVICES:
            st.caption(f"{MAX_DEVICES} of {len(devices)} devices.")
        navigation.link("gpu", ":small[GPU]")


def device_name(device: GpuDevice) -> str:
    """`host · GPU 0 · model`, plain text."""
    parts = [
        one_line(device.host, 40),
        f"GPU {device.gpu_index}" if device.gpu_index is not None else one_line(device.gpu_id, 40),
        one_line(device.gpu_model or "", 40),
    ]
    return " · ".join(part for part in parts if part)


def short_names(devices: list[GpuDevice]) -> dict[str, str]:
    """Names for legends by device id: what all devices share is left out."""
    if len({(device.host, device.gpu_model) for device in devices}) > 1:
        return {device.gpu_id: device_name(device) for device in devices}
    return {
        device.gpu_id: one_line(device.gpu_id, 40)
        if device.gpu_index is None
        else f"GPU {device.gpu_index}"
        for device in devices
    }
