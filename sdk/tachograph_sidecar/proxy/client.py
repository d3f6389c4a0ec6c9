"""One connection from a client: parses its requests and gives each an exchange, in order."""

import asyncio
import logging
import time
from collections import deque
from typing import Protocol, cast

import httptools

from tachograph_sidecar.proxy.errors import error_body, write_response
from tachograph_sidecar.proxy.head import (
    BadFraming,
    Header,
    RequestHead,
    connection_tokens,
    framing_of,
    write_head,
)

_log = logging.getLogger("tachograph.sidecar")

MAX_HEAD_BYTES = 64 * 1024
MAX_PIPELINED = 256
"""Requests that may wait on one connection. Reading stops with the second, but one read may bring
more; whoever sends so many is cut off after those that were taken."""


class ClientExchange(Protocol):
    """One request on this connection, whoever answers it."""

    head: RequestHead

    @property
    def has_answered(self) -> bool: ...

    def start(self) -> None: ...

    def request_body(self, data: bytes) -> None: ...

    def request_complete(self) -> None: ...

    def client_lost(self) -> None: ...

    def client_paused(self) -> None: ...

    def client_resumed(self) -> None: ...


class ConnectionOwner(Protocol):
    """What a client connection asks of the server."""

    @property
    def is_draining(self) -> bool: ...

    def client_connected(self, client: "ClientConnection") -> None: ...

    def client_disconnected(self, client: "ClientConnection") -> None: ...

    def begin_exchange(self, client: "ClientConnection", head: RequestHead) -> ClientExchange: ...


class ClientConnection(asyncio.Protocol):
    """A keep-alive HTTP/1.1 (or 1.0) server connection, pipelining included."""

    def __init__(self, server: ConnectionOwner) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._exchanges: deque[ClientExchange] = deque()  # the first is being answered
        self._receiving: ClientExchange | None = None
        self._url = b""
        self._fields: list[Header] = []
        self._in_head = True
        self._head_bytes = 0
        self._refusal: tuple[int, str, str, str] | None = None
        self._pending_upgrade: RequestHead | None = None
        self._is_ending = False  # no further request is taken
        self._is_body_paused = False
        self.is_write_paused = False  # the client reads more slowly than the engine writes
        self.idle_since = time.monotonic()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports implement the interface without inheriting from it
        self._transport = cast(asyncio.Transport, transport)
        self._server.client_connected(self)

    def data_received(self, data: bytes) -> None:
        if self._is_ending and self._receiving is None:
            return
        self.idle_since = time.monotonic()
        self._feed(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and self._refusal is None:
                self._refusal = (
                    431,
                    f"The request head is larger than {MAX_HEAD_BYTES} bytes.",
                    "headers_too_large",
                    "Send shorter headers.",
                )
        if self._refusal is not None:
            self._refuse(*self._refusal)

    def eof_received(self) -> None:
        return None  # closes the transport: a client that stops listening cancels its request

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._is_ending = True
        exchanges, self._exchanges = self._exchanges, deque()
        for exchange in exchanges:
            exchange.client_lost()
        self._server.client_disconnected(self)

    def pause_writing(self) -> None:
        self.is_write_paused = True
        if self._exchanges:
            self._exchanges[0].client_paused()

    def resume_writing(self) -> None:
        self.is_write_paused = False
        if self._exchanges:
            self._exchanges[0].client_resumed()

    # --- httptools callbacks

    def on_message_begin(self) -> None:
        self._url = b""
        self._fields = []
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # later ones are trailers, which an intermediary may drop
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._receiving = None
        if self._is_ending or self._refusal is not None:
            return
        if len(self._exchanges) >= MAX_PIPELINED:
            self._is_ending = True
            return
        try:
            head = self._read_head()
        except BadFraming as error:
            self._refusal = (400, f"{error}.", "bad_framing", "Send one plain message length.")
            return
        if self._parser.should_upgrade():
            self._meet_upgrade(head)
        else:
            self._begin(head)

    def on_body(self, data: bytes) -> None:
        if self._receiving is not None:
            self._receiving.request_body(data)

    def on_message_complete(self) -> None:
        if self._pending_upgrade is not None:
            return  # llhttp stops here; the request is read again without its upgrade
        self._in_head = True
        exchange, self._receiving = self._receiving, None
        if exchange is not None:
            exchange.request_complete()

    # --- ClientSide, for the exchange being answered

    @property
    def ends_after_response(self) -> bool:
        first = self._exchanges[0]
        return self._is_ending or self._server.is_draining or not first.head.keep_alive

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause_body(self, is_paused: bool) -> None:
        self._is_body_paused = is_paused
        self._update_reading()

    def exchange_done(self, exchange: ClientExchange, must_close: bool) -> None:
        if not self._exchanges or self._exchanges[0] is not exchange:
            return
        closes = must_close or self.ends_after_response
        self._exchanges.popleft()
        self._is_body_paused = False
        self.idle_since = time.monotonic()
        if closes:
            self._close()
        else:
            self._update_reading()
            if self._exchanges:
                self._exchanges[0].start()

    # --- for the server

    @property
    def is_idle(self) -> bool:
        return not self._exchanges

    def close_idle(self) -> None:
        """Close now if nothing is being answered (the last answer closes otherwise)."""
        if self.is_idle:
            self._close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- inside

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_again(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            _log.exception("tachograph sidecar: a defect of the sidecar broke a request")
            self._refusal = self._refusal or (
                500,
                "The sidecar failed on this request.",
                "sidecar_defect",
                "Its log has the details; connect to the engine itself meanwhile.",
            )
        except httptools.HttpParserError as error:
            self._refusal = self._refusal or (
                400,
                f"The request is not valid HTTP/1.1: {error}.",
                "bad_request",
                "Point an HTTP/1.1 client at this address.",
            )

    def _read_head(self) -> RequestHead:
        framing = framing_of(self._fields)
        target = self._url
        if not target.startswith(b"/") and b"://" in target:  # absolute form
            rest = target.partition(b"://")[2]
            target = b"/" + rest.partition(b"/")[2]
        is_http_10 = self._parser.get_http_version() == "1.0"
        if is_http_10 and framing.is_chunked:
            raise BadFraming("HTTP/1.0 knows no chunks")
        return RequestHead(
            method=self._parser.get_method(),
            target=target,
            is_http_10=is_http_10,
            keep_alive=self._parser.should_keep_alive(),
            headers=self._fields,
            framing=framing,
        )

    def _begin(self, head: RequestHead) -> None:
        exchange = self._server.begin_exchange(self, head)
        self._receiving = exchange
        self._exchanges.append(exchange)
        self._update_reading()
        if len(self._exchanges) == 1:
            exchange.start()

    def _meet_upgrade(self, head: RequestHead) -> None:
        offered = head.get(b"upgrade") or b""
        if head.method == b"CONNECT" or b"websocket" in offered.lower():
            self._refusal = (
                501,
                "The sidecar does not pass WebSocket or CONNECT connections.",
                "upgrade_not_supported",
                "Use plain HTTP requests, or connect to the engine itself for this route.",
            )
        else:
            self._pending_upgrade = head

    def _read_again(self, rest: bytes) -> None:
        """An upgrade we do not take (h2c, say) is ignored: the request counts as if without it.

        llhttp stops at such a request without reading its body, so the head is parsed once more
        without the offer, and the body after it.
        """
        head, self._pending_upgrade = self._pending_upgrade, None
        if head is None:
            return
        kept = [
            (name, value)
            for name, value in head.headers
            if name not in (b"upgrade", b"connection", b"http2-settings")
        ]
        tokens = connection_tokens(head.headers) - {b"upgrade", b"http2-settings"}
        if tokens:
            kept.append((b"connection", b", ".join(sorted(tokens))))
        version = b"1.0" if head.is_http_10 else b"1.1"
        self._parser = httptools.HttpRequestParser(self)
        again = write_head(b"%b %b HTTP/%b" % (head.method, head.target, version), kept)
        self._feed(again + rest)

    def _refuse(self, status: int, message: str, code: str, remedy: str) -> None:
        self._refusal = None
        self._is_ending = True
        broken, self._receiving = self._receiving, None
        if broken is not None:  # its body went wrong half way
            is_first = self._exchanges[0] is broken
            self._exchanges.remove(broken)
            broken.client_lost()
            if is_first and broken.has_answered:
                self.abort()
                return
        if self._exchanges:
            return  # the answer under way ends first; the connection closes after it
        self.write(write_response(status, error_body(message, code, remedy), close=True))
        self._close()

    def _update_reading(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if self._is_body_paused or len(self._exchanges) > 1:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _close(self) -> None:
        self._is_ending = True
        if self._transport is not None:
            self._transport.close()
