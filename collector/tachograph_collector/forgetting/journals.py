"""Journals: what was acknowledged before a forget request goes through the drain, which drops it."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tachograph_collector.books import Books
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.errors import StoreUnavailable
from tachograph_store.settings import StoreSettings, home

_POLL_S: Final = 0.2
_STOP_S: Final = 30.0


def drain_journals(
    settings: CollectorSettings, store_settings: StoreSettings, deadline_s: float
) -> Iterator[int]:
    """Wait until every segment that lies there now is drained and deleted, saying how many do.

    Journals that no process owns are drained here. Raises `StoreUnavailable` at the deadline.
    """
    segments = lying_segments(settings)
    link = StoreLink(store_settings)
    station = JournalStation(settings, link, Books())
    station.start()
    try:
        yield from until_drained(segments, station, deadline_s)
    finally:
        if station.stop(_STOP_S):
            link.close()


def lying_segments(settings: CollectorSettings) -> set[Path]:
    """The segments of all journals of this home."""
    return set((settings.journal_dir or home() / "journal").glob("*/*.segment"))


def until_drained(segments: set[Path], station: JournalStation, deadline_s: float) -> Iterator[int]:
    """Wait until these segments are gone, saying how many are left, while `station` drains what
    nobody owns. Raises `StoreUnavailable` at the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        left = sum(path.exists() for path in segments)
        yield left
        if not left:
            return
        if time.monotonic() > deadline:
            problem = station.health().drain_problem
            raise StoreUnavailable(
                f"{left} journal segments are not drained yet"
                f"{f' ({problem})' if problem else ''}: a collector under load keeps its newest "
                "one; run the same command again, or stop the collector first"
            )
        time.sleep(_POLL_S)
