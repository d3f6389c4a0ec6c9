"""The running collector: its parts, its background work, its end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tachograph_collector.auth import Authenticator, KeyCache
from tachograph_collector.books import Books
from tachograph_collector.expiry_loop import ExpiryLoop
from tachograph_collector.forgetting.forgetter import Forgetter
from tachograph_collector.ingest import Ingest
from tachograph_collector.journal.station import JournalStation
from tachograph_collector.judging_gauges import JudgingGauges
from tachograph_collector.limiter import ByteLimiter
from tachograph_collector.middleware import RequestCounter
from tachograph_collector.retention_days import RetentionDays
from tachograph_collector.rollup_loop import RollupLoop
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.keys import find_key
from tachograph_store.rows import ApiKeyRow
from tachograph_store.settings import StoreSettings, home

_LOGGER = logging.getLogger(__name__)
_DRAIN_DEADLINE_S = 4.0  # what is not drained by then stays in the journal
_FORGET_DEADLINE_S = 3.0  # likewise: what the engine was given it finishes
_ROLLUP_DEADLINE_S = 4.0  # a statement that runs longer ends with the process, and is done again


@dataclass(frozen=True, slots=True)
class Collector:
    """The parts that routes use."""

    settings: CollectorSettings
    link: StoreLink
    books: Books
    ingest: Ingest
    station: JournalStation
    limiter: ByteLimiter
    authenticator: Authenticator
    requests: RequestCounter
    judging: JudgingGauges
    forgetter: Forgetter
    started_at: float
    process: int | None
    """The number of this process among several that share their ports."""


@contextlib.asynccontextmanager
async def running_collector(
    settings: CollectorSettings,
    store_settings: StoreSettings,
    requests: RequestCounter,
    process: int | None = None,
) -> AsyncIterator[Collector]:
    """Start the parts, drain the journal, and at the end finish what was accepted."""
    link = StoreLink(store_settings)
    books = Books()
    station = JournalStation(settings, link, books)
    ingest = Ingest(settings, store_settings, station.journal, books, RetentionDays(link))

    async def find(key_hash: str) -> ApiKeyRow | None:
        return await link.look_up(lambda store: find_key(store, key_hash))

    collector = Collector(
        settings=settings,
        link=link,
        books=books,
        ingest=ingest,
        station=station,
        limiter=ByteLimiter(settings.max_in_flight_bytes, settings.retry_after_s),
        authenticator=Authenticator(
            KeyCache(find), allow_anonymous=settings.anonymous == "loopback"
        ),
        requests=requests,
        judging=JudgingGauges(link),
        forgetter=Forgetter(settings, link, station),
        started_at=time.time(),
        process=process,
    )
    rollups = RollupLoop(link.writer, home() / "rollups.lock")
    expiry = ExpiryLoop(link.writer, home() / "expiry.lock")
    station.start()
    rollups.start()
    expiry.start()
    try:
        yield collector
    finally:
        ingest.close()
        has_forgetting_ended = await asyncio.to_thread(collector.forgetter.stop, _FORGET_DEADLINE_S)
        has_drained = await asyncio.to_thread(station.stop, _DRAIN_DEADLINE_S)
        have_rollups_ended = await asyncio.to_thread(rollups.stop, _ROLLUP_DEADLINE_S)
        has_expiry_ended = await asyncio.to_thread(expiry.stop, _ROLLUP_DEADLINE_S)
        if has_drained and have_rollups_ended and has_expiry_ended and has_forgetting_ended:
            link.close()
        else:
            _LOGGER.warning("the store did not answer in time: what is journaled waits there")
