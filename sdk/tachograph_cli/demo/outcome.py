"""What the demo saw: the figures of its last line."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Outcome:
    """Filled stage by stage; `as_dict` is the last line of `tachograph demo --exit`."""

    sent: int = 0
    recorded: int = 0
    scored: int = 0
    collector_killed: bool = False
    alert_fired: bool = False
    alert_resolved: bool = False
    seconds: float = 0.0
    why: str | None = None
    timeline: list[tuple[float, str]] = field(default_factory=list)  # seconds since the start

    @property
    def is_complete(self) -> bool:
        """Whether every stage was seen and every request was recorded and judged."""
        return (
            self.why is None
            and self.collector_killed
            and self.alert_fired
            and self.alert_resolved
            and 0 < self.sent == self.recorded == self.scored
        )

    def as_dict(self) -> dict[str, Any]:
        figures = asdict(self)
        figures.pop("timeline")
        why = figures.pop("why")
        complete = self.is_complete
        line: dict[str, Any] = {"demo": "ok" if complete else "failed", **figures}
        if not complete:
            line["why"] = why or "the figures do not agree"
        return line
