"""What must hold: the books at every look, and in the end every acknowledged span exactly once."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tachograph_store.client import Store, connect
from tachograph_store.errors import StoreError
from tachograph_store.queries.ledger import LedgerBalance, ledger_balance
from tachograph_store.settings import StoreSettings

_BETWEEN_LOOKS_S: Final = 0.5
_COUNTS: Final = """
SELECT count() AS rows, uniqExact(project, trace_id, span_id) AS different
FROM spans WHERE project = {project:String}
"""
_FINAL: Final = "SELECT count() AS rows FROM spans FINAL WHERE project = {project:String}"
_IDS: Final = """
SELECT DISTINCT concat(trace_id, span_id) AS id FROM spans
WHERE project = {project:String} AND startsWith(trace_id, {prefix:String})
"""

Books = Mapping[str, list[LedgerBalance]]
"""The lines of the books by project."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Spans of all projects at the end."""

    lost: int
    """Acknowledged, and not stored."""
    duplicates: int
    """Rows beyond one a span, by plain count(), by FINAL or in the books."""
    strangers: int
    """Stored, and not acknowledged: nobody gave up on a request."""


class Watch:
    """Looks at the books of every project again and again, whatever happens meanwhile."""

    def __init__(self, settings: StoreSettings, projects: list[str]) -> None:
        self.looks = 0
        self.unbalanced: list[LedgerBalance] = []
        self._settings = settings
        self._projects = projects
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._done.wait(_BETWEEN_LOOKS_S):
            self.look()

    def look(self) -> Books | None:
        """The books of all projects; None when the store does not answer."""
        try:
            with connect(self._settings) as store:
                books = {project: ledger_balance(store, project) for project in self._projects}
        except StoreError:
            return None
        self.looks += 1
        for lines in books.values():
            self.unbalanced += [line for line in lines if not line.is_balanced]
        return books


def settled(watch: Watch, deadline_s: float) -> Books:
    """The books when nothing waits in them and nothing is on its way. Raises `TimeoutError`."""
    deadline = time.monotonic() + deadline_s
    while True:
        books = watch.look()
        if books is not None:
            lines = [line for of_project in books.values() for line in of_project]
            if not any(line.waiting or line.not_entered for line in lines):
                return books
        if time.monotonic() > deadline:
            raise TimeoutError(f"the books do not come to rest: {books}")
        time.sleep(0.2)


def compare(
    settings: StoreSettings, acknowledged: Mapping[str, set[bytes]], books: Books
) -> Outcome:
    """The store and its books against the senders' own record."""
    lost = duplicates = strangers = 0
    with connect(settings) as store:
        for project, spans in acknowledged.items():
            counts = store.query(_COUNTS, {"project": project})[0]
            final = store.query(_FINAL, {"project": project})[0]["rows"]
            stored = _stored_ids(store, project)
            lost += len(spans - stored)
            strangers += len(stored - spans)
            different = counts["different"]
            booked = sum(line.stored for line in books[project])
            surplus = (counts["rows"], final, booked)
            duplicates += max(abs(rows - different) for rows in surplus)
    return Outcome(lost, duplicates, strangers)


def _stored_ids(store: Store, project: str) -> set[bytes]:
    found: set[bytes] = set()
    for prefix in range(256):  # answers are bounded: piece by piece
        rows = store.query(_IDS, {"project": project, "prefix": f"{prefix:02x}"})
        found.update(bytes.fromhex(row["id"]) for row in rows)
    return found
