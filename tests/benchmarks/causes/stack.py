"""A real engine, a sidecar, a collector and a store, and what they say of a request's time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from tests.benchmarks.causes.client import Heard
from tests.conformance.conformance import settle

from tachograph_cli.supervisor.ports import choose_free

_DEADLINE_S: Final = 180.0


class LlamaServer:
    """llama.cpp's own server with the demo's model on one thread."""

    def __init__(self, folder: Path, slots: int) -> None:
        [port] = choose_free(1)
        self.url = f"http://127.0.0.1:{port}"
        command = [
            sys.executable, "-m", "tachograph_cli.demo.engine",
            "--port", str(port), "--slots", str(slots), "--threads", "1",
        ]  # fmt: skip
        with (folder / f"engine-{slots}.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + _DEADLINE_S
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the engine did not start, see {folder}")
            time.sleep(0.1)

    def freeze(self, seconds: float) -> None:
        """Stop its process for a while."""
        os.kill(self._process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(_DEADLINE_S)

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def llama_server(folder: Path, slots: int) -> Iterator[LlamaServer]:
    """One, while it is needed."""
    server = LlamaServer(folder, slots)
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True, slots=True)
class Explained:
    """What the product says of one request: its causes in seconds, the largest first."""

    parts: list[tuple[str, float]]
    duration_s: float

    @property
    def named(self) -> str:
        """The one cause that it names."""
        return self.parts[0][0] if self.parts else "none"

    def seconds(self, cause: str) -> float:
        """Seconds put down to a cause."""
        return sum(seconds for name, seconds in self.parts if name == cause)


def explain(collector_url: str, sidecar_url: str, heard: Heard) -> Explained:
    """Ask the collector by REST, when it knows the request and all that ran beside it."""
    deadline = time.monotonic() + _DEADLINE_S
    while not _is_delivered(sidecar_url) and time.monotonic() < deadline:
        time.sleep(0.1)
    settle(collector_url)
    base = f"{collector_url}/api/v1/traces/{heard.trace_id}"
    span = _wait_for_span(base)
    answer = httpx.get(f"{base}/spans/{span['span_id']}/slowness", timeout=_DEADLINE_S)
    answer.raise_for_status()
    parts = [(part["cause"], part["seconds"]) for part in answer.json()["parts"]]
    return Explained(parts, span["duration_ns"] / 1e9)


def _is_delivered(sidecar_url: str) -> bool:
    state = httpx.get(f"{sidecar_url}/_tachograph/state", timeout=_DEADLINE_S).json()
    requests, telemetry = state["requests"], state["telemetry"]
    delivered = telemetry["delivered"].get("spans", 0)
    return not requests["in_flight"] and requests["recorded"] == delivered


def _wait_for_span(base: str) -> dict[str, Any]:
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        answer = httpx.get(base, timeout=_DEADLINE_S)
        spans = answer.json().get("spans", []) if answer.status_code == 200 else []
        for span in spans:
            if span["observer"] == "proxy":
                return dict(span)
        if time.monotonic() > deadline:
            raise SystemExit(f"{base} did not appear: {answer.status_code} {answer.text[:200]}")
        time.sleep(0.2)
