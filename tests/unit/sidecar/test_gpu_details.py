"""Errors, links, processes and MIG parts: read from a simulated driver, told as metrics."""

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tachograph._internal.gpu.details import GpuDetails, GpuPart, GpuProcess
from tachograph._internal.gpu.nvml_details import NvmlDetails, XidEvents
from tachograph._internal.gpu.source import GpuIdentity
from tachograph_sidecar.gpu.detail_points import detail_points, others_share, recognised
from tachograph_sidecar.gpu.engine_processes import EngineProcesses
from tachograph_sidecar.gpu.replay import Recording, ReplaySource

IDENTITY = GpuIdentity(uuid="GPU-1", index=0, model="NVIDIA H100", driver_version="580.1")


class SimulatedError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(f"NVML error {value}")
        self.value = value


@dataclass
class SimulatedNvml:
    """The calls of NVML that the details use; what is None is not supported by this device."""

    ecc: dict[int, int] | None = None
    pcie_kib: dict[int, int] | None = None
    links: Sequence[int] = ()
    nvlink_kib: dict[int, int] | None = None
    running: Sequence[tuple[int, int | None]] | None = None
    samples: Sequence[tuple[int, int, int]] | None = None  # pid, microseconds, per cent
    parts: Sequence[str] = ()
    xids: list[int] = field(default_factory=list)

    NVMLError = SimulatedError
    NVML_SUCCESS = 0
    NVML_ERROR_NOT_FOUND = 6
    NVML_MEMORY_ERROR_TYPE_CORRECTED = 0
    NVML_MEMORY_ERROR_TYPE_UNCORRECTED = 1
    NVML_VOLATILE_ECC = 0
    NVML_PCIE_UTIL_TX_BYTES = 0
    NVML_PCIE_UTIL_RX_BYTES = 1
    NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX = 138
    NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX = 139
    nvmlEventTypeXidCriticalError = 8

    def _known(self, value: Any) -> Any:
        if value is None:
            raise SimulatedError(3)  # not supported
        return value

    def nvmlDeviceGetTotalEccErrors(self, handle: str, kind: int, counter: int) -> int:
        return int(self._known(self.ecc)[kind])

    def nvmlDeviceGetPcieThroughput(self, handle: str, counter: int) -> int:
        return int(self._known(self.pcie_kib)[counter])

    def nvmlDeviceGetNvLinkState(self, handle: str, link: int) -> int:
        return self.links[link] if link < len(self.links) else int(self._known(None))

    def nvmlDeviceGetFieldValues(self, handle: str, fields: Sequence[tuple[int, int]]) -> list[Any]:
        value = (self.nvlink_kib or {}).get(fields[0][0])
        status = 3 if value is None else 0
        return [SimpleNamespace(nvmlReturn=status, value=SimpleNamespace(ullVal=value or 0))]

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Any]:
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=memory)
            for pid, memory in self._known(self.running)
        ]

    def nvmlDeviceGetProcessUtilization(self, handle: str, since_us: int) -> list[Any]:
        new = [one for one in self._known(self.samples) if one[1] > since_us]
        if not new:
            raise SimulatedError(self.NVML_ERROR_NOT_FOUND)
        return [SimpleNamespace(pid=p, timeStamp=t, smUtil=u) for p, t, u in new]

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:
        return [1 if self.parts else 0, 0]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, index: int) -> str:
        if index >= len(self.parts):
            raise SimulatedError(self.NVML_ERROR_NOT_FOUND)
        return self.parts[index]

    def nvmlDeviceGetUUID(self, handle: str) -> bytes:
        return handle.encode()

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:
        return SimpleNamespace(used=10, total=20)

    def nvmlEventSetCreate(self) -> str:
        return "set"

    def nvmlDeviceRegisterEvents(self, handle: str, kind: int, events: str) -> None:
        if handle == "unsupported":
            raise SimulatedError(3)

    def nvmlEventSetWait_v2(self, events: str, timeout_ms: int) -> Any:
        assert timeout_ms == 0
        if not self.xids:
            raise SimulatedError(10)  # timeout
        return SimpleNamespace(device="GPU-1", eventData=self.xids.pop(0))

    def nvmlEventSetFree(self, events: str) -> None:
        assert events == "set"


def test_what_a_device_does_not_support_is_none() -> None:
    assert NvmlDetails(SimulatedNvml(), "GPU-1").read() == GpuDetails(parts=[])
    assert detail_points(IDENTITY, GpuDetails(), {}, None, 1) == []


def test_readings_have_the_conventions_units() -> None:
    nvml = SimulatedNvml(
        ecc={0: 3, 1: 0},
        pcie_kib={0: 5, 1: 7},
        links=(1, 1, 0),
        nvlink_kib={138: 100, 139: 200},
        parts=("MIG-a",),
    )
    details = NvmlDetails(nvml, "GPU-1").read()
    assert (details.pcie_sent_bytes_per_s, details.nvlink_received_bytes) == (5 * 1024, 200 * 1024)
    assert details.nvlink_count == 2
    assert list(details.parts) == [GpuPart("MIG-a", 10, 20)]
    points = {
        (p.name, *(str(p.attributes.get(k)) for k in ("error.type", "network.io.direction"))): p
        for p in detail_points(IDENTITY, details, Counter({79: 2}), None, 1)
    }
    corrected = points["hw.errors", "corrected", "None"]
    assert (corrected.value, corrected.kind, corrected.unit) == (3, "counter", "{error}")
    assert points["hw.errors", "uncorrected", "None"].value == 0
    assert points["hw.errors", "xid_79", "None"].value == 2
    assert points["hw.gpu.io", "None", "transmit"].value == 100 * 1024
    assert points["hw.gpu.pcie.throughput", "None", "receive"].unit == "By/s"
    part = points["hw.gpu.memory.limit", "None", "None"]
    assert (part.attributes["hw.id"], part.attributes["hw.parent"]) == ("MIG-a", "GPU-1")
    assert corrected.attributes["hw.id"] == "GPU-1"


def test_shares_of_the_sm_time_are_means_since_the_last_look() -> None:
    pid = os.getpid()
    nvml = SimulatedNvml(
        running=((pid, 5), (999_999_999, None)),
        samples=((pid, 100, 40), (pid, 200, 60), (999_999_999, 200, 20)),
    )
    reader = NvmlDetails(nvml, "GPU-1")
    first = {process.pid: process for process in reader.read().processes or ()}
    assert first[pid].sm_ratio == pytest.approx(0.5)
    assert first[pid].name
    assert first[999_999_999].sm_ratio == pytest.approx(0.1)
    assert (first[999_999_999].name, first[999_999_999].memory_bytes) == (None, None)
    again = reader.read().processes or ()
    assert [process.sm_ratio for process in again] == [0.0, 0.0]  # nothing ran since


def test_a_driver_that_tells_no_shares_leaves_them_unknown() -> None:
    (process,) = NvmlDetails(SimulatedNvml(running=((1, 5),)), "GPU-1").read().processes or ()
    assert process.sm_ratio is None
    assert others_share([GpuDetails(processes=[process])], frozenset({1})) is None


def test_who_beside_the_engine_ran() -> None:
    def device(*processes: tuple[int, float]) -> GpuDetails:
        return GpuDetails(processes=[GpuProcess(pid, None, None, sm) for pid, sm in processes])

    engine = frozenset({1, 2})
    assert others_share([device((1, 0.6), (3, 0.2)), device((2, 0.0))], engine) == 0.25
    assert others_share([device((1, 0.6))], engine) == 0.0
    assert others_share([device()], engine) == 0.0
    assert others_share([device((3, 0.1))], engine) == 1.0
    assert others_share([device((3, 0.1))], None) is None
    assert others_share([GpuDetails()], engine) is None


def test_numbers_of_another_pid_namespace_make_nobody_the_engine() -> None:
    def device(*processes: tuple[int, str | None]) -> GpuDetails:
        return GpuDetails(processes=[GpuProcess(pid, name, None, 0.5) for pid, name in processes])

    engine = frozenset({1, 2})
    assert recognised([device((40_007, None))], engine) is None  # the host's number, not to be seen
    assert recognised([device(), device((40_007, None), (2, "vllm"))], engine) == engine
    assert recognised([device((3, "other"))], engine) == engine  # seen from here, so truly another
    assert recognised([device(), GpuDetails()], engine) == engine
    assert recognised([device((1, "vllm"))], None) is None


def test_xids_are_taken_once_and_unsupported_is_silent() -> None:
    nvml = SimulatedNvml(xids=[79, 13])
    events = XidEvents(nvml, [("GPU-1", "GPU-1")])
    assert [(error.uuid, error.code) for error in events.take()] == [("GPU-1", 79), ("GPU-1", 13)]
    assert events.take() == []
    assert XidEvents(SimulatedNvml(xids=[79]), [("x", "unsupported")]).take() == []


def test_the_engine_is_who_listens_and_its_children() -> None:
    code = (
        "import socket, subprocess, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "c = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(s.getsockname()[1], c.pid, flush=True)\n"
        "input()\n"
        "c.communicate(b'\\n')\n"
    )
    engine = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert engine.stdout is not None
    try:
        port, child = map(int, engine.stdout.readline().split())
        pids = EngineProcesses(lambda: [("127.0.0.1", port)]).pids()
        assert pids is not None and {engine.pid, child} <= pids
        assert os.getpid() not in pids
    finally:
        engine.communicate("\n", timeout=60)


def test_an_engine_elsewhere_or_unseen_is_unknown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert EngineProcesses(lambda: [("10.0.0.1", port)]).pids() is None
        assert EngineProcesses(lambda: [("engine.example", port)]).pids() is None
        assert EngineProcesses(lambda: [("localhost", port)], proc=tmp_path).pids() is None
    assert EngineProcesses(lambda: [("127.0.0.1", port)]).pids() is None  # nobody listens now
    assert EngineProcesses(list).pids() is None


def test_details_are_recorded_and_replayed(tmp_path: Path) -> None:
    file = tmp_path / "gpu.jsonl"
    file.write_text(
        '{"kind":"header","uuid":"GPU-1","index":0,"model":"m","driver_version":"1"}\n'
        '{"kind":"details","t_ns":5,"ecc_corrected":1,"processes":[{"pid":7,"name":"x",'
        '"memory_bytes":null,"sm_ratio":0.5}],"parts":[],"took_ns":1}\n'
        '{"kind":"xid","t_ns":6,"code":48}\n'
    )
    now = 0
    source = ReplaySource(Recording(file), clock=lambda: now)
    (device,) = source.open()
    assert device.details() == GpuDetails(parts=[])  # nothing was read yet
    assert source.xid_errors() == []
    now = 10
    assert device.details() == GpuDetails(
        ecc_corrected=1, processes=[GpuProcess(7, "x", None, 0.5)], parts=[]
    )
    assert [error.code for error in source.xid_errors()] == [48]
    assert source.xid_errors() == []
