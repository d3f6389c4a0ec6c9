"""Does the application notice what its collector does? Its own latency, condition by condition.

Rounds of all conditions take turns, each in a fresh process; what is compared are the rounds'
figures and not the single calls, which are no independent draws: calls of one process share its
memory layout and what else the machine did meanwhile.
"""

import json
import random
import socket
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rich.progress import Progress
from scipy.stats import mannwhitneyu
from tests.benchmarks.sdk.callers import quantile
from tests.benchmarks.sdk.processes import HERE, MAX_QUEUE, ReceiverProcess, lines_of

HEALTHY: Final = "healthy"
MODES: Final = {
    HEALTHY: "ok",
    "absent": None,
    "hanging": "hang",
    "500": "500",
    "429": "429",
    "garbage": "garbage",
}
"""Condition -> how the receiver answers; None: nobody listens."""


@dataclass(slots=True)
class Condition:
    """The rounds of one condition."""

    rounds: list[dict[str, Any]] = field(default_factory=list)

    def quantiles_us(self, share: float) -> list[float]:
        return [quantile(r["request_ns"], share) / 1e3 for r in self.rounds]

    def total(self, name: str) -> int:
        return sum(r[name] for r in self.rounds)

    @property
    def is_balanced(self) -> bool:
        """sent = delivered + dropped, and delivered is what the receiver got, in every round."""
        return all(
            r["sent"] == r["requests"]
            and r["sent"] == r["delivered"] + r["dropped"]
            and r["delivered"] == r["received"]
            for r in self.rounds
        )


def measure_faults(
    receiver: ReceiverProcess, *, rounds: int, requests: int, progress: Progress
) -> dict[str, Condition]:
    """Rounds of every condition in random order."""
    found = {name: Condition() for name in MODES}
    task = progress.add_task("faults", total=rounds * len(MODES))
    rng = random.Random(6)
    for _ in range(rounds):
        for name in rng.sample(list(MODES), len(MODES)):
            mode = MODES[name]
            receiver.ask("/reset")
            if mode is not None:
                receiver.ask(f"/mode/{mode}")
            endpoint = receiver.endpoint if mode is not None else f"http://127.0.0.1:{_free_port()}"
            plan = json.dumps({"requests": requests, "max_queue": MAX_QUEUE})
            command = [sys.executable, str(HERE / "fault_worker.py"), endpoint, plan]
            (line,) = lines_of(command, None, timeout_s=120)
            receiver.ask("/mode/ok")
            line["received"] = receiver.ask("/count", method="GET")["distinct"]
            found[name].rounds.append(line)
            progress.advance(task)
    return found


def p_value(healthy: Condition, faulty: Condition, share: float) -> float:
    """Mann-Whitney, two-sided: could both conditions' rounds come from one distribution?"""
    test = mannwhitneyu(
        healthy.quantiles_us(share), faulty.quantiles_us(share), alternative="two-sided"
    )
    return float(test.pvalue)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Holm's adjustment (Holm 1979): among ten comparisons one below 0.05 comes by itself in two
    runs of five."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        found[index] = highest
    return found


def median_us(condition: Condition, share: float) -> float:
    """Median of the rounds' quantiles, microseconds."""
    return statistics.median(condition.quantiles_us(share))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
