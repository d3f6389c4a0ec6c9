"""Server processes of a contestant: started, watched, ended; memory and CPU of their whole tree."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_STOP_S = 30.0
_SAMPLE_S = 0.25


class Servers:
    """The processes of one contestant, and all their children."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start one, in a session of its own, so that a Ctrl-C reaches it through us only."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                argv,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        keep_priority(process.pid)
        self._processes.append(process)

    def check(self) -> None:
        """Raise when one has ended."""
        for process in self._processes:
            if process.poll() is not None:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(
                    f"{process.args!r} ended with status {process.returncode}:\n{tail}"
                )

    def tree(self, first: int = 0) -> Iterator[psutil.Process]:
        """Every process, children included; with `first` those started from that one on."""
        for process in self._processes[first:]:
            with suppress(psutil.Error):
                parent = psutil.Process(process.pid)
                yield parent
                yield from parent.children(recursive=True)

    def resident_bytes(self, first: int = 0) -> int:
        """Resident memory of the tree; shared pages count in each process, as in `top`."""
        total = 0
        for process in self.tree(first):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def cpu_s(self) -> float:
        """CPU seconds of the tree's living processes since their start."""
        total = 0.0
        for process in self.tree():
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def stop(self) -> None:
        """End them, the last started first, and what they leave behind."""
        tree = list(self.tree())
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for child in tree:
            with suppress(psutil.Error):
                child.kill()
        self._processes.clear()


def keep_priority(pid: int) -> None:
    """Have a session run at the caller's nice value.

    Where the kernel groups processes by session, their nice values count within it only, and a
    session of its own shares the machine with all others as if it had none.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))


@dataclass(slots=True)
class Use:
    """What a stretch of work took from the servers."""

    peak_bytes: int = 0
    cpu_s: float = 0.0
    samples: list[tuple[float, int]] | None = None  # seconds since the start, resident bytes


@contextmanager
def watched(servers: Servers) -> Iterator[Use]:
    """Sample memory and count CPU while the block runs."""
    use = Use(samples=[])
    samples: list[tuple[float, int]] = []
    done = threading.Event()
    began, cpu_before = time.monotonic(), servers.cpu_s()

    def sample() -> None:
        while True:
            samples.append((time.monotonic() - began, servers.resident_bytes()))
            if done.wait(_SAMPLE_S):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield use
    finally:
        done.set()
        thread.join()
        use.cpu_s = servers.cpu_s() - cpu_before
        use.peak_bytes = max(size for _, size in samples)
        use.samples = samples


def wait_until(
    condition: Callable[[], bool], what: str, deadline_s: float, poll_s: float = 0.02
) -> None:
    """Poll; raise at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {deadline_s:g} s")
        time.sleep(poll_s)
