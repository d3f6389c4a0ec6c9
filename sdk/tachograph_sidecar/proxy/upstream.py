"""One connection to the engine: parses its answers and hands them to the exchange it serves."""

import asyncio
import logging
import time
from typing import Protocol, cast

import httptools

from tachograph_sidecar.proxy.head import BadFraming, Framing, Header, framing_of

_log = logging.getLogger("tachograph.sidecar")

MAX_HEAD_BYTES = 256 * 1024
"""An engine's response head beyond this is refused as broken."""

_NO_BODY_STATUSES = frozenset({204, 304})


class ResponseSink(Protocol):
    """What an upstream connection tells the exchange that it serves."""

    @property
    def is_head_request(self) -> bool: ...

    def response_interim(self, status: int, reason: bytes, fields: list[Header]) -> None: ...

    def response_head(
        self, status: int, reason: bytes, fields: list[Header], framing: Framing, has_body: bool
    ) -> None: ...

    def response_body(self, data: bytes, arrived_ns: int) -> None: ...

    def response_complete(self, can_reuse: bool) -> None: ...

    def upstream_lost(self, problem: str) -> None: ...

    def upstream_paused(self) -> None: ...

    def upstream_resumed(self) -> None: ...


class ConnectionListener(Protocol):
    """Who is told that a connection came or went (the pool)."""

    def connection_opened(self, connection: "UpstreamConnection") -> None: ...

    def connection_closed(self, connection: "UpstreamConnection") -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """A keep-alive connection to the engine; serves one exchange at a time."""

    def __init__(self, listener: ConnectionListener) -> None:
        self._listener = listener
        self._sink: ResponseSink | None = None
        self._transport: asyncio.Transport | None = None
        self.idle_since = time.monotonic()
        self.was_used = False
        self._reset()

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._reason = b""
        self._fields: list[Header] = []
        self._framing = Framing(None, False)
        self._status = 0
        self._head_bytes = 0
        self._in_head = True
        self._is_complete = False
        self._ends_with_connection = False
        self._parts: list[bytes] = []
        self._problem: str | None = None

    # --- used by the pool and the exchange

    @property
    def is_usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def serve(self, sink: ResponseSink) -> None:
        """Give this connection to an exchange."""
        self._reset()
        self._sink = sink

    def release(self) -> None:
        """Take it back; bytes that arrive from now on close it."""
        self._sink = None
        self.was_used = True
        self.idle_since = time.monotonic()
        self.resume_reading()

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Drop the connection at once: this is what tells an engine to stop generating."""
        self._sink = None
        if self._transport is not None:
            self._transport.abort()

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports implement the interface without inheriting from it
        self._transport = cast(asyncio.Transport, transport)
        self._listener.connection_opened(self)

    def data_received(self, data: bytes) -> None:
        arrived_ns = time.perf_counter_ns()
        if self._sink is None:  # nobody asked: a timeout notice, or the tail of an answer
            self.abort()
            return
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            _log.exception("tachograph sidecar: a defect of the sidecar broke an answer")
            self._problem = self._problem or "the sidecar failed on its answer"
        except httptools.HttpParserError as error:
            self._problem = self._problem or f"not HTTP: {error}"
        except httptools.HttpParserUpgrade:
            self._problem = "it switched protocols, which was not asked for"
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._problem = f"its response head is larger than {MAX_HEAD_BYTES} bytes"
        if self._parts:
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._parts.clear()
            self._sink.response_body(body, arrived_ns)
        if self._problem is not None:
            self._fail(self._problem)
        elif self._is_complete:
            self._finish(not self._ends_with_connection and self._parser.should_keep_alive())

    def eof_received(self) -> None:
        return None  # the transport closes itself; connection_lost tells the sink

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._listener.connection_closed(self)
        sink = self._sink
        if sink is None:
            return
        if not self._in_head and self._ends_with_connection and error is None:
            self._finish(can_reuse=False)
            return
        self._sink = None
        sink.upstream_lost("it closed the connection" if error is None else str(error))

    def pause_writing(self) -> None:
        if self._sink is not None:
            self._sink.upstream_paused()

    def resume_writing(self) -> None:
        if self._sink is not None:
            self._sink.upstream_resumed()

    # --- httptools callbacks

    def on_message_begin(self) -> None:
        if self._is_complete:
            self._problem = "it sent a second response to one request"
            return
        self._in_head = True
        self._reason = b""
        self._fields = []

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # later ones are trailers, which an intermediary may drop
            self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        if self._sink is None or self._problem is not None:
            return
        self._status = self._parser.get_status_code()
        if 100 <= self._status < 200:
            if self._status == 101:
                self._problem = "it switched protocols, which was not asked for"
            else:
                self._sink.response_interim(self._status, self._reason, self._fields)
            return
        self._in_head = False
        try:
            self._framing = framing_of((name.lower(), value) for name, value in self._fields)
        except BadFraming as error:
            self._problem = str(error)
            return
        has_body = not (self._sink.is_head_request or self._status in _NO_BODY_STATUSES)
        self._ends_with_connection = (
            has_body and self._framing.length is None and not self._framing.is_chunked
        )
        self._sink.response_head(self._status, self._reason, self._fields, self._framing, has_body)
        if not has_body:
            self._is_complete = True  # llhttp cannot know that HEAD was asked

    def on_body(self, data: bytes) -> None:
        if not self._is_complete:
            self._parts.append(data)

    def on_message_complete(self) -> None:
        if not self._in_head:
            self._is_complete = True

    # ---

    def _finish(self, can_reuse: bool) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.response_complete(can_reuse)

    def _fail(self, problem: str) -> None:
        sink = self._sink
        self.abort()
        if sink is not None:
            sink.upstream_lost(problem)
