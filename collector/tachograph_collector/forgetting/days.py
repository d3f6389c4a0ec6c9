"""Days that were added up hold the names of users: they go, and are added up again from what is left."""

import time
from collections.abc import Iterator
from typing import Final

from tachograph_store.client import Store
from tachograph_store.day_rollups import remove_days
from tachograph_store.errors import StoreError
from tachograph_store.mutations import MutationProgress
from tachograph_store.rollup import exclusive_job
from tachograph_store.settings import home

_POLL_S: Final = 0.5


def remove_day_rollups(store: Store, project: str, deadline_s: float) -> Iterator[MutationProgress]:
    """Delete the project's days while the rollup job of this machine rests.

    A statement of the job that began before the spans were deleted could bring a name back. Raises
    `StoreError`, also when the job does not end within `deadline_s`.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        with exclusive_job(home() / "rollups.lock") as is_ours:
            if is_ours:
                yield from remove_days(store, project)
                return
        if time.monotonic() > deadline:
            raise StoreError("the rollup job has not ended: run the same command again")
        time.sleep(_POLL_S)
