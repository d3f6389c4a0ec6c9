"""Marks: minutes whose rollups must be computed again though no span was written there.

The rollup job finds new and corrected spans by itself, by `stored_at`. Whoever takes spans away, or
changes them in place, says so here:

    delete_spans_of(user)
    mark_dirty(store, "default", since, until)
"""

import time
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.rollup import CHILD_EARLY_S, CHILD_LATE_S
from tachograph_store.rows import RollupMarkRow
from tachograph_store.writer import Writer

_NEVER: Final = date(2100, 1, 1)


def mark_dirty(store: Store, project: str, since: datetime, until: datetime) -> None:
    """Have the rollups of all minutes that touch [since, until) computed again.

    From when this returns, pages read the spans of these minutes; the job follows within a minute
    or so. Call it with a writer's store **after** the change, in each batch of a long one; a job
    that may die between the change and this call must call it again when it goes on. Times are
    timezone-aware. Minutes whose spans have begun to expire keep their rollups as they are.

    Raises:
        ValueError: `since` is not before `until`, or one of them has no timezone.
        StoreUnavailable: nothing is marked for certain; try again.
    """
    if since.tzinfo is None or until.tzinfo is None:
        raise ValueError("since and until need a timezone: use datetime.now(UTC)")
    if since >= until:
        raise ValueError(f"since {since} is not before until {until}")
    first = since.astimezone(UTC).replace(second=0, microsecond=0)
    last = (until.astimezone(UTC) - timedelta(microseconds=1)).replace(second=0, microsecond=0)
    # A proxy's span that went may have kept its client's span, in another minute, from counting.
    first -= timedelta(seconds=CHILD_LATE_S)
    last += timedelta(seconds=CHILD_EARLY_S)
    mark = RollupMarkRow(
        project=project,
        mark_id=f"{time.time_ns():016x}-{uuid.uuid4().hex[:16]}",
        since=first,
        until=last + timedelta(minutes=1),
        expires_on=_NEVER,
    )
    Writer(store).write("rollup_marks", [mark])
