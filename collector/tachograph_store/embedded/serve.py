"""The embedded engine's process: lock, engine, migrations, HTTP server, in this order."""

import asyncio
import json
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tachograph_store.client import Endpoint, open_endpoint
from tachograph_store.embedded.credentials import ensure_credentials
from tachograph_store.embedded.engine import Engine
from tachograph_store.embedded.lock import DirectoryLock
from tachograph_store.embedded.pool import Pools
from tachograph_store.embedded.server import LOOPBACK_NAMES, StoreServer
from tachograph_store.migrate import migrate
from tachograph_store.settings import StoreSettings

logger = logging.getLogger(__name__)


def endpoint_path(directory: Path) -> Path:
    """The file that tells clients of a directory where its engine listens."""
    return directory / "endpoint.json"


def _write_endpoint(directory: Path, endpoint: Endpoint) -> None:
    path = endpoint_path(directory)
    temporary = path.with_suffix(".new")
    temporary.write_text(
        json.dumps({"host": endpoint.host, "port": endpoint.port, "pid": os.getpid()}),
        encoding="utf-8",
    )
    temporary.replace(path)


def _listen(settings: StoreSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol said: asyncio switches Nagle off (40 ms an answer) only on sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    return listener


async def _serve(
    settings: StoreSettings, pools: Pools, listener: socket.socket, announce: Callable[[str], None]
) -> None:
    credentials = ensure_credentials(settings.directory)
    application = StoreServer(pools, credentials, settings)
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    endpoint = Endpoint("http", settings.host, listener.getsockname()[1])
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():
            await asyncio.sleep(0.01)
        if not running.done():
            await asyncio.to_thread(_migrate, endpoint, settings)
            application.is_ready = True
            _write_endpoint(settings.directory, endpoint)
            announce(f"store ready on http://{endpoint.host}:{endpoint.port}")
        await running
    finally:
        server.should_exit = True
        await running
        endpoint_path(settings.directory).unlink(missing_ok=True)


def _migrate(endpoint: Endpoint, settings: StoreSettings) -> None:
    with open_endpoint(endpoint, "migrator", settings) as store:
        for migration in migrate(store, settings):
            logger.info("applied migration %s", migration.name)


def serve(settings: StoreSettings, announce: Callable[[str], None] = print) -> None:
    """Run the embedded engine until SIGTERM or SIGINT.

    Raises:
        StoreLocked: another process runs it on this directory.
        OSError: the port is taken.
        MigrationError: the directory's schema is not what the migrations say.
    """
    os.umask(0o077)  # prompts lie in these files
    directory = settings.directory
    if settings.host not in LOOPBACK_NAMES:
        logger.warning("listening on %s: whoever reaches it may try passwords", settings.host)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    with DirectoryLock(directory):
        endpoint_path(directory).unlink(missing_ok=True)  # left by a killed predecessor
        with _listen(settings) as listener:
            pools = Pools(Engine(settings).open(), settings)
            try:
                asyncio.run(_serve(settings, pools, listener, announce))
            finally:
                pools.close()
