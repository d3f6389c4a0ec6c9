"""Whole days of a range that were added up, and hold as long as nothing of them changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.day_rollups import day_of, days_told
from tachograph_store.queries.counted_pieces import changed_minutes
from tachograph_store.queries.selection import Selection

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class KnownDays:
    """Days that `day_rollups` answers; their spans are not read."""

    days: Sequence[date] = ()
    versions: Sequence[int] = ()

    @classmethod
    def of(cls, pairs: Sequence[tuple[date, int]]) -> "KnownDays":
        """Of days with their versions."""
        return cls([day for day, _ in pairs], [version for _, version in pairs])

    def pairs(self) -> list[tuple[date, int]]:
        """Days with their versions."""
        return list(zip(self.days, self.versions, strict=True))

    def parameters(self) -> dict[str, object]:
        """Server-side parameters: days, the versions of their rows, and their partitions' names."""
        return {
            "days": list(self.days),
            "versions": list(self.versions),
            "known_partitions": [f"{day:%Y%m%d}" for day in self.days],
        }

    def quiet_partitions(self) -> list[str]:
        """Partitions of days between others of these: an event there tells of no other day's answer."""
        days = set(self.days)
        return [f"{day:%Y%m%d}" for day in self.days if {day - _DAY, day + _DAY} <= days]


NO_DAYS: Final = KnownDays()


def known_days(
    store: Store, selection: Selection, *, for_answers: bool = False, for_tops: bool = False
) -> KnownDays:
    """The whole days (UTC) of the selection that need not be read from spans.

    None of a selection that is narrowed: days are added up for the whole project. `for_answers`:
    what has scores, or lost texts, since it was added up is left out. `for_tops`: what was added up
    before traces with the most of something were kept.
    """
    if selection.model is not None or selection.tenant is not None or selection.variant is not None:
        return NO_DAYS
    until = _midnight(selection.until)
    since = -(-selection.since.timestamp() // _DAY.total_seconds()) * _DAY.total_seconds()
    since_s, until_s = int(since), int(until.timestamp())
    if since_s >= until_s:
        return NO_DAYS
    # The job takes a day back before its cursor passes what changed it: first what is behind the
    # cursor, then the notes.
    changes = changed_minutes(store, selection.project, since_s, until_s, for_answers=for_answers)
    if changes is None:
        return NO_DAYS
    changed = {day_of(minute) for minute in changes.minutes}
    if for_answers:
        changed.update(*(days_told(*period) for period in changes.told_periods))
        scored = store.rows(
            "rollup_scored_days", {"project": selection.project, "since_us": changes.settled_us}
        )
        changed.update(row["day"] for row in scored)
    noted = store.rows(
        "rollup_days",
        {
            "project": selection.project,
            "first_day": day_of(since_s),
            "end_day": day_of(until_s),
        },
    )
    needed = "has_answers" if for_answers else "has_tops" if for_tops else "is_valid"
    known = [
        (row["day"], row["noted"] - 1) for row in noted if row[needed] and row["day"] not in changed
    ]
    return KnownDays.of(known)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
