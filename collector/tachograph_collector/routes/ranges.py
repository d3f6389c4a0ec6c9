"""Time ranges of REST questions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query

from tachograph_collector.errors import ApiError

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_DEFAULT_RANGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """`since` inclusive, `until` exclusive, both UTC."""

    since: datetime
    until: datetime


def time_range(
    since: Annotated[
        datetime | None, Query(description="ISO 8601, inclusive; default 24 h before until")
    ] = None,
    until: Annotated[datetime | None, Query(description="ISO 8601, exclusive; default now")] = None,
) -> TimeRange:
    """The range asked for. Raises `ApiError` 422 where it is empty or out of bounds."""
    end = _utc("until", until) if until is not None else datetime.now(UTC) + timedelta(minutes=10)
    start = _utc("since", since) if since is not None else max(_EARLIEST, end - _DEFAULT_RANGE)
    if start >= end:
        raise ApiError(
            422, "empty_range", "since is not before until", "since", "give an earlier since"
        )
    return TimeRange(start, end)


def _utc(field: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if not _EARLIEST <= moment <= _LATEST:
        raise ApiError(
            422,
            "out_of_range",
            f"{field} is not between {_EARLIEST.year} and {_LATEST.year}",
            field,
            "give an ISO 8601 time, e.g. 2026-11-22T10:00:00Z",
        )
    return moment.astimezone(UTC)


Range = Annotated[TimeRange, Depends(time_range)]
