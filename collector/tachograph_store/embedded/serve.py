"""The embedded engine's process: lock, engine, migrations, HTTP server, in this order."""

import asyncio
import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tachograph_store.client import Endpoint, open_endpoint
from tachograph_store.embedded.credentials import Credential, ensure_credentials
from tachograph_store.embedded.engine import Engine
from tachograph_store.embedded.lock import DirectoryLock
from tachograph_store.embedded.pool import Pools
from tachograph_store.embedded.sandbox import restrict
from tachograph_store.embedded.server import LOOPBACK_NAMES, StoreServer
from tachograph_store.errors import StoreError
from tachograph_store.migrate import migrate
from tachograph_store.settings import StoreSettings

logger = logging.getLogger(__name__)

_KEEP_ALIVE_S = 65
_MAX_REQUESTS = 256
"""Requests at once, waiting ones included; further ones are answered 503."""


def endpoint_path(directory: Path) -> Path:
    """The file that tells clients of a directory where its engine listens."""
    return directory / "endpoint.json"


class _EndpointFile:
    """`endpoint.json`, there while the engine answers.

    The new file is opened before the sandbox, which leaves only renaming.
    """

    def __init__(self, directory: Path) -> None:
        self._path = endpoint_path(directory)
        self._new = self._path.with_suffix(".new")
        self._path.unlink(missing_ok=True)  # left by a killed predecessor
        self._file = self._new.open("w", encoding="utf-8")

    def publish(self, endpoint: Endpoint) -> None:
        """Tell clients where the engine listens."""
        document = {"host": endpoint.host, "port": endpoint.port, "pid": os.getpid()}
        with self._file:
            json.dump(document, self._file)
        self._new.replace(self._path)

    def withdraw(self) -> None:
        """Take it away again."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _listen(settings: StoreSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol said: asyncio switches Nagle off (40 ms an answer) only on sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise StoreError(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}): set "
            "TACHOGRAPH_STORE_PORT to another port, or 0 for a free one"
        ) from error
    return listener


async def _serve(
    application: StoreServer,
    listener: socket.socket,
    stop: threading.Event,
    ready: Callable[[], None],
) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_MAX_REQUESTS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=5,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():
            server.should_exit = stop.is_set()
            await asyncio.sleep(0.01)
        if server.started and not stop.is_set():
            await asyncio.to_thread(ready)
    finally:
        if not application.is_ready:
            server.should_exit = True
        await running


def serve(settings: StoreSettings, announce: Callable[[str], None] = print) -> None:
    """Run the embedded engine until SIGTERM or SIGINT.

    Raises:
        StoreLocked: another process runs it on this directory.
        StoreError: the port is taken.
        MigrationError: the directory's schema is not what the migrations say.
    """
    os.umask(0o077)  # prompts lie in these files
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises a signal again once it has stopped; the files still want to be closed then.
        signal.signal(number, lambda *_: stop.set())
    directory = settings.directory
    if settings.host not in LOOPBACK_NAMES:
        logger.warning("listening on %s: whoever reaches it may try passwords", settings.host)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    with DirectoryLock(directory), _listen(settings) as listener:
        endpoint = Endpoint("http", settings.host, listener.getsockname()[1])
        credentials = ensure_credentials(directory)
        file = _EndpointFile(directory)
        engine = Engine(settings)
        engine.prepare()
        is_walled = restrict(
            endpoint.port, owned=engine.owned, readable=[engine.config], renaming=directory
        )
        if not is_walled:
            logger.warning("no Landlock here: the guard alone keeps statements from other files")

        pools = Pools(engine.open(), settings)
        application = StoreServer(pools, credentials, settings)

        def ready() -> None:
            _migrate(endpoint, credentials["migrator"], settings)
            application.is_ready = True
            file.publish(endpoint)
            announce(f"store ready on http://{endpoint.host}:{endpoint.port}")

        try:
            asyncio.run(_serve(application, listener, stop, ready))
        finally:
            file.withdraw()
            pools.close()
            engine.close()


def _migrate(endpoint: Endpoint, credential: Credential, settings: StoreSettings) -> None:
    with open_endpoint(endpoint, credential, settings) as store:
        for migration in migrate(store, settings):
            logger.info("applied migration %s", migration.name)
