"""The running collector: its parts, its background work, its end."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tachograph_collector.auth import Authenticator, KeyCache
from tachograph_collector.books import Books
from tachograph_collector.ingest import Ingest
from tachograph_collector.limiter import ByteLimiter
from tachograph_collector.middleware import RequestCounter
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_store.errors import StoreError
from tachograph_store.keys import find_key
from tachograph_store.rows import ApiKeyRow
from tachograph_store.settings import StoreSettings

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collector:
    """The parts that routes use."""

    settings: CollectorSettings
    link: StoreLink
    books: Books
    ingest: Ingest
    limiter: ByteLimiter
    authenticator: Authenticator
    requests: RequestCounter
    started_at: float


@contextlib.asynccontextmanager
async def running_collector(
    settings: CollectorSettings, store_settings: StoreSettings, requests: RequestCounter
) -> AsyncIterator[Collector]:
    """Start the parts, keep the books written, and at the end finish what was accepted."""
    link = StoreLink(store_settings)
    books = Books(store_settings.retention_days)
    ingest = Ingest(settings, link, books)

    async def find(key_hash: str) -> ApiKeyRow | None:
        return await link.look_up(lambda store: find_key(store, key_hash))

    collector = Collector(
        settings=settings,
        link=link,
        books=books,
        ingest=ingest,
        limiter=ByteLimiter(settings.max_in_flight_bytes, settings.retry_after_s),
        authenticator=Authenticator(
            KeyCache(find), allow_anonymous=settings.anonymous == "loopback"
        ),
        requests=requests,
        started_at=time.time(),
    )
    bookkeeper = asyncio.create_task(_keep_books(ingest, settings.ledger_interval_s))
    try:
        yield collector
    finally:
        bookkeeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await bookkeeper
        try:
            await ingest.write_books()  # lines given before and not written
            await ingest.write_books()
        except StoreError as error:
            _LOGGER.warning("the last ledger lines could not be written: %s", error)
        ingest.close()
        link.close()


async def _keep_books(ingest: Ingest, interval_s: float) -> None:
    is_failing = False
    while True:
        await asyncio.sleep(interval_s)
        try:
            await ingest.write_books()
        except StoreError as error:
            if not is_failing:
                _LOGGER.warning("ledger lines wait, the store does not take them: %s", error)
            is_failing = True
        else:
            is_failing = False
