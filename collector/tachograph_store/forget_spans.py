"""The spans of a forget request: marked, counted in the books, deleted, and gone from the disk."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from tachograph_store.client import Store
from tachograph_store.errors import QueryTooLarge, StoreError, StoreUnavailable
from tachograph_store.forget import OF_TRACES
from tachograph_store.mutations import MutationProgress, finish_mutations, mutate
from tachograph_store.removals import delete_forgotten, enter_forgotten, mark_forgotten
from tachograph_store.rows import ForgetRequestRow

_SPANS: Final = "spans"
_POLL_S: Final = 0.5
_LIVE: Final = "toUInt16(expires_on) > 10957"
"""Days before 2000 are marks (`removals`)."""


def delete_spans(
    store: Store, request: ForgetRequestRow, deadline_s: float
) -> Iterator[MutationProgress]:
    """Delete the spans of the request's traces; the books count them as forgotten.

    Raises:
        StoreError: also when the books have not entered the spans within `deadline_s`, because the
            collector that stored them does not run; begin again then.
    """
    parameters = {"project": request.project, "request_id": request.request_id}
    project = request.project
    yield from finish_mutations(store, _SPANS)
    if _rows(store, request, "1"):
        yield from _patiently(store, lambda: delete_forgotten(store, project))  # left by a crash
    while _rows(store, request, _LIVE):
        yield from _patiently(store, lambda: mark_forgotten(store, project, OF_TRACES, parameters))
    if _rows(store, request, "1"):
        _enter(store, project, deadline_s)
        yield from _patiently(store, lambda: delete_forgotten(store, project))
    if _rows(store, request, "1"):
        # Only rows that no books have: of a version before there were bookings.
        condition = f"project = {{project:String}} AND booked_by = '' AND {OF_TRACES}"
        yield from mutate(store, _SPANS, f"DELETE WHERE {condition}", parameters)
    left = _rows(store, request, "1")
    if left:
        raise StoreError(f"{left} spans arrived meanwhile: run the same command again")


def _rows(store: Store, request: ForgetRequestRow, condition: str) -> int:
    found = store.query(
        "SELECT count() AS rows FROM spans "
        f"WHERE project = {{project:String}} AND {condition} AND {OF_TRACES}",
        {"project": request.project, "request_id": request.request_id},
        name="forget_rows",
    )
    return int(found[0]["rows"])


def _enter(store: Store, project: str, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while waiting := enter_forgotten(store, project).waiting:
        if time.monotonic() > deadline:
            raise StoreError(
                f"{waiting} spans are not in the books yet: start the collector that stored them "
                "and run the same command again"
            )
        time.sleep(_POLL_S)


def _patiently(store: Store, statement: Callable[[], None]) -> Iterator[MutationProgress]:
    """A mutation that takes longer than a client waits goes on all the same."""
    try:
        statement()
    except (StoreUnavailable, QueryTooLarge):
        if not store.ping():
            raise
        yield from finish_mutations(store, _SPANS)
