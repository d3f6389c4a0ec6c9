"""What the supervisor tells: one event for each change that a person would want to hear of."""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    STARTING = "starting"
    READY = "ready"
    ALL_READY = "all_ready"
    DIED = "died"
    HUNG = "hung"
    CRASH_LOOP = "crash_loop"
    STOPPING = "stopping"
    STOPPED = "stopped"
    KILLED = "killed"


@dataclass(frozen=True)
class Event:
    """One change of one service; `service` is empty for what concerns the whole stack."""

    kind: EventKind
    service: str
    message: str
    at: float = field(default_factory=time.time)  # seconds since the epoch

    def as_dict(self) -> dict[str, Any]:
        return {
            "event": self.kind.value,
            "service": self.service,
            "message": self.message,
            "at": self.at,
        }
