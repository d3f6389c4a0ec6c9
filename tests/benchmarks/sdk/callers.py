"""The calling thread's time and the process's, SDK beside SDK."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress
from tests.benchmarks.sdk.processes import HERE, MAX_QUEUE, ReceiverProcess, lines_of, python_of

OURS: Final = "tachograph"
BARE: Final = "opentelemetry"
PER_SECOND: Final = 400.0
_WARM_UP_CALLS: Final = 500


@dataclass(frozen=True, slots=True)
class Contestant:
    """One SDK: its adapter, and the lock file of its environment (None: the project's own)."""

    name: str
    peer: str | None

    @property
    def adapter(self) -> str:
        return f"{self.name}_adapter"


CONTESTANTS: Final = (
    Contestant(OURS, None),
    Contestant(BARE, None),
    Contestant("langfuse", "langfuse"),
    Contestant("openlit", "openlit"),
    Contestant("traceloop", "traceloop"),
    Contestant("mlflow", "mlflow"),
)


@dataclass(slots=True)
class Phase:
    """What one contestant did in one kind of phase, all rounds."""

    rounds: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(r["calls"] for r in self.rounds)

    @property
    def delivered(self) -> int:
        return sum(r["received"]["distinct"] for r in self.rounds)

    @property
    def is_balanced(self) -> bool:
        """Do the SDK's own books say what was sent and what the receiver got, in every round?"""
        return all(
            r["books"] is not None
            and r["books"]["sent"] == r["calls"]
            and r["books"]["delivered"] == r["received"]["distinct"]
            and r["books"]["sent"] == r["books"]["delivered"] + r["books"]["dropped"]
            for r in self.rounds
        )

    @property
    def dropped_counted(self) -> int | None:
        """Losses that the SDK itself counted; None where it counts none."""
        if any(r["books"] is None for r in self.rounds):
            return None
        return sum(int(r["books"]["dropped"]) for r in self.rounds)

    def quantile_us(self, share: float) -> float:
        """Of the calling thread's time, all rounds together."""
        return quantile([ns for r in self.rounds for ns in r["caller_ns"]], share) / 1e3

    def cpu_quantile_us(self, share: float) -> float:
        """Of the processor time that the calling thread used in a call."""
        return quantile([ns for r in self.rounds for ns in r["caller_cpu_ns"]], share) / 1e3

    def medians_us(self) -> list[float]:
        """Each round's median."""
        return [quantile(r["caller_ns"], 0.5) / 1e3 for r in self.rounds]

    def cpu_us(self) -> list[float]:
        """Each round's processor time of the whole process per delivered span."""
        return [r["cpu_s"] * 1e6 / max(1, r["received"]["distinct"]) for r in self.rounds]


@dataclass(slots=True)
class Figures:
    """Everything of one contestant."""

    back_to_back: Phase = field(default_factory=Phase)
    paced: Phase = field(default_factory=Phase)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median of the rounds' ratios: what slowed a whole round down slowed both."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def measure(
    contestants: Sequence[Contestant],
    receiver: ReceiverProcess,
    *,
    rounds: int,
    back_to_back_calls: int,
    paced_calls: int,
    cache: Path,
    progress: Progress,
) -> dict[str, Figures]:
    """Alternating rounds, each contestant in a fresh process."""
    plan = json.dumps(
        {
            "max_queue": MAX_QUEUE,
            "warm_up_calls": _WARM_UP_CALLS,
            "back_to_back_calls": back_to_back_calls,
            "paced_calls": paced_calls,
            "per_second": PER_SECOND,
        }
    )
    found = {contestant.name: Figures() for contestant in contestants}
    pythons = {contestant.name: python_of(contestant.peer, cache) for contestant in contestants}
    task = progress.add_task("callers", total=rounds * len(contestants))
    for round_number in range(rounds):
        turn = contestants if round_number % 2 == 0 else tuple(reversed(contestants))
        for contestant in turn:
            command = [
                pythons[contestant.name],
                str(HERE / "worker.py"),
                contestant.adapter,
                receiver.endpoint,
                receiver.endpoint,
                plan,
            ]
            back_to_back, paced = lines_of(command, contestant.peer, timeout_s=180)
            found[contestant.name].back_to_back.rounds.append(back_to_back)
            found[contestant.name].paced.rounds.append(paced)
            progress.advance(task)
    return found
