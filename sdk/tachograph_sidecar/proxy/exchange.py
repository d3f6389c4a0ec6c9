"""One request and its answer: the state between a client connection and an engine connection."""

import math
from typing import Protocol

from tachograph.semconv import headers
from tachograph_detectors.redact import Redactor
from tachograph_sidecar.observe.recorder import Observation
from tachograph_sidecar.proxy.admission import Admission, Priority, Refusal
from tachograph_sidecar.proxy.balancer import Balancer
from tachograph_sidecar.proxy.errors import error_body, write_response
from tachograph_sidecar.proxy.head import (
    OWN_REQUEST_HEADERS,
    Framing,
    Header,
    RequestHead,
    end_to_end,
    write_head,
)
from tachograph_sidecar.proxy.pool import Upstream, UpstreamPool
from tachograph_sidecar.proxy.upstream import UpstreamConnection
from tachograph_sidecar.proxy.usage_event import UsageFilter, ask_for_usage
from tachograph_sidecar.redact.answers import Withheld, filter_for, is_encoded
from tachograph_sidecar.redact.body import BodyFilter, Chain

BODY_HIGH_WATER = 256 * 1024
"""Request bytes that wait for a connection before the client is paused."""

REPLAY_LIMIT = 1024 * 1024
"""Request bytes kept to try once more when a kept-alive connection turns out to be dead."""

_REQUEST_ID = headers.REQUEST_ID.encode()
_COUNTED_BY = headers.COUNTED_BY.encode()
_PRIORITY = headers.PRIORITY.encode()
_JSON = b"application/json"
_REPLACED = OWN_REQUEST_HEADERS | {b"host", _REQUEST_ID, b"content-length"}


class ClientSide(Protocol):
    """What an exchange may ask of its client connection."""

    @property
    def ends_after_response(self) -> bool: ...

    @property
    def is_write_paused(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def pause_body(self, is_paused: bool) -> None: ...

    def exchange_done(self, exchange: "Exchange", must_close: bool) -> None: ...


class Exchange:
    """Forwards one request and streams its answer back.

    It starts with `start`, takes the request's bytes, and ends in exactly one of: answer complete,
    engine failed (answered 502, or cut short if the answer had begun), client gone (the engine's
    connection is dropped, which cancels the work there).
    """

    def __init__(
        self,
        client: ClientSide,
        balancer: Balancer,
        head: RequestHead,
        request_id: bytes,
        observation: Observation | None,
        hold_limit: int,
        admission: Admission | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self.head = head
        self._client = client
        self._balancer = balancer
        self._pool: UpstreamPool | None = None
        self._admission = admission if observation is not None else None
        self._priority: Priority = "medium"
        self._is_admitted = False
        self._tried: list[UpstreamPool] = []
        self._request_id = request_id
        self._observation = observation
        self._hold_limit = hold_limit  # above 0: the body waits here so that it may be changed
        self._is_held = hold_limit > 0 and head.has_body
        self._upstream: UpstreamConnection | None = None
        self._upstream_fields: list[Header] = []
        self._framing = head.framing
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._replay: list[bytes] | None = None
        self._replay_bytes = 0
        self._request_done = False
        self._response_started = False
        self._response_chunked = False
        self._response_has_body = False
        self._has_asked_usage = False
        self._filter: BodyFilter | None = None
        self._redactor = redactor
        self._failure: Refusal | None = None  # told once the request is whole
        self._is_over = False

    @property
    def is_head_request(self) -> bool:
        return self.head.method == b"HEAD"

    @property
    def has_answered(self) -> bool:
        """Whether any byte of the answer has been sent."""
        return self._response_started

    # --- from the client connection

    def start(self) -> None:
        """Begin: this exchange is the one whose answer is due next on its connection."""
        if self._is_held:
            if self.head.get(b"expect") is not None:
                self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._resolve_hold()
        else:
            self._enter()

    def request_body(self, data: bytes) -> None:
        if self._is_over or self._failure is not None:
            return  # answered already, or about to be: the rest is read and dropped
        if self._observation is not None:
            self._observation.request_bytes(data)
        if self._upstream is not None:
            self._send_body(data)
            return
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._is_held:
            self._resolve_hold()
        elif self._waiting_bytes > BODY_HIGH_WATER:
            self._client.pause_body(True)

    def request_complete(self) -> None:
        self._request_done = True
        if self._is_over:
            return
        if self._failure is not None:
            self._answer_failure(self._failure)
        elif self._is_held:
            self._resolve_hold()
        elif self._upstream is not None:
            self._send_end()

    def client_lost(self) -> None:
        """The client went away: drop the engine's connection, which cancels the work there."""
        if self._is_over:
            return
        self._is_over = True
        if self._admission is not None:
            self._admission.forget(self)
        if self._pool is not None:
            self._pool.forget(self)
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None
        self._leave()
        if self._observation is not None:
            self._observation.client_disconnected()

    def client_paused(self) -> None:
        if self._upstream is not None:
            self._upstream.pause_reading()
            if self._observation is not None:
                self._observation.client_paused()

    def client_resumed(self) -> None:
        if self._upstream is not None:
            self._upstream.resume_reading()
            if self._observation is not None:
                self._observation.client_resumed()

    # --- from the gate

    def admitted(self, waited_s: float) -> None:
        self._is_admitted = True
        if self._observation is not None:
            self._observation.admitted(self._priority, waited_s)
        self._acquire()

    def refused(self, refusal: Refusal) -> None:
        self._fail(refusal)

    # --- from the pool

    def upstream_ready(self, connection: UpstreamConnection) -> None:
        pool = self._pool
        if pool is None:
            raise RuntimeError("a connection came that nobody asked for")
        if self._is_over:
            pool.give_back(connection)
            return
        self._upstream = connection
        connection.serve(self)
        if self._client.is_write_paused:  # with the tail of the answer before this one
            connection.pause_reading()
        if connection.was_used and self._replay is None:
            self._replay = []
        elif not connection.was_used:
            self._replay = None
        if self._observation is not None:
            self._observation.request_sent(pool.upstream)
        connection.write(self._request_head(pool.upstream))
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        for data in waiting:
            self._send_body(data)
        if self._request_done:
            self._send_end()
        self._client.pause_body(False)

    def upstream_failed(self, problem: str) -> None:
        if not self._is_over and not self._acquire():
            self._fail(self._bad_gateway(problem, "engine_unreachable"))

    # --- from the engine connection

    def response_interim(self, status: int, reason: bytes, fields: list[Header]) -> None:
        if not self.head.is_http_10:
            self._client.write(write_head(b"HTTP/1.1 %d %b" % (status, reason), fields))

    def response_head(
        self, status: int, reason: bytes, fields: list[Header], framing: Framing, has_body: bool
    ) -> None:
        self._response_started = True
        self._response_has_body = has_body
        self._replay = None
        if self._has_asked_usage and status == 200 and _is_plain_event_stream(fields):
            self._filter = UsageFilter()
        if self._redactor is not None and has_body:
            if is_encoded(fields):  # asked for as plain, so rather nothing than unseen text
                status, reason, fields = 502, b"Bad Gateway", [(b"Content-Type", _JSON)]
                self._filter = Withheld("the engine's answer is compressed: it cannot be redacted")
            elif (redaction := filter_for(self._redactor, fields)) is not None:
                self._filter = Chain(self._filter, redaction) if self._filter else redaction
        drop = frozenset({b"content-length"}) if self._filter is not None else frozenset()
        out = end_to_end(fields, drop)
        if has_body and (framing.length is None or self._filter is not None):
            self._response_chunked = not self.head.is_http_10
        if self._response_chunked or (not has_body and framing.is_chunked):
            out.append((b"Transfer-Encoding", b"chunked"))
        out.extend(self._added_headers(fields))
        closes = self._client.ends_after_response or self._is_close_delimited(framing)
        if closes:
            out.append((b"Connection", b"close"))
        elif self.head.is_http_10:
            out.append((b"Connection", b"keep-alive"))
        self._client.write(write_head(b"HTTP/1.1 %d %b" % (status, reason), out))
        if self._observation is not None:
            self._observation.response_head(status, fields)

    def response_body(self, data: bytes, arrived_ns: int) -> None:
        passed = data if self._filter is None else self._filter.feed(data)
        if passed:
            self._write_body(passed)
        if self._observation is not None:
            self._observation.response_bytes(data, arrived_ns)

    def response_complete(self, can_reuse: bool) -> None:
        if self._filter is not None and (rest := self._filter.finish()):
            self._write_body(rest)
        if self._response_chunked:
            self._client.write(b"0\r\n\r\n")
        connection, self._upstream = self._upstream, None
        self._is_over = True
        if connection is not None:
            if can_reuse and self._request_done and self._pool is not None:
                self._pool.give_back(connection)
            else:
                connection.abort()
        self._leave()
        if self._observation is not None:
            self._observation.complete()
        is_raw = self._response_has_body and self.head.is_http_10 and self._length_unknown
        self._client.exchange_done(self, must_close=is_raw)

    def upstream_lost(self, problem: str) -> None:
        self._upstream = None
        if self._is_over:
            return
        if self._response_started:
            self._is_over = True
            self._leave()
            if self._observation is not None:
                self._observation.failed("engine_disconnected")
            self._client.exchange_done(self, must_close=True)
        elif self._replay is not None and self._pool is not None:
            self._waiting, self._waiting_bytes = self._replay, self._replay_bytes
            self._replay, self._replay_bytes = None, 0
            self._pool.acquire(self, fresh=True)
        else:
            self._fail(self._bad_gateway(problem, "engine_disconnected"))

    def upstream_paused(self) -> None:
        self._client.pause_body(True)

    def upstream_resumed(self) -> None:
        self._client.pause_body(False)

    # --- inside

    _length_unknown = False

    def _is_close_delimited(self, framing: Framing) -> bool:
        self._length_unknown = (
            self._response_has_body
            and not self._response_chunked
            and (framing.length is None or self._filter is not None)
        )
        return self._length_unknown

    def _enter(self) -> None:
        """Past the gate, where there is one and the request is a model call."""
        observation = self._observation
        if self._admission is None or observation is None:
            self._acquire()
            return
        tenant = None if observation.tenant is None else observation.tenant.name
        asked = self.head.get(_PRIORITY)
        self._priority = self._admission.priority(
            tenant, None if asked is None else asked.decode("latin-1").strip().lower()
        )
        self._admission.enter(self, tenant, self._priority)

    def _leave(self) -> None:
        if self._is_admitted and self._admission is not None:
            self._is_admitted = False
            self._admission.leave()

    def _acquire(self) -> bool:
        """Ask an engine that was not asked yet for a connection; False when none is left."""
        pool = self._balancer.pick(self._tried)
        if pool is None:
            return False
        self._pool = pool
        self._tried.append(pool)
        pool.acquire(self)
        return True

    def _resolve_hold(self) -> None:
        """Let a held body go: changed when it is whole, as it came when it is too long."""
        if self._waiting_bytes > self._hold_limit:
            self._is_held = False
        elif self._request_done:
            self._is_held = False
            body = b"".join(self._waiting)
            changed = ask_for_usage(body)
            if changed is not None:
                self._has_asked_usage = True
                self._waiting, self._waiting_bytes = [changed], len(changed)
                self._framing = Framing(len(changed), is_chunked=False)
        if not self._is_held:
            self._enter()

    def _request_head(self, upstream: Upstream) -> bytes:
        head = self.head
        observation = self._observation
        drop = _REPLACED
        if self._redactor is not None:
            drop = drop | {b"accept-encoding"}
        if self._has_asked_usage or self._hold_limit > 0:
            drop = drop | {b"expect"}
        if observation is not None:
            drop = drop | {b"traceparent"}
        fields: list[Header] = [(b"host", upstream.authority.encode())]
        fields.extend(end_to_end(head.headers, drop))
        if self._framing.is_chunked:
            fields.append((b"transfer-encoding", b"chunked"))
        elif self._framing.length is not None:
            fields.append((b"content-length", b"%d" % self._framing.length))
        fields.append((_REQUEST_ID, self._request_id))
        if observation is not None:
            fields.append((b"traceparent", observation.traceparent))
        target = upstream.prefix.encode() + head.target
        return write_head(head.method + b" " + target + b" HTTP/1.1", fields)

    def _added_headers(self, fields: list[Header]) -> list[Header]:
        added: list[Header] = []
        if not any(name.lower() == _REQUEST_ID for name, _ in fields):
            added.append((_REQUEST_ID, self._request_id))
        if self._observation is not None and not any(
            name.lower() == _COUNTED_BY for name, _ in fields
        ):
            added.append((_COUNTED_BY, b"proxy"))
        return added

    def _send_body(self, data: bytes) -> None:
        if self._upstream is None:
            return
        if self._replay is not None:
            self._replay.append(data)
            self._replay_bytes += len(data)
            if self._replay_bytes > REPLAY_LIMIT:
                self._replay = None
        if self._framing.is_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._upstream.write(data)

    def _send_end(self) -> None:
        if self._upstream is not None and self._framing.is_chunked:
            self._upstream.write(b"0\r\n\r\n")

    def _write_body(self, data: bytes) -> None:
        if self._response_chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        self._client.write(data)

    def _fail(self, failure: Refusal) -> None:
        """Answer it as soon as that leaves the connection in order: after the request's body,
        unless the client waits for leave to send it."""
        if self._request_done or self.head.get(b"expect") is not None:
            self._answer_failure(failure)
            return
        self._failure = failure
        self._waiting.clear()
        self._client.pause_body(False)

    def _bad_gateway(self, problem: str, code: str) -> Refusal:
        urls = " and the one at ".join(pool.upstream.url for pool in self._tried)
        return Refusal(
            502,
            code,
            f"The engine at {urls} did not answer: {problem}.",
            "Start it there, or name its address with --upstream or TACHOGRAPH_SIDECAR_UPSTREAM.",
            None,
        )

    def _answer_failure(self, failure: Refusal) -> None:
        self._is_over = True
        self._leave()
        kind = "rate_limit_error" if failure.status == 429 else "sidecar_error"
        body = error_body(failure.message, failure.code, failure.remedy, kind)
        fields = self._added_headers([])
        if failure.retry_after_s is not None:
            fields.append((b"Retry-After", b"%d" % max(1, math.ceil(failure.retry_after_s))))
        extra = b"".join(b"%b: %b\r\n" % field for field in fields)
        close = self._client.ends_after_response or not self._request_done
        self._client.write(
            write_response(
                failure.status, body, close=close, extra=extra, is_head=self.is_head_request
            )
        )
        if self._observation is not None:
            self._observation.failed(failure.code, status=failure.status)
        self._client.exchange_done(self, must_close=not self._request_done)


def _is_plain_event_stream(fields: list[Header]) -> bool:
    content_type = b""
    for name, value in fields:
        lower = name.lower()
        if lower == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return False
        if lower == b"content-type":
            content_type = value.partition(b";")[0].strip().lower()
    return content_type == b"text/event-stream"
