"""The ASGI application: ClickHouse's HTTP protocol, as far as clickhouse-connect speaks it."""

import asyncio
import json
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from tachograph_store.embedded.credentials import Credential, Role, authenticate
from tachograph_store.embedded.engine import STREAMED_FORMATS, EngineConnection
from tachograph_store.embedded.exceptions import (
    AUTHENTICATION_FAILED,
    QUERY_IS_TOO_LARGE,
    READONLY,
    UNKNOWN_FORMAT,
    EngineException,
)
from tachograph_store.embedded.exchange import (
    Disconnected,
    Receive,
    RequestBody,
    Response,
    Send,
)
from tachograph_store.embedded.guard import Statement, Work
from tachograph_store.embedded.judged import JudgedStatements
from tachograph_store.embedded.pool import MARK, ConnectionPool, Pools
from tachograph_store.embedded.request import (
    SETTINGS,
    Options,
    StoreRequest,
    is_allowed_host,
    parse_form,
)
from tachograph_store.embedded.words import INPUT_FORMATS, OUTPUT_FORMATS
from tachograph_store.settings import StoreSettings

logger = logging.getLogger(__name__)

Blocks = Generator[bytes, None, None]

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
_INSERT_STEP_BYTES = 1 << 20
_MAX_FORM_BYTES = 16 << 20
_SLOW_S = 5.0
_KILL_AGAIN_S = 0.5
_QUERY_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


class StoreServer:
    """The ASGI application over the engine's pools."""

    def __init__(
        self, pools: Pools, credentials: Mapping[Role, Credential], settings: StoreSettings
    ) -> None:
        self._pools = pools
        self._credentials = credentials
        self._settings = settings
        self._judged = JudgedStatements(settings.max_query_bytes)
        self._hosts = {*LOOPBACK_NAMES, settings.host.lower()}
        self.is_ready = False
        """Whether `/ping` answers Ok: set when the migrations are applied."""

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"unsupported ASGI scope {scope['type']}")
        request = StoreRequest.from_scope(scope)
        response = Response(send, request.method)
        try:
            if not is_allowed_host(request.headers.get("host", ""), self._hosts):
                await response.plain(421, b"Host header names another server\n")
            elif scope["path"] == "/ping":
                body = b"Ok.\n" if self.is_ready else b"starting\n"
                await response.plain(200 if self.is_ready else 503, body)
            elif scope["path"] != "/" or request.method not in ("GET", "POST", "HEAD"):
                await response.plain(404, b"only / and /ping are served\n")
            else:
                await self._statement(request, receive, response)
        except EngineException as error:
            await response.error(error)
        except Disconnected:
            logger.info("client went away before its answer")

    async def _statement(self, request: StoreRequest, receive: Receive, response: Response) -> None:
        role = authenticate(self._credentials, *request.credentials())
        if role is None:
            raise EngineException.of(
                AUTHENTICATION_FAILED, "Authentication failed: password is incorrect, or no user"
            )
        if not request.url_query and request.method == "GET":
            await response.plain(200, b"Ok.\n")
            return
        body = RequestBody(
            request.headers.get("content-encoding", ""), receive, self._settings.max_body_bytes
        )
        pairs = dict(request.url_query)
        if request.headers.get("content-type", "").startswith("multipart/form-data"):
            form = await body.whole(_MAX_FORM_BYTES)
            pairs.update(parse_form(form, request.headers["content-type"]))
        options = Options.of(pairs, request.headers)
        head = await self._head(pairs.get("query", ""), body)
        statement, rows = self._judged.check_head(head, role)
        if request.method != "POST" and statement.work is not Work.READ:
            # A link or an image on a page makes a GET: such a request changes nothing.
            raise EngineException.of(READONLY, "GET cannot change anything: send a POST")
        if _QUERY_ID.fullmatch(pairs.get("query_id", "")):
            response.query_id = pairs["query_id"]
        began = time.monotonic()
        if statement.work is Work.INSERT_DATA:
            await self._insert(statement, role, options, _data_begin(rows), body, response)
        else:
            await self._query(statement, role, options, body, response, request)
        taken_s = time.monotonic() - began
        if taken_s > _SLOW_S:
            logger.warning(
                "slow statement: %.1f s, %s, %s, %s",
                taken_s,
                role,
                pairs.get("log_comment", "unnamed"),
                response.query_id,
            )

    async def _head(self, query: str, body: RequestBody) -> bytes:
        """The statement, and of rows that follow it no more than came with it."""
        limit = self._settings.max_query_bytes
        # ClickHouse joins the query of the URL and the body; the body may go on with rows.
        head = await body.up_to(limit + 1)
        joined = query.encode() + (b"\n" if query and head else b"") + head
        if len(joined) > limit and not joined.lstrip()[:6].upper().startswith(b"INSERT"):
            raise EngineException.of(QUERY_IS_TOO_LARGE, f"a statement above {limit} bytes")
        return joined

    async def _insert(
        self,
        statement: Statement,
        role: Role,
        options: Options,
        first: bytes,
        body: RequestBody,
        response: Response,
    ) -> None:
        data_format = statement.format or "Native"
        if data_format not in INPUT_FORMATS:
            raise EngineException.of(UNKNOWN_FORMAT, f"Unknown input format {data_format!r}")
        pool = self._pools.of(role, "write")
        async with pool.lend() as connection, _applied(pool, connection, options.settings):
            inserter = await pool.call(connection.begin_insert, statement.sql, data_format)
            try:
                waiting = bytearray(first)
                async for chunk in body:
                    waiting += chunk
                    if len(waiting) >= _INSERT_STEP_BYTES:
                        await pool.call(inserter.append, bytes(waiting))
                        waiting.clear()
                if waiting:
                    await pool.call(inserter.append, bytes(waiting))
                rows = await pool.call(inserter.finish)
            except BaseException:
                with suppress(RuntimeError):
                    await pool.call(inserter.cancel)
                raise
        await response.start(200, {"X-ClickHouse-Summary": json.dumps({"written_rows": str(rows)})})
        await response.finish()

    async def _query(
        self,
        statement: Statement,
        role: Role,
        options: Options,
        body: RequestBody,
        response: Response,
        request: StoreRequest,
    ) -> None:
        is_read = statement.work is Work.READ
        if is_read and options.settings:
            raise EngineException.of(READONLY, f"Cannot modify {sorted(options.settings)} setting")
        output = statement.format or options.default_format
        if output not in OUTPUT_FORMATS:
            raise EngineException.of(UNKNOWN_FORMAT, f"Unknown output format {output!r}")
        # Not the client's id: cancelling one statement must never hit another.
        mark = f"{MARK}{secrets.token_hex(16)} */ "
        pool = self._pools.of(role, "read" if is_read else "write")
        async with pool.lend() as connection, _applied(pool, connection, options.settings):
            watcher = asyncio.create_task(self._kill_when_left(body, mark))
            try:
                is_streamed = statement.is_streamed and output in STREAMED_FORMATS
                run = connection.stream if is_streamed else _whole(connection)
                blocks = run(mark + statement.sql, output, options.parameters)
                # The first block before the head: most errors come with it and get their status.
                block = await pool.call(next, blocks, None)
                headers = {"X-ClickHouse-Format": output} if is_read else {}
                accepted = request.headers.get("accept-encoding", "")
                await response.start(200, headers, accepted if options.is_compressed else "")
                while block is not None:
                    await response.body(block)
                    block = await pool.call(next, blocks, None)
                await response.finish()
            finally:
                watcher.cancel()
                await pool.call(blocks.close)

    async def _kill_when_left(self, body: RequestBody, mark: str) -> None:
        await body.disconnected()
        while True:  # until cancelled: the query may not have begun when it is killed first
            try:
                async with self._pools.control.lend() as control:
                    await self._pools.control.call(control.kill, mark)
            except EngineException as error:
                logger.warning("could not cancel the query of a client that left: %s", error)
            await asyncio.sleep(_KILL_AGAIN_S)


def _whole(connection: EngineConnection) -> Callable[[str, str, Mapping[str, str]], Blocks]:
    def run(sql: str, output: str, parameters: Mapping[str, str]) -> Blocks:
        yield connection.run(sql, output, parameters)

    return run


@asynccontextmanager
async def _applied(
    pool: ConnectionPool, connection: EngineConnection, settings: Mapping[str, str]
) -> AsyncIterator[None]:
    """Settings of one statement, put back behind it."""
    for name, value in settings.items():
        await pool.call(connection.set, name, value)
    try:
        yield
    finally:
        for name in settings:
            await pool.call(connection.set, name, SETTINGS[name])


def _data_begin(rows: bytes) -> bytes:
    """Rows begin behind the format's name, spaces and one line end, as in ClickHouse."""
    rows = rows.lstrip(b" \t\f")
    return rows.removeprefix(b"\r").removeprefix(b"\n")
