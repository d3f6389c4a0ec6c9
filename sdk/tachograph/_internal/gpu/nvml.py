"""NVML, thinly: typed readings, each None where the device or driver does not give it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tachograph._internal.gpu.details import GpuDetails, XidError
from tachograph._internal.gpu.nvml_details import NvmlDetails, XidEvents
from tachograph._internal.gpu.source import GpuDevice, GpuIdentity, GpuState, GpuUnavailable

T = TypeVar("T")


class NvmlDevice:
    """One device by its NVML handle."""

    def __init__(self, nvml: Any, handle: Any, identity: GpuIdentity) -> None:
        self._nvml = nvml
        self._handle = handle
        self._identity = identity
        self._details = NvmlDetails(nvml, handle)

    @property
    def identity(self) -> GpuIdentity:
        return self._identity

    def power_w(self) -> float | None:
        """Instantaneous power where the driver has it, else its own running average."""
        instant = self._try(self._instant_power_w)
        return self._try(self._average_power_w) if instant is None else instant

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded. Blocks about 4 ms on an H100."""
        millijoules = self._try(
            lambda: int(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        )
        return None if millijoules is None else millijoules / 1000.0

    def state(self) -> GpuState:
        """The quick readings."""
        nvml, handle = self._nvml, self._handle
        rates = self._try(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        memory = self._try(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        limit_mw = self._try(lambda: int(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)))
        return GpuState(
            utilization_ratio=None if rates is None else rates.gpu / 100.0,
            memory_bus_ratio=None if rates is None else rates.memory / 100.0,
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_total_bytes=None if memory is None else int(memory.total),
            temperature_c=self._try(
                lambda: float(nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
            ),
            clock_graphics_mhz=self._try(
                lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_GRAPHICS))
            ),
            clock_memory_mhz=self._try(
                lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM))
            ),
            power_limit_w=None if limit_mw is None else limit_mw / 1000.0,
            throttle_reasons=self._try(
                lambda: int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle))
            ),
        )

    def details(self) -> GpuDetails:
        """The slow readings."""
        return self._details.read()

    def _instant_power_w(self) -> float | None:
        nvml = self._nvml
        value = nvml.nvmlDeviceGetFieldValues(self._handle, [nvml.NVML_FI_DEV_POWER_INSTANT])[0]
        if value.nvmlReturn != nvml.NVML_SUCCESS:
            return None
        return float(value.value.uiVal) / 1000.0

    def _average_power_w(self) -> float | None:
        return float(self._nvml.nvmlDeviceGetPowerUsage(self._handle)) / 1000.0

    def _try(self, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except (self._nvml.NVMLError, AttributeError):  # AttributeError: an older binding
            return None


class NvmlSource:
    """The devices that the NVIDIA driver of this machine shows."""

    def __init__(self) -> None:
        self._nvml: Any = None
        self._xids: XidEvents | None = None

    def open(self) -> list[GpuDevice]:
        """Load NVML and find devices.

        Raises GpuUnavailable: the binding is not installed, no driver, no permission, no device.
        """
        try:
            import pynvml
        except ImportError as error:
            raise GpuUnavailable(
                "the NVML binding is not installed (pip install 'tachograph[gpu]')"
            ) from error
        try:
            pynvml.nvmlInit()
        except (pynvml.NVMLError, OSError) as error:
            raise GpuUnavailable(f"no NVIDIA driver answers: {error}") from error
        self._nvml = pynvml
        try:
            driver = _text(pynvml.nvmlSystemGetDriverVersion())
            handles = [
                pynvml.nvmlDeviceGetHandleByIndex(index)
                for index in range(pynvml.nvmlDeviceGetCount())
            ]
            devices: list[GpuDevice] = [
                NvmlDevice(
                    pynvml,
                    handle,
                    GpuIdentity(
                        uuid=_text(pynvml.nvmlDeviceGetUUID(handle)),
                        index=index,
                        model=_text(pynvml.nvmlDeviceGetName(handle)),
                        driver_version=driver,
                    ),
                )
                for index, handle in enumerate(handles)
            ]
        except pynvml.NVMLError as error:
            self.close()
            raise GpuUnavailable(f"the driver does not show its devices: {error}") from error
        if not devices:
            self.close()
            raise GpuUnavailable("the NVIDIA driver shows no device")
        uuids = [device.identity.uuid for device in devices]
        self._xids = XidEvents(pynvml, list(zip(uuids, handles, strict=True)))
        return devices

    def xid_errors(self) -> Sequence[XidError]:
        """What the driver reported since the last look."""
        return self._xids.take() if self._xids is not None else ()

    def close(self) -> None:
        """Let go of the driver."""
        nvml, self._nvml = self._nvml, None
        xids, self._xids = self._xids, None
        if xids is not None:
            xids.close()
        if nvml is not None:
            try:
                nvml.nvmlShutdown()
            except nvml.NVMLError:
                return  # the driver is gone already


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
