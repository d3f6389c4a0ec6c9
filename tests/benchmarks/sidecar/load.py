"""The compiled stub and client (`load.c`): built once, run as processes on a core of their own."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tests.benchmarks.ingest.processes import Servers, wait_until

CHAT_PATH = "/v1/chat/completions"
_SOURCE = Path(__file__).with_name("load.c")


@dataclass(frozen=True, slots=True)
class Streams:
    """What a client saw.

    Attributes:
        answered: streams that came whole.
        failed: streams that did not.
        seconds: from the first connection to the last byte.
        first_ns: from each request to its first event, ns.
        transit_ns: from each event's sending in the stub to its arrival, one clock, ns.
    """

    answered: int
    failed: int
    seconds: float
    first_ns: npt.NDArray[np.int64]
    transit_ns: npt.NDArray[np.int64]

    @property
    def per_s(self) -> float:
        return self.answered / self.seconds


def build(folder: Path) -> Path:
    """Compile; raises RuntimeError naming the remedy without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("no C compiler: install one (apt-get install gcc libc6-dev)")
    program = folder / "load"
    subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
    return program


def pinned(core: int | None) -> Sequence[str]:
    """The words before a command that keep it on one core."""
    return () if core is None else ("taskset", "--cpu-list", str(core))


def start_stub(program: Path, folder: Path, port: int, core: int | None) -> Servers:
    """The engine stub, once it listens."""
    log = folder / "stub.log"
    servers = Servers(log)
    servers.start([*pinned(core), str(program), "stub", str(port)], {})
    wait_until(lambda: log.exists() and b"ready" in log.read_bytes(), "the stub", 10)
    return servers


@dataclass(frozen=True, slots=True)
class Client:
    """Runs the compiled client against a port."""

    program: Path
    folder: Path
    core: int | None

    def run(
        self,
        port: int,
        *,
        connections: int,
        requests: int,
        events: int,
        gap_us: int,
        ramp_us: int = 0,
    ) -> Streams:
        """`requests` streams of `events` events, `gap_us` apart, over kept-alive connections."""
        out = self.folder / "samples"
        numbers = [connections, requests, events, gap_us]
        command = [*pinned(self.core), str(self.program), "client", str(port), CHAT_PATH]
        done = subprocess.run(
            [*command, *map(str, numbers), str(out), str(ramp_us)],
            check=True,
            capture_output=True,
            text=True,
        )
        answered, failed, seconds = done.stdout.split()
        pairs = np.fromfile(out, dtype=np.int64).reshape(-1, 2)
        out.unlink()
        is_event = pairs[:, 1] >= 0
        return Streams(
            int(answered), int(failed), float(seconds), pairs[~is_event, 0], pairs[is_event, 0]
        )
