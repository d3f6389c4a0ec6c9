"""Time ranges, and the step that gives a chart about a hundred points."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RANGES = {
    "15 min": timedelta(minutes=15),
    "1 h": timedelta(hours=1),
    "6 h": timedelta(hours=6),
    "24 h": timedelta(hours=24),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
    "90 d": timedelta(days=90),
}
DEFAULT_RANGE = "1 h"
MAX_STEPS = 96
QUANTUM_S = 10
"""`until` is rounded up to this, so that reruns within it find the same cached answers."""

_STEPS_S = (10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True, slots=True)
class Window:
    """`since` inclusive, `until` exclusive, UTC; `step_s` divides the charts' time axis."""

    since: datetime
    until: datetime
    step_s: int

    @property
    def duration_s(self) -> float:
        return (self.until - self.since).total_seconds()

    def steps(self) -> list[datetime]:
        """Starts of all steps, the first one at or before `since`."""
        first = int(self.since.timestamp()) // self.step_s * self.step_s
        stop = self.until.timestamp()
        count = max(1, -int((first - stop) // self.step_s))
        return [datetime.fromtimestamp(first + index * self.step_s, UTC) for index in range(count)]


def last(name: str, now: datetime) -> Window:
    """The range `name` of RANGES (unknown names: the default one) up to `now`."""
    length = RANGES.get(name, RANGES[DEFAULT_RANGE])
    until = datetime.fromtimestamp(-(-now.timestamp() // QUANTUM_S) * QUANTUM_S, UTC)
    return between(until - length, until)


def between(since: datetime, until: datetime) -> Window:
    """A window with the finest step that needs `MAX_STEPS` steps at most."""
    length_s = (until - since).total_seconds()
    step_s = next((step for step in _STEPS_S if length_s / step <= MAX_STEPS), _STEPS_S[-1])
    return Window(since, until, step_s)
