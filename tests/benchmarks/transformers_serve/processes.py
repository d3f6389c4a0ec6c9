"""The two processes: `transformers serve`, and the sidecar in front of it."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LISTENS = re.compile(r"sidecar listening on http://127\.0\.0\.1:(\d+)")
_STOP_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server on loopback."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path


def get_json(port: int, path: str) -> tuple[int, Any]:
    """Status and body, the body as text where it is no JSON; OSError where nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


@contextmanager
def running_engine(
    model: Path, log: Path, options: Sequence[str], wait_s: float
) -> Iterator[Running]:
    """`transformers serve` with continuous batching, once its health page says that it is well."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model)]
    command += ["--continuous-batching", "--host", "127.0.0.1", "--port", str(port), *options]
    with _running(command, log, {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}) as child:
        engine = Running(port, child, log)
        _wait_for(engine, lambda: _is_well(port), wait_s)
        yield engine


@contextmanager
def running_sidecar(
    engine: Running, endpoint: str, model: Path, log: Path, *, gpu: bool
) -> Iterator[Running]:
    """The sidecar as its command starts it, on a free port."""
    command = [sys.executable, "-m", "tachograph_sidecar.command", "--port", "0"]
    command += ["--upstream", f"http://127.0.0.1:{engine.port}", "--endpoint", endpoint]
    command += ["--engine", "transformers", "--model-config", str(model)]
    command += ["--gpu", "on" if gpu else "off"]
    with _running(command, log, {}) as child:
        starting = Running(0, child, log)
        _wait_for(starting, lambda: _LISTENS.search(log.read_text()) is not None, 60.0)
        found = _LISTENS.search(log.read_text())
        assert found is not None
        yield Running(int(found[1]), child, log)


def stop(running: Running) -> int:
    """SIGTERM, as systemd would; the exit status."""
    running.process.terminate()
    return running.process.wait(timeout=_STOP_S)


def family(running: Running) -> frozenset[int]:
    """Its process and those that came of it, by this machine's numbers."""
    parents: dict[int, int] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parents[int(place.name)] = int(
                    (place / "stat").read_text().rpartition(")")[2].split()[1]
                )
            except OSError:
                continue  # it ended meanwhile
    found = {running.process.pid}
    while grown := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= grown
    return frozenset(found)


@contextmanager
def _running(
    command: Sequence[str], log: Path, environment: dict[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _is_well(port: int) -> bool:
    try:
        return get_json(port, "/health")[0] == 200
    except OSError:
        return False


def _wait_for(running: Running, is_so: Callable[[], bool], wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while not is_so():
        if running.process.poll() is not None or time.monotonic() > deadline:
            tail = running.log.read_text(errors="replace")[-3_000:]
            raise SystemExit(f"{running.log.name}: it did not start within {wait_s:g} s:\n{tail}")
        time.sleep(0.2)
