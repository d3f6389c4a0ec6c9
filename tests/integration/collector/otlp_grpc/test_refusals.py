"""What cannot be taken has the code that OTLP asks for, and costs the collector little."""

import gzip
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MIB = 1 << 20


@pytest.mark.parametrize(
    "service", ["trace.v1.TraceService", "metrics.v1.MetricsService", "logs.v1.LogsService"]
)
@pytest.mark.parametrize(
    ("bodies", "word"),
    [
        ([b"\xffmalformed"], "is not a"),
        ([b"\x1f\x8bno gzip"], "not valid gzip"),
        ([gzip.compress(bytes(70 * MIB))], "larger than"),
        ([gzip.compress(b"") * 65], "members"),
        ([], "no message"),
        ([b"", b""], "more than one message"),
    ],
)
def test_messages_that_cannot_be_read(
    grpc_caller: Any, make_key: Any, project: str, service: str, bodies: list[bytes], word: str
) -> None:
    refusal = grpc_caller(make_key(project)).refusal(*bodies, service=service)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.retry_after_s is None
    assert word in refusal.message


def test_callers_who_may_not(grpc_caller: Any, make_key: Any, project: str, harness: Any) -> None:
    body = harness.trace_body(harness.chat_span())
    for key in ("tg_unknown", "x" * 5000):
        refusal = grpc_caller(key).refusal(body)
        assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
        assert key not in refusal.message
    refusal = grpc_caller(None).refusal(body, metadata=[("authorization", "Basic abc")])
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    refusal = grpc_caller(None).refusal(body, metadata=[("x-forwarded-for", "10.0.0.1")])
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert "proxy" in refusal.message


def test_loopback_needs_no_key(grpc_caller: Any, harness: Any) -> None:
    assert grpc_caller(None).send(harness.trace_body(harness.chat_span())) == b""


def test_what_is_not_served(grpc_caller: Any, make_key: Any, project: str) -> None:
    caller = grpc_caller(make_key(project))
    for options in (
        {"method": "Import"},
        {"service": "profiles.v1.ProfilesService"},
        {"compression": grpc.Compression.Deflate},
    ):
        assert caller.refusal(b"\x0a\x00" * 500, **options).code is grpc.StatusCode.UNIMPLEMENTED


def test_bombs_and_large_messages_cost_no_memory(
    collector_with: Callable[..., str], grpc_caller: Any, make_key: Any, project: str
) -> None:
    url = collector_with()
    caller = grpc_caller(make_key(project), url)
    assert caller.send(b"") == b""
    process = _listener(url)
    before_bytes = _peak_bytes(process)
    bomb = gzip.compress(bytes(1024 * MIB), 1)
    assert len(bomb) < 8 * MIB
    for _ in range(5):
        assert caller.refusal(bomb).code is grpc.StatusCode.INVALID_ARGUMENT
    assert _peak_bytes(process) - before_bytes < 256 * MIB
    # gRPC's own refusal: without RetryInfo, so that the exporter does not try the same again
    refusal = caller.refusal(bytes(17 * MIB))
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.retry_after_s is None
    # compressed by gRPC itself: the same bound
    refusal = caller.refusal(bytes(70 * MIB), compression=grpc.Compression.Gzip)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "larger than" in refusal.message
    assert caller.send(b"") == b""


def _listener(url: str) -> psutil.Process:
    port = int(url.rpartition(":")[2])
    return next(
        child
        for child in psutil.Process().children(recursive=True)
        if any(c.laddr.port == port for c in child.net_connections("tcp") if c.status == "LISTEN")
    )


def _peak_bytes(process: psutil.Process) -> int:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_no_store_to_ask_is_unavailable_for_a_while(
    collector_with: Callable[..., str], grpc_caller: Any, tmp_path: Any
) -> None:
    url = collector_with(
        TACHOGRAPH_STORE_URL="http://127.0.0.1:9",
        TACHOGRAPH_COLLECTOR_JOURNAL_DIR=str(tmp_path / "journal"),
    )
    refusal = grpc_caller("tg_someone", url).refusal(b"")
    assert refusal.code is grpc.StatusCode.UNAVAILABLE
    assert refusal.retry_after_s == 2


def test_callers_who_keep_others_waiting(
    collector_with: Callable[..., str], grpc_caller: Any, make_key: Any, project: str
) -> None:
    url = collector_with(
        TACHOGRAPH_COLLECTOR_MAX_BODY_BYTES="100000",
        TACHOGRAPH_COLLECTOR_MAX_IN_FLIGHT_BYTES="100000",
    )
    caller = grpc_caller(make_key(project), url)
    assert caller.send(b"") == b""
    has_begun, may_end = threading.Event(), threading.Event()

    def slowly() -> Iterator[bytes]:
        yield b"\x0a\x00"
        has_begun.set()
        may_end.wait(60)

    answers: list[Any] = []
    slow = threading.Thread(target=lambda: answers.append(caller.send(stream=slowly())))
    slow.start()
    assert has_begun.wait(60)
    refusal = caller.refusal(b"")
    may_end.set()
    slow.join()
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal.retry_after_s == 2
    assert answers == [b""]


def test_http_on_the_grpc_port_is_turned_away(grpc_caller: Any) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.post(f"http://{grpc_caller(None).address}/v1/traces", content=b"")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=2000),
    prefix=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08", b"\x0a"]),
    service=st.sampled_from(["trace.v1.TraceService", "logs.v1.LogsService"]),
)
def test_arbitrary_bytes_never_fail_the_collector(
    grpc_caller: Any, body: bytes, prefix: bytes, service: str
) -> None:
    caller = grpc_caller(None)
    answer = caller.send(prefix + body, service=service)
    caller.channel.close()
    assert isinstance(answer, bytes) or answer.code is grpc.StatusCode.INVALID_ARGUMENT
