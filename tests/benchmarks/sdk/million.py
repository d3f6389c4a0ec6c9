"""Memory over very many calls while nobody takes the telemetry."""

import json
import socket
import sys
from dataclasses import dataclass
from typing import Final

from rich.progress import Progress
from tests.benchmarks.sdk.processes import HERE, MAX_QUEUE, lines_of

_SAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Memory:
    """One process's memory along its calls."""

    calls: int
    rss_mb: list[float]
    """Resident megabytes after each twentieth of the calls."""
    sent: int
    dropped: int
    waiting: int

    @property
    def growth_mb(self) -> float:
        """From a tenth of the calls, when the queue is long full, to the last."""
        return self.rss_mb[-1] - self.rss_mb[1]


def memory_with_the_collector_down(calls: int, progress: Progress) -> Memory:
    """Record `calls` generations towards a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    task = progress.add_task("memory, collector down", total=1)
    command = [
        sys.executable,
        str(HERE / "million_worker.py"),
        f"http://127.0.0.1:{port}",
        json.dumps({"calls": calls, "samples": _SAMPLES, "max_queue": MAX_QUEUE}),
    ]
    (found,) = lines_of(command, None, timeout_s=600)
    progress.advance(task)
    return Memory(**found)
