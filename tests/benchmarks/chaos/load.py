"""Senders that behave as OTLP exporters should, and keep a record of what was acknowledged.

A request is sent until it is answered with 200: after a lost connection with a growing pause, after
429 and 503 when Retry-After has passed, maybe to another collector. Mixed in: the same request again
after its acknowledgement, spans of an earlier request inside a new one, and late corrections.
"""

import http.client
import random
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVICES: Final = ("shop", "search", "agent")
_MAX_SPANS: Final = 60
_REMEMBERED: Final = 200
_FIRST_PAUSE_S: Final = 0.05
_LAST_PAUSE_S: Final = 1.0
_TIMEOUT_S: Final = 30.0
_RECONNECTS: Final = 0.05
_TEXT: Final = "The parcel left the warehouse on Monday and is expected on Thursday. " * 6


@dataclass(slots=True)
class Record:
    """What all senders know together; the other side's books are compared with this."""

    acknowledged: dict[str, set[bytes]] = field(default_factory=dict)
    """Trace and span id of every acknowledged span, by project."""
    requests: int = 0
    repeated: int = 0
    """Requests sent again though they were acknowledged."""
    corrected: int = 0
    """Spans sent again with other content."""
    refused: int = 0
    """Answers 429 and 503."""
    broken: int = 0
    """Connections that were lost with a request on them."""
    odd: list[str] = field(default_factory=list)
    """Answers that no sender should get."""

    @property
    def spans(self) -> int:
        """How many different spans were acknowledged."""
        return sum(map(len, self.acknowledged.values()))


class Load:
    """Threads with a connection each, spread over the projects."""

    def __init__(
        self,
        port: int,
        keys: Mapping[str, str | None],
        *,
        senders: int,
        spans_per_s: float,
        seed: int,
    ) -> None:
        self.record = Record({project: set() for project in keys})
        self._port = port
        self._keys = dict(keys)
        self._pause_s = senders * _MAX_SPANS / 2 / spans_per_s
        self._lock = threading.Lock()
        self._done = threading.Event()
        projects = list(keys)
        self._threads = [
            threading.Thread(
                target=self._send_all,
                args=(projects[number % len(projects)], random.Random(f"{seed}-{number}")),
                daemon=True,
            )
            for number in range(senders)
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self, deadline_s: float) -> bool:
        """Send what is begun until it is acknowledged; False when that takes longer."""
        self._done.set()
        deadline = time.monotonic() + deadline_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _send_all(self, project: str, rng: random.Random) -> None:
        sender = _Sender(self._port, self._keys[project], rng, self.record, self._lock)
        sent: deque[list[Span]] = deque(maxlen=_REMEMBERED)
        while not self._done.is_set():
            spans, corrected = _next(rng, sent)
            body = _body(spans, rng.choice(_SERVICES))
            times = 2 if rng.random() < 0.1 else 1
            for _ in range(times):
                sender.send_until_taken(body)
            sent.append(spans)
            with self._lock:
                self.record.requests += times
                self.record.repeated += times - 1
                self.record.corrected += corrected
                self.record.acknowledged[project].update(
                    span.trace_id + span.span_id for span in spans
                )
            self._done.wait(rng.uniform(0, 2 * self._pause_s))


class _Sender:
    """One connection at a time."""

    def __init__(
        self,
        port: int,
        key: str | None,
        rng: random.Random,
        record: Record,
        lock: threading.Lock,
    ) -> None:
        self._port = port
        self._rng = rng
        self._record = record
        self._lock = lock
        self._headers = {"content-type": "application/x-protobuf"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"
        self._connection: http.client.HTTPConnection | None = None

    def send_until_taken(self, body: bytes) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                status, retry_after_s, content = self._post(body)
            except (OSError, http.client.HTTPException):
                self._connection = None
                with self._lock:
                    self._record.broken += 1
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_PAUSE_S)
                continue
            if status == 200:
                self._check(content)
                return
            with self._lock:
                self._record.refused += 1
                if status not in (429, 503) and len(self._record.odd) < 20:
                    self._record.odd.append(f"{status} {content[:200]!r}")
            time.sleep(retry_after_s * self._rng.uniform(1, 1.2))

    def _check(self, content: bytes) -> None:
        rejected = ExportTraceServiceResponse.FromString(content).partial_success.rejected_spans
        if rejected:
            with self._lock:
                self._record.odd.append(f"{rejected} spans rejected")

    def _post(self, body: bytes) -> tuple[int, float, bytes]:
        if self._connection is None:
            # Whichever process the kernel deals it to; a new connection may get another.
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=_TIMEOUT_S
            )
        self._connection.request("POST", "/v1/traces", body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if self._rng.random() < _RECONNECTS:
            self._connection.close()
            self._connection = None
        return answer.status, float(answer.headers.get("retry-after", 1)), content


def _next(rng: random.Random, sent: deque[list[Span]]) -> tuple[list[Span], int]:
    """New spans, and at times some that were sent already: as they were, or corrected."""
    spans = [_span(rng) for _ in range(rng.randint(1, _MAX_SPANS))]
    corrected = 0
    if sent and rng.random() < 0.3:
        for old in rng.sample(earlier := rng.choice(sent), k=min(5, len(earlier))):
            again = Span()
            again.CopyFrom(old)
            if rng.random() < 0.5:
                again.end_time_unix_nano += rng.randint(1, 10**9)
                corrected += 1
            spans.append(again)
    return spans, corrected


def _span(rng: random.Random) -> Span:
    now = time.time_ns()
    span = Span(
        trace_id=rng.randbytes(16),
        span_id=rng.randbytes(8),
        name="chat m",
        start_time_unix_nano=now - rng.randint(1, 60) * 10**9,
        end_time_unix_nano=now,
    )
    start = rng.randrange(len(_TEXT) // 2)
    facts: Mapping[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": rng.randint(1, 5000),
        "gen_ai.output.messages": _TEXT[start:],
        "user.id": f"user-{rng.randrange(50)}",
    }
    for name, value in facts.items():
        kind = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
        span.attributes.append(KeyValue(key=name, value=kind))
    return span


def _body(spans: list[Span], service: str) -> bytes:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.append(
        KeyValue(key="service.name", value=AnyValue(string_value=service))
    )
    resource_spans.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()
