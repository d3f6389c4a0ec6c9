"""The result of one check."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"  # works, but something is missing or will be
    FAILED = "failed"  # does not work


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and the next step when it is not well."""

    name: str
    status: Status
    detail: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def ok(name: str, detail: str) -> Finding:
    return Finding(name, Status.OK, detail)


def warning(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, Status.WARNING, detail, remedy)


def failed(name: str, detail: str, remedy: str) -> Finding:
    return Finding(name, Status.FAILED, detail, remedy)
