"""Slow and rare NVML readings of one device; each None where driver or device does not give it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from tachograph._internal.gpu.details import GpuDetails, GpuPart, GpuProcess, XidError

_ALL_LINKS: Final = 2**32 - 1
_KIB: Final = 1024
_MAX_LINKS: Final = 18
"""Links of one H100; NVML answers with an error above a device's own."""

_LINK_LOOKS: Final = 30
"""Looks between two counts of the links: eighteen calls, for what hardly ever changes."""

_MAX_XIDS_A_LOOK: Final = 64


class NvmlDetails:
    """Reads the details of one device by its NVML handle; calls block up to 50 ms."""

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml = nvml
        self._handle = handle
        self._last_sample_us = 0
        self._looks = 0
        self._links: int | None = None

    def read(self) -> GpuDetails:
        """Everything of now; nothing raises."""
        if self._looks % _LINK_LOOKS == 0:
            self._links = self._link_count()
        self._looks += 1
        return GpuDetails(
            ecc_corrected=self._ecc("NVML_MEMORY_ERROR_TYPE_CORRECTED"),
            ecc_uncorrected=self._ecc("NVML_MEMORY_ERROR_TYPE_UNCORRECTED"),
            pcie_sent_bytes_per_s=self._pcie("NVML_PCIE_UTIL_TX_BYTES"),
            pcie_received_bytes_per_s=self._pcie("NVML_PCIE_UTIL_RX_BYTES"),
            nvlink_count=self._links,
            nvlink_sent_bytes=self._nvlink("NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX"),
            nvlink_received_bytes=self._nvlink("NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX"),
            processes=self._processes(),
            parts=self._parts(),
        )

    def _ecc(self, kind: str) -> int | None:
        nvml = self._nvml
        count = self._ask(
            "nvmlDeviceGetTotalEccErrors", getattr(nvml, kind), nvml.NVML_VOLATILE_ECC
        )
        return None if count is None else int(count)

    def _pcie(self, counter: str) -> int | None:
        kib = self._ask("nvmlDeviceGetPcieThroughput", getattr(self._nvml, counter))
        return None if kib is None else int(kib) * _KIB

    def _link_count(self) -> int | None:
        """Active links; None where the device has no NVLink to ask for."""
        states = [self._ask("nvmlDeviceGetNvLinkState", link) for link in range(_MAX_LINKS)]
        known = [int(state) for state in states if state is not None]
        return sum(known) if known else None

    def _nvlink(self, field: str) -> int | None:
        wanted = (getattr(self._nvml, field, None), _ALL_LINKS)
        values = None if wanted[0] is None else self._ask("nvmlDeviceGetFieldValues", [wanted])
        if values is None or values[0].nvmlReturn != self._nvml.NVML_SUCCESS:
            return None
        return int(values[0].value.ullVal) * _KIB

    def _processes(self) -> Sequence[GpuProcess] | None:
        running = self._ask("nvmlDeviceGetComputeRunningProcesses")
        if running is None:
            return None
        shares = self._sm_ratios()
        memory = {int(one.pid): one.usedGpuMemory for one in running}
        return [
            GpuProcess(
                pid=pid,
                name=_name(pid),
                memory_bytes=None if memory.get(pid) is None else int(memory[pid]),
                sm_ratio=None if shares is None else shares.get(pid, 0.0),
            )
            for pid in sorted({*memory, *(shares or {})})
        ]

    def _sm_ratios(self) -> dict[int, float] | None:
        """Mean share of the SM time by process since the last look; None where it is not told."""
        nvml = self._nvml
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(self._handle, self._last_sample_us)
        except AttributeError:
            return None
        except nvml.NVMLError as error:
            # "not found" says that nothing ran since then; anything else that it cannot be told
            return {} if error.value == nvml.NVML_ERROR_NOT_FOUND else None
        moments: set[int] = set()
        sums: dict[int, float] = defaultdict(float)
        for sample in samples:
            moment = int(sample.timeStamp)
            if moment > self._last_sample_us:
                moments.add(moment)
                sums[int(sample.pid)] += min(100, int(sample.smUtil)) / 100.0
        if moments:
            self._last_sample_us = max(moments)
        return {pid: total / len(moments) for pid, total in sums.items()}

    def _parts(self) -> Sequence[GpuPart]:
        mode = self._ask("nvmlDeviceGetMigMode")
        if mode is None or not mode[0]:
            return []
        count = self._ask("nvmlDeviceGetMaxMigDeviceCount")
        parts = []
        for index in range(int(count or 0)):
            part = self._ask("nvmlDeviceGetMigDeviceHandleByIndex", index)
            uuid = None if part is None else self._ask("nvmlDeviceGetUUID", handle=part)
            if uuid is None:
                continue  # a place that holds no part
            memory = self._ask("nvmlDeviceGetMemoryInfo", handle=part)
            parts.append(
                GpuPart(
                    uuid=uuid.decode() if isinstance(uuid, bytes) else uuid,
                    memory_used_bytes=None if memory is None else int(memory.used),
                    memory_total_bytes=None if memory is None else int(memory.total),
                )
            )
        return parts

    def _ask(self, function: str, *arguments: Any, handle: Any = None) -> Any:
        """What NVML answers; None where the device does not support it, or the binding has it not."""
        try:
            return getattr(self._nvml, function)(
                self._handle if handle is None else handle, *arguments
            )
        except (self._nvml.NVMLError, AttributeError):
            return None


class XidEvents:
    """The driver's reports of errors, for all devices of a source."""

    def __init__(self, nvml: Any, handles: Sequence[tuple[str, Any]]) -> None:
        self._nvml = nvml
        self._set: Any = None
        self._uuids: list[str] = []
        try:
            self._set = nvml.nvmlEventSetCreate()
            for uuid, handle in handles:
                nvml.nvmlDeviceRegisterEvents(handle, nvml.nvmlEventTypeXidCriticalError, self._set)
                self._uuids.append(uuid)
        except (nvml.NVMLError, AttributeError):  # not supported, or not permitted
            self.close()

    def take(self) -> list[XidError]:
        """Reports since the last look; without waiting, empty where events are not supported."""
        nvml = self._nvml
        found: list[XidError] = []
        while self._set is not None and len(found) < _MAX_XIDS_A_LOOK:
            try:
                event = nvml.nvmlEventSetWait_v2(self._set, 0)
                uuid = nvml.nvmlDeviceGetUUID(event.device)
            except nvml.NVMLError:  # a timeout: there is none
                break
            text = uuid.decode() if isinstance(uuid, bytes) else uuid
            found.append(XidError(uuid=text, code=int(event.eventData)))
        return found

    def close(self) -> None:
        """Let go of the event set."""
        events, self._set = self._set, None
        if events is not None:
            try:
                self._nvml.nvmlEventSetFree(events)
            except self._nvml.NVMLError:
                return  # the driver is gone already


def _name(pid: int) -> str | None:
    """The program's name by /proc; None for a process that is gone or not to be seen from here."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read(64).strip() or None
    except OSError:
        return None
