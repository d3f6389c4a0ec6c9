"""The steps of a forget request, one after the other; each may be done again."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tachograph_collector.forgetting.days import remove_day_rollups
from tachograph_collector.forgetting.quarantine import clean_quarantine
from tachograph_collector.settings import CollectorSettings
from tachograph_store import forget
from tachograph_store.client import Store
from tachograph_store.forget import Subject
from tachograph_store.forget_files import remove_masked_rows, remove_old_parts
from tachograph_store.forget_markers import CACHE_S
from tachograph_store.forget_spans import delete_spans
from tachograph_store.mutations import MutationProgress
from tachograph_store.rows import ForgetRequestRow

DEADLINE_S: Final = 900.0
"""How long journals, books and replaced files are waited for, each, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far the step is that runs now."""

    step: str
    done: int
    total: int


def forget_everything(
    store: Store,
    migrator: Store,
    subject: Subject,
    request: ForgetRequestRow,
    settings: CollectorSettings,
    drain: Callable[[], Iterable[int]],
    deadline_s: float,
) -> Iterator[StepProgress]:
    """Do all that a begun request is about, saying where it is.

    Raises `StoreError`, `OSError`: not everything is gone; begin again.

    Args:
        store: with the writer's credential.
        migrator: with the migrator's, for files on disk.
        drain: waits until what the journals hold now is drained, saying how many segments are left.
        deadline_s: how long to wait for books and replaced files, each.
    """
    yield StepProgress("waiting for the drains", 0, 1)
    time.sleep(CACHE_S)  # from now on every drain knows of the request
    # Journals first, so that nothing of them comes after the deletion.
    yield from _count_down("journals: segments", drain())
    yield StepProgress("traces", 0, 1)
    forget.find_traces(store, subject, request)

    def forgotten(trace_ids: set[str]) -> set[str]:
        parameters = {"project": subject.project, "trace_ids": sorted(trace_ids)}
        return {row["trace_id"] for row in store.rows("forgotten_traces", parameters)}

    clean_quarantine(settings, subject.kind, subject.name, forgotten)
    yield from _mutations(forget.delete_beside_spans(store, subject, request))
    yield from _mutations(remove_masked_rows(migrator))
    yield from _mutations(delete_spans(store, request, deadline_s))
    forget.mark_rollups(store, request)
    yield from _mutations(remove_day_rollups(store, subject.project, deadline_s))
    yield from _count_down("replaced parts", remove_old_parts(migrator, deadline_s))


def _count_down(step: str, left: Iterable[int]) -> Iterator[StepProgress]:
    total = 0
    for number in left:
        total = max(total, number)
        yield StepProgress(step, total - number, total)


def _mutations(progress: Iterable[MutationProgress]) -> Iterator[StepProgress]:
    for step in progress:
        yield StepProgress(f"{step.table}: parts", step.parts_done, step.parts)
