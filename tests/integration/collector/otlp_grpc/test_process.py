"""The gRPC port as a setting: free, fixed, taken, off."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import grpc
import httpx


def test_it_can_be_switched_off(collector_with: Callable[..., str]) -> None:
    url = collector_with(TACHOGRAPH_COLLECTOR_GRPC_PORT="off")
    assert httpx.get(f"{url}/healthz", timeout=60).json()["grpc"] is None


def test_a_taken_port_ends_the_start_with_the_setting(tmp_path: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tachograph_collector.command", "--port", "0"),
                *("--grpc-port", str(taken.getsockname()[1])),
            ],
            env={**os.environ, "TACHOGRAPH_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 1
    assert "set TACHOGRAPH_COLLECTOR_GRPC_PORT" in done.stderr


def test_both_addresses_are_printed_and_a_call_under_way_is_finished(
    tmp_path: Any, harness: Any
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tachograph_collector.command", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "TACHOGRAPH_HOME": str(tmp_path),
            "TACHOGRAPH_STORE_URL": "http://127.0.0.1:9",
        },
    )
    assert process.stdout is not None
    assert re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    match = re.search(r"OTLP/gRPC on (127\.0\.0\.1:\d+)", process.stdout.readline())
    assert match
    body = harness.trace_body(*(harness.chat_span() for _ in range(2000)))
    with grpc.insecure_channel(match[1]) as channel:
        export: Any = channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        )
        assert export(b"", timeout=60) == b""
        calls = [export.future(body, timeout=60) for _ in range(4)]
        harness.wait_for(lambda: calls[0].done(), "the first answer")
        process.terminate()
        answers: list[Any] = [call.exception() for call in calls]
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert answers[0] is None
    for error in answers:  # taken, or refused so that the exporter comes again: never unclear
        assert error is None or error.code() is grpc.StatusCode.UNAVAILABLE
    assert "otlp_grpc" not in errors  # no exception passed through it
