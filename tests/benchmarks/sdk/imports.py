"""What importing an SDK costs a process, beyond bare opentelemetry-sdk."""

import statistics
from pathlib import Path
from typing import Final, NamedTuple

from rich.progress import Progress
from tests.benchmarks.sdk.callers import BARE, OURS, Contestant
from tests.benchmarks.sdk.processes import lines_of, python_of

STATEMENTS: Final = {
    # What an application imports of the bare SDK; its HTTP exporter would add the time of `requests`.
    BARE: "import opentelemetry.trace, opentelemetry.sdk.trace, opentelemetry.sdk.trace.export",
    # Names are loaded on first use: using them is what counts.
    OURS: "import tachograph; tachograph.init, tachograph.generation, tachograph.observe, "
    "tachograph.wrap, tachograph.context, tachograph.score, tachograph.span, tachograph.flush",
    "langfuse": "from langfuse import Langfuse",
    "openlit": "import openlit",
    "traceloop": "from traceloop.sdk import Traceloop",
    "mlflow": "import mlflow; mlflow.start_span",
}


class ImportTime(NamedTuple):
    """Milliseconds by the clock, and of the processor: an import does nothing but compute, so what
    lies between the two was spent waiting for the machine's other processes."""

    wall_ms: float
    cpu_ms: float


_PROGRAM: Final = (
    "import time; t, c = time.perf_counter(), time.process_time()\n"
    "{statement}\n"
    "t, c = time.perf_counter() - t, time.process_time() - c\n"
    'print(\'{{"wall_ms": %f, "cpu_ms": %f}}\' % (t * 1e3, c * 1e3))'
)


def import_ms(
    contestants: tuple[Contestant, ...], *, times: int, cache: Path, progress: Progress
) -> dict[str, ImportTime]:
    """Median times of the import in fresh processes, taken in turn."""
    took: dict[str, list[ImportTime]] = {contestant.name: [] for contestant in contestants}
    task = progress.add_task("imports", total=(times + 1) * len(contestants))
    for round_number in range(times + 1):  # the first only fills caches
        for contestant in contestants:
            program = _PROGRAM.format(statement=STATEMENTS[contestant.name])
            command = [python_of(contestant.peer, cache), "-c", program]
            (line,) = lines_of(command, contestant.peer, timeout_s=120)
            if round_number:
                took[contestant.name].append(ImportTime(**line))
            progress.advance(task)
    return {
        name: ImportTime(
            statistics.median(each.wall_ms for each in times_taken),
            statistics.median(each.cpu_ms for each in times_taken),
        )
        for name, times_taken in took.items()
    }
