"""Watches model requests pass and makes one span of each. Whatever fails here, requests go on."""

import dataclasses
import functools
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.facts import lowest
from tachograph.semconv import headers
from tachograph.semconv.values import DropReason
from tachograph.types import CaptureMode
from tachograph_sidecar.attribution import EqualShare, Share
from tachograph_sidecar.engines import EngineAdapter, by_server_header
from tachograph_sidecar.engines.deployment import UNSTATED, Deployment
from tachograph_sidecar.ledger.settlement import GpuLedger
from tachograph_sidecar.ledger.work import EnergyShare
from tachograph_sidecar.observe.answer import Answer
from tachograph_sidecar.observe.bounded import BoundedCopy, Budget
from tachograph_sidecar.observe.deferred import Deferred
from tachograph_sidecar.observe.events import EventParser, JsonLines, ServerSentEvents
from tachograph_sidecar.observe.messages_api import MessagesAnswer
from tachograph_sidecar.observe.responses_api import ResponsesAnswer
from tachograph_sidecar.observe.routes import Dialect, Route, route_of
from tachograph_sidecar.observe.timing import ChunkClock
from tachograph_sidecar.observe.trace_context import continue_trace
from tachograph_sidecar.proxy.head import Header, RequestHead
from tachograph_sidecar.proxy.pool import Upstream
from tachograph_sidecar.tenants import Tenant, Tenants, readable

_log = logging.getLogger("tachograph.sidecar")

P = ParamSpec("P")

CAPTURE_MODES: tuple[CaptureMode, ...] = ("off", "metadata", "full")
_COUNTED_BY = headers.COUNTED_BY.encode()
MAX_PIECES_A_STEP = 32
MAX_WAITING = 4096
"""Finished requests whose span is not built yet: beyond, a busy core leaves no time to build them."""

_ANSWERS: Mapping[Dialect, type[Answer]] = {
    "openai_responses": ResponsesAnswer,
    "anthropic": MessagesAnswer,
}


@dataclass(frozen=True, slots=True)
class RecorderOptions:
    """What is kept of a request.

    Attributes:
        capture: `full` records messages; `metadata` no text; `off` neither text nor who asked
            (user, session).
        body_limit_bytes: of a request or of an answer that is not streamed; longer ones are cut.
        budget_bytes: of all copies and unparsed chunks together.
        content_limit_bytes: of the input messages, and of the output messages, of one span.
    """

    capture: CaptureMode = "metadata"
    body_limit_bytes: int = 1024 * 1024
    budget_bytes: int = 128 * 1024 * 1024
    content_limit_bytes: int = 256 * 1024


def _never_raises(
    method: Callable[Concatenate["Observation", P], None],
) -> Callable[Concatenate["Observation", P], None]:
    """A defect in telemetry ends the observation, never the request."""

    def guarded(self: "Observation", /, *args: P.args, **kwargs: P.kwargs) -> None:
        if self.is_broken:
            return
        try:
            method(self, *args, **kwargs)
        except Exception:  # noqa: BLE001 - requests must not notice telemetry failing
            self.is_broken = True
            self.recorder.count_failure()
            _log.exception("tachograph sidecar: a request could not be recorded; it goes on")
            self.let_go()

    return functools.update_wrapper(guarded, method)


class Recorder:
    """Makes observations and turns them into spans.

    Args:
        options: what is kept.
        tenants: whose request it is.
        rule: splits busy time over requests.
        engine: the engine at an upstream as known now; None before one was chosen.
        build: makes a span of a finished observation.
        submit: hands a span to delivery; False when it was dropped there.
        leave_out: told why a request will have no span.
        charge: told the tenant and the tokens of each answer that states them.
        ledger: splits the GPUs' energy over requests; None without.
        deployment: what the engine at an upstream says of itself.
    """

    def __init__(
        self,
        *,
        options: RecorderOptions,
        tenants: Tenants,
        rule: EqualShare,
        engine: Callable[[Upstream | None], EngineAdapter],
        build: "Callable[[Observation], ReadableSpan]",
        submit: Callable[[ReadableSpan], bool],
        leave_out: Callable[[str], None],
        charge: Callable[[str | None, int], None] | None = None,
        ledger: GpuLedger | None = None,
        deployment: Callable[[Upstream | None], Deployment] = lambda upstream: UNSTATED,
    ) -> None:
        self.options = options
        self.tenants = tenants
        self.rule = rule
        self.engine = engine
        self.deployment = deployment
        self.build = build
        self.submit = submit
        self.leave_out = leave_out
        self.charge = charge
        self.ledger = ledger
        self.budget = Budget(options.budget_bytes)
        self.deferred = Deferred()
        self.in_flight = 0
        self.waiting = 0
        self.recorded = 0
        self.failures = 0

    def begin(self, head: RequestHead, request_id: str) -> "Observation | None":
        """Watch a request that arrives now; None for one that is no model call."""
        route = route_of(head.method, head.path)
        if route is None:
            return None
        try:
            return Observation(self, route, head, request_id)
        except Exception:  # noqa: BLE001 - requests must not notice telemetry failing
            self.count_failure()
            _log.exception("tachograph sidecar: a request could not be recorded; it goes on")
            return None

    def count_failure(self) -> None:
        self.failures += 1


class Observation:
    """One model request as it passes. The proxy calls it after the bytes are on their way."""

    def __init__(
        self, recorder: Recorder, route: Route, head: RequestHead, request_id: str
    ) -> None:
        self.recorder = recorder
        self.route = route
        self.request_id = request_id
        self.arrival_ns = time.perf_counter_ns()
        self.arrival_unix_ns = time.time_ns()
        self.end_ns = self.arrival_ns
        self.trace = continue_trace(head.get(b"traceparent"))
        self.tenant: Tenant | None = recorder.tenants.of(head)
        self.user = _claim(head, headers.USER)
        self.session = _claim(head, headers.SESSION)
        self.variant = _claim(head, headers.VARIANT)
        self.capture: CaptureMode = recorder.options.capture
        asked = head.get(headers.CONTENT_CAPTURE.encode())
        for mode in CAPTURE_MODES:
            if asked is not None and asked.strip().lower() == mode.encode():
                self.capture = lowest(mode, self.capture)
        options = recorder.options
        self.request = BoundedCopy(options.body_limit_bytes, recorder.budget)
        self.body = BoundedCopy(options.body_limit_bytes, recorder.budget)
        self.answer = _ANSWERS.get(route.dialect, Answer)(
            keeps_text=self.capture == "full", text_limit=options.content_limit_bytes
        )
        self.chunks = ChunkClock(self.arrival_ns)
        self.status: int | None = None
        self.is_stream = False
        self.error_type: str | None = None
        self.has_client_left = False
        self.is_counted = True
        self.upstream: Upstream | None = None
        self.share: Share | None = None
        self.priority: str | None = None
        self.queue_s: float | None = None
        self.client_wait_ns = 0
        self._client_waits_since_ns: int | None = None
        self.is_broken = False
        self.is_queued = False
        self._named_engine: EngineAdapter | None = None
        self._events: EventParser | None = None
        self._pieces: deque[tuple[int, bytes]] = deque()
        self._inflate: zlib._Decompress | None = None
        self._is_readable = True
        self._was_sent = False
        self._is_over = False
        self._is_waiting = False
        recorder.in_flight += 1

    @property
    def can_carry_usage(self) -> bool:
        return self.route.can_carry_usage

    @property
    def traceparent(self) -> bytes:
        return self.trace.traceparent

    @property
    def engine(self) -> EngineAdapter:
        """The engine that answered: by its own word, else as known to the recorder now."""
        return self._named_engine or self.recorder.engine(self.upstream)

    @property
    def deployment(self) -> Deployment:
        """What the engine that answered says of itself."""
        return self.recorder.deployment(self.upstream)

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.arrival_ns

    # --- told by the exchange

    @_never_raises
    def request_bytes(self, data: bytes) -> None:
        self.request.add(data)

    @_never_raises
    def admitted(self, priority: str, waited_s: float) -> None:
        self.priority = priority
        self.queue_s = waited_s

    @_never_raises
    def request_sent(self, upstream: Upstream) -> None:
        self.upstream = upstream
        if not self._was_sent:  # a second try is the same request
            self._was_sent = True
            now_ns = time.perf_counter_ns()
            self.recorder.rule.begin(self, now_ns)
            ledger = self.recorder.ledger
            if ledger is not None and ledger.is_measuring:
                ledger.begin(self, now_ns, self.request.total)

    @_never_raises
    def response_head(self, status: int, fields: list[Header]) -> None:
        self.status = status
        content_type = encoding = b""
        for name, value in fields:
            lower = name.lower()
            if lower == b"content-type":
                content_type = value.partition(b";")[0].strip().lower()
            elif lower == b"content-encoding":
                encoding = value.strip().lower()
            elif lower == _COUNTED_BY:
                self.is_counted = False  # another sidecar behind this one carries the totals
            elif lower == b"server":
                self._named_engine = by_server_header(value.decode("latin-1"))
        if content_type == b"text/event-stream":
            self._events = ServerSentEvents()
        elif content_type == b"application/x-ndjson":
            self._events = JsonLines()
        self.is_stream = self._events is not None
        if encoding in (b"gzip", b"x-gzip", b"deflate"):
            self._inflate = zlib.decompressobj(wbits=47)
        elif encoding not in (b"", b"identity"):
            self._is_readable = False

    @_never_raises
    def response_bytes(self, data: bytes, arrived_ns: int) -> None:
        if not self._is_readable or not self.recorder.budget.take(len(data)):
            self._is_readable = False
            return
        self._pieces.append((arrived_ns, data))
        self.recorder.deferred.add(self)

    @_never_raises
    def client_paused(self) -> None:
        """The client reads more slowly than the engine writes: the engine is not read meanwhile."""
        if self._client_waits_since_ns is None:
            self._client_waits_since_ns = time.perf_counter_ns()

    @_never_raises
    def client_resumed(self) -> None:
        if self._client_waits_since_ns is not None:
            self.client_wait_ns += time.perf_counter_ns() - self._client_waits_since_ns
            self._client_waits_since_ns = None

    @_never_raises
    def complete(self) -> None:
        self._end()

    @_never_raises
    def failed(self, error_type: str, status: int | None = None) -> None:
        self.error_type = error_type
        self.status = status if status is not None else self.status
        self._end()

    @_never_raises
    def client_disconnected(self) -> None:
        self.has_client_left = True
        self._end()

    # --- later, from the deferred queue

    def work(self) -> bool:
        """Parse some of what passed; at the end, submit the span. True while there is more."""
        self._work()
        has_more = not self.is_broken and bool(self._pieces)
        if self._is_waiting and not has_more:
            self._is_waiting = False
            self.recorder.waiting -= 1
        return has_more

    @_never_raises
    def _work(self) -> None:
        for _ in range(min(MAX_PIECES_A_STEP, len(self._pieces))):
            arrived_ns, data = self._pieces.popleft()
            self.recorder.budget.give_back(len(data))
            self._read(data, arrived_ns)
        if self._is_over and not self._pieces:
            self._finish()

    def _read(self, data: bytes, arrived_ns: int) -> None:
        if self._inflate is not None:
            # the rest of a piece that grows beyond this is a bomb, or nothing that counts
            data = self._inflate.decompress(data, self.recorder.options.body_limit_bytes)
        if self._events is None:
            self.body.add(data)
            return
        for event in self._events.feed(data):
            if self.answer.add_chunk(event):
                self._tick(arrived_ns)

    def _tick(self, arrived_ns: int) -> None:
        self.chunks.tick(arrived_ns)
        if self.recorder.ledger is not None:
            self.recorder.ledger.output(self, arrived_ns)

    def _end(self) -> None:
        self._is_over = True
        self.client_resumed()
        self.end_ns = time.perf_counter_ns()
        self.recorder.in_flight -= 1
        self.share = self.recorder.rule.end(self, self.end_ns)
        if self.recorder.waiting < MAX_WAITING:
            self._is_waiting = True
            self.recorder.waiting += 1
            self.recorder.deferred.add(self)
        else:
            self._lose()

    def let_go(self) -> None:
        """Hold nothing any more; what follows of this request is not looked at."""
        if not self._is_over:
            self._is_over = True
            self.recorder.in_flight -= 1
            self.recorder.rule.end(self, time.perf_counter_ns())
        for _, data in self._pieces:
            self.recorder.budget.give_back(len(data))
        self._pieces.clear()
        self.request.clear()
        self.body.clear()

    def _lose(self) -> None:
        """Too many wait: this request gets no span. What it used stays booked."""
        self.is_broken = True
        self.recorder.leave_out(DropReason.QUEUE_FULL)
        if self.recorder.ledger is not None:
            self.recorder.ledger.end(
                self,
                self.end_ns,
                prompt_bytes=self.request.total,
                input_tokens=None,
                cached_tokens=None,
                output_tokens=None,
                on_share=lambda _: None,
            )
        self.let_go()

    def _finish(self) -> None:
        if self._events is None:
            self.answer.add_body(self.body)
        else:
            for event in self._events.finish():
                if self.answer.add_chunk(event):
                    self._tick(self.end_ns)
        ledger, answer = self.recorder.ledger, self.answer
        if ledger is None or not ledger.end(
            self,
            self.end_ns,
            prompt_bytes=self.request.total,
            input_tokens=answer.input_tokens,
            cached_tokens=answer.cache_read_tokens,
            output_tokens=answer.output_tokens,
            on_share=self.settled,
        ):
            self._submit()

    @_never_raises
    def settled(self, share: EnergyShare) -> None:
        """Its part of the energy is known now."""
        if self.share is not None:
            self.share = dataclasses.replace(
                self.share,
                gpu_s=share.gpu_s,
                energy_j=share.energy_j,
                energy_error_j=share.energy_error_j,
                method=share.method,
            )
        self._submit()

    def _submit(self) -> None:
        token_count = (self.answer.input_tokens or 0) + (self.answer.output_tokens or 0)
        if self.recorder.charge is not None and token_count:
            self.recorder.charge(None if self.tenant is None else self.tenant.name, token_count)
        try:
            span = self.recorder.build(self)
        finally:
            self.request.clear()
            self.body.clear()
        self.recorder.submit(span)
        self.recorder.recorded += 1


def _claim(head: RequestHead, name: str) -> str | None:
    value = head.get(name.encode())
    return readable(value) if value else None
