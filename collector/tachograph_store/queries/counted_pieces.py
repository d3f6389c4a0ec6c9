"""Which hours and minutes of a range rollups can answer, and what has to be read from spans."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.message_events import AFTER, BEFORE, OF_EVENTS
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rollup import (
    CHILD_EARLY_S,
    CHILD_LATE_S,
    CHILD_MINUTES,
    MAX_GROUPS,
    hour_of,
)

WHOLE: Final = 2**32 - 1
"""A step longer than any time: the whole range is one step."""

_MAX_RAW_MINUTES: Final = 1_000
"""Single minutes that one question reads from spans; with more, everything behind them is."""
_SECOND: Final = 1_000_000_000
_TOLD_BEFORE_S: Final = BEFORE // timedelta(seconds=1)
_TOLD_AFTER_S: Final = AFTER // timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPieces:
    """Where the numbers of a range come from; bounds in seconds since the epoch, `until` exclusive.

    Hours of [hours_since_s, hours_until_s) but `raw_hours`; other minutes of [minutes_since_s,
    minutes_until_s) but `raw_minutes`; these, and all from `tail_ns` on, from spans.
    """

    since_ns: int
    until_ns: int
    tail_ns: int
    hours_since_s: int = 0
    hours_until_s: int = 0
    raw_hours: Sequence[int] = ()
    minutes_since_s: int = 0
    minutes_until_s: int = 0
    raw_minutes: Sequence[int] = ()
    has_doubles: bool = True
    """Whether client spans may count beside their children at a proxy: the job has not seen them."""

    @property
    def has_rollups(self) -> bool:
        """Whether any minute can come from rollups."""
        return self.minutes_since_s < self.minutes_until_s

    @property
    def has_spans(self) -> bool:
        """Whether anything has to be read from spans."""
        return bool(self.raw_minutes) or self.tail_ns < self.until_ns

    def parameters(self) -> dict[str, object]:
        """Server-side parameters of `counted_rollups` and `counted_spans`."""
        return {
            "hours_since_s": self.hours_since_s,
            "hours_until_s": self.hours_until_s,
            "raw_hours": list(self.raw_hours),
            "minutes_since_s": self.minutes_since_s,
            "minutes_until_s": self.minutes_until_s,
            "raw_minutes": list(self.raw_minutes),
            "tail_ns": self.tail_ns,
            "child_since_ns": self.since_ns - CHILD_EARLY_S * _SECOND,
            "child_until_ns": self.until_ns + CHILD_LATE_S * _SECOND,
            "child_tail_ns": self.tail_ns - CHILD_EARLY_S * _SECOND,
            "has_doubles": self.has_doubles,
            "child_minutes": CHILD_MINUTES,
            "child_early_s": CHILD_EARLY_S,
        }


def counted_pieces(
    store: Store, selection: Selection, step_s: int | None, *, reads_groups: bool
) -> CountedPieces:
    """What of the range rollups can answer now; `reads_groups`: more than totals are asked for."""
    since_ns, until_ns = nanoseconds(selection.since), nanoseconds(selection.until)
    all_raw = CountedPieces(since_ns=since_ns, until_ns=until_ns, tail_ns=since_ns)
    first_s = -(-since_ns // (60 * _SECOND)) * 60
    last_s = until_ns // (60 * _SECOND) * 60
    if first_s >= last_s or (step_s is not None and step_s % 60):
        return all_raw
    changes = changed_minutes(store, selection.project, first_s, last_s, reads_groups=reads_groups)
    if changes is None:
        return all_raw
    raw = set(changes.minutes)
    if since_ns < first_s * _SECOND:
        raw.add(first_s - 60)
    tail_s, kept = _split_tail(sorted(raw), last_s)
    does_hours = step_s is None or step_s % 3600 == 0
    hours_since_s = -(-first_s // 3600) * 3600
    return CountedPieces(
        since_ns=since_ns,
        until_ns=until_ns,
        tail_ns=tail_s * _SECOND,
        hours_since_s=hours_since_s,
        hours_until_s=max(hours_since_s, hour_of(tail_s)) if does_hours else hours_since_s,
        raw_hours=sorted({hour_of(minute) for minute in kept}),
        minutes_since_s=first_s,
        minutes_until_s=tail_s,
        raw_minutes=kept,
        has_doubles=changes.has_doubles,
    )


@dataclass(frozen=True, slots=True)
class ChangedMinutes:
    """Whole minutes of a range whose rollups do not say enough; `has_doubles` as in `CountedPieces`."""

    minutes: frozenset[int]
    has_doubles: bool
    settled_us: int
    """Up to when, by `stored_at`, the rollup job had seen the spans."""
    told_periods: Sequence[tuple[int, int]]
    """Seconds [since, until) in which events may have come, or gone, that tell what was answered."""


def changed_minutes(
    store: Store,
    project: str,
    since_s: int,
    until_s: int,
    *,
    reads_groups: bool = False,
    for_answers: bool = False,
) -> ChangedMinutes | None:
    """What of [since_s, until_s) has to be read from spans; None if the rollup job never ran.

    `for_answers`: periods in which events told of answers of the range lie beside it too.
    """
    before_s, after_s = (_TOLD_BEFORE_S, _TOLD_AFTER_S) if for_answers else (0, 0)
    parameters = {
        "project": project,
        **OF_EVENTS,
        "child_since_ns": (since_s - max(before_s, CHILD_EARLY_S)) * _SECOND,
        "child_until_ns": (until_s + max(after_s, CHILD_LATE_S)) * _SECOND,
    }
    state = store.rows(
        "rollup_state",
        {
            **parameters,
            "since_s": since_s,
            "until_s": until_s,
            "reads_groups": reads_groups,
            "max_groups": MAX_GROUPS,
        },
    )
    settled_us: int = state[0]["settled_us"]
    if not settled_us:
        return None
    raw = {
        minute
        for row in state
        for minute in range(max(row["since_s"], since_s), min(row["until_s"], until_s), 60)
    }
    has_doubles = any(row["has_clients"] for row in state)
    callees = [row["since_s"] for row in state if row["has_proxies"]]
    if callees:
        parents = store.rows(
            "rollup_parents",
            {
                **parameters,
                "settled_us": settled_us,
                "parent_since_ns": max(since_s, min(callees) - CHILD_LATE_S) * _SECOND,
                "parent_until_ns": min(until_s, max(callees) + 60 + CHILD_EARLY_S) * _SECOND,
            },
        )
        raw.update(row["minute"] for row in parents)
        has_doubles = has_doubles or bool(parents)
    told = [(row["since_s"], row["until_s"]) for row in state if row["has_events"]]
    return ChangedMinutes(frozenset(raw), has_doubles, settled_us, told)


def _split_tail(raw: list[int], last_s: int) -> tuple[int, list[int]]:
    """Where everything behind is raw, and the raw minutes before that."""
    tail_s = last_s
    kept = list(raw)
    while kept and (kept[-1] >= tail_s - 60 or len(kept) > _MAX_RAW_MINUTES):
        tail_s = kept.pop()
    return tail_s, kept
