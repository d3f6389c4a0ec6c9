"""Fuzzed bytes over HTTP and gRPC: no crash, no 5xx, no memory without bound. `make fuzz` goes on
for as long as it is told."""

import gzip
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tests.benchmarks.fuzz.attack import Attacker
from tests.benchmarks.fuzz.mutate import Mutator

from tachograph_store.client import Store
from tachograph_store.settings import StoreSettings

CASES = 400
MAX_GROWTH_BYTES = 300 * 1024 * 1024
PROTOBUF_GZIP = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
_COUNT = "SELECT uniqExact(trace_id, span_id) AS stored FROM spans WHERE project = {project:String}"


@pytest.mark.parametrize("seed", [1, 2])
def test_any_bytes_have_an_answer(
    seed: int,
    harness: Any,
    store_server: StoreSettings,
    make_key: Any,
    project: str,
    reader_store: Store,
) -> None:
    home: Path = store_server.directory.parent
    process, url = harness.start_collector(home)
    key = make_key(project)
    try:
        grpc_address = httpx.get(f"{url}/healthz", timeout=60).json()["grpc"]
        watched = psutil.Process(process.pid)
        with Attacker(url.removeprefix("http://"), grpc_address, key) as attacker:
            before = watched.memory_info().rss
            mutator = Mutator(seed)
            for number in range(CASES):
                case = mutator.case()
                fault = attacker.send(case)
                assert fault is None, (number, case.transport, case.signal, case.headers, fault)
            assert process.poll() is None
            assert watched.memory_info().rss - before < MAX_GROWTH_BYTES
        headers = {"authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
            before_good = reader_store.query(_COUNT, {"project": project})[0]["stored"]
            body = harness.trace_body(harness.chat_span())
            answer = client.post(
                "/v1/traces", content=body, headers={"content-type": "application/x-protobuf"}
            )
            assert answer.status_code == 200
            harness.wait_for(lambda: harness.waiting(client) == 0, "an empty journal")
            after = reader_store.query(_COUNT, {"project": project})[0]["stored"]
            assert after > before_good
    finally:
        assert harness.stop(process) == 0


@pytest.mark.parametrize(
    ("tags", "unit"),
    [(b"", b"\x0a\x00"), (b"\x0a\x12", b"\x12\x00"), (b"\x0a\x12\x12", b"\x4a\x00")],
    ids=["resources", "spans", "attributes"],
)
def test_a_body_of_empty_records_takes_no_more_memory_than_its_bytes(
    harness: Any, store_server: StoreSettings, make_key: Any, project: str, tags: bytes, unit: bytes
) -> None:
    content = unit * (12 * 1024 * 1024)
    for tag in reversed(tags):
        content = bytes([tag]) + _varint(len(content)) + content
    process, url = harness.start_collector(store_server.directory.parent)
    try:
        before = psutil.Process(process.pid).memory_info().rss
        headers = {"authorization": f"Bearer {make_key(project)}", **PROTOBUF_GZIP}
        answer = httpx.post(
            f"{url}/v1/traces", content=gzip.compress(content, 1), headers=headers, timeout=60
        )
        assert answer.status_code == 413
        peak = _peak_bytes(process.pid)
        assert peak - before < 4 * len(content)  # parsed, it would be 30 to 90 times
    finally:
        harness.stop(process)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _peak_bytes(pid: int) -> int:
    """The process's highest resident memory so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
