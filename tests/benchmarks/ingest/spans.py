"""The benchmark's traffic: chat spans with their parents and retrievals, as OTLP request bodies.

    python -m tests.benchmarks.ingest.spans --spans 20000

Of 20,000 spans 10,000 are chats: a trace is a retrieval with its documents, two chats (1.5 kB in
and 1 kB out each, streamed) and the agent span around them, with the attributes that our SDK
writes. Every sentence occurs once in the whole stream (`prose.py`); the same seed gives the same
texts. Nothing here knows who receives it: all contestants get the same bodies.

`Stream.bodies` writes new ids and times into the bodies, so that each round is fresh to a store
that deduplicates, without making texts again.
"""

import argparse
import json
import random
import statistics
import struct
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backports.zstd import compress
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from rich.progress import track
from tests.benchmarks.ingest.prose import Prose
from tests.benchmarks.ingest.vocabulary import MODELS
from tests.fixtures.otlp_values import any_value

from tachograph.semconv import SCHEMA_URL
from tachograph.semconv import attributes as a

SPANS_A_TRACE: Final = 4
CHATS_A_TRACE: Final = 2
QUESTION_BYTES: Final = 1250  # with the system's message and the JSON around both, 1.5 kB
ANSWER_BYTES: Final = 900  # with its JSON, 1 kB
DOCUMENT_BYTES: Final = 250
SYSTEM = "You answer questions of the customers of a shop. Say so when you do not know."
_SPREAD_S: Final = 60
_RESPONSE_ID: Final = "chatcmpl-"
_RESPONSE_ID_DIGITS: Final = 24

Plain = str | bool | int | float | list[str]


@dataclass(frozen=True, slots=True)
class _Piece:
    """One span without what differs from round to round: its ids, times and response id."""

    parent: int  # position in its trace, or -1 for the root
    name_and_kind: bytes
    offset_ns: int  # from the start of its trace
    duration_ns: int
    attributes: bytes
    is_chat: bool


@dataclass(frozen=True, slots=True)
class Body:
    """One request: its bytes, and what they hold. A trace lies in one body whole."""

    content: bytes
    spans: int
    trace_ids: Sequence[str]  # 32 hexadecimal digits each


class Stream:
    """A number of spans, made once; ask for bodies as often as rounds need them."""

    def __init__(self, spans: int, seed: int = 1, *, description: str | None = None) -> None:
        if spans % SPANS_A_TRACE:
            raise ValueError(f"spans must be a multiple of {SPANS_A_TRACE}; it is {spans}")
        self.spans = spans
        prose = Prose(seed)
        traces: Sequence[int] | Iterator[int] = range(spans // SPANS_A_TRACE)
        if description is not None:
            traces = iter(track(traces, description=description))
        self._traces = [_trace(prose) for _ in traces]
        text = prose.written().encode()
        self.zstd_ratio = len(text) / len(compress(text, 3))
        """Bytes of the texts alone over what zstd at level 3 makes of them."""
        resource = ResourceSpans()
        resource.resource.attributes.extend(
            _attribute(name, value) for name, value in _RESOURCE.items()
        )
        scope = ScopeSpans()
        scope.scope.name, scope.scope.version = "tachograph", "0.1.0"
        # Field 3 of both messages, so it stands last.
        self._schema = ScopeSpans(schema_url=SCHEMA_URL).SerializeToString()
        self._resource = resource.SerializeToString()
        self._scope = scope.SerializeToString()

    def bodies(self, batch: int, *, spans: int | None = None, ended_ns: int = 0) -> list[Body]:
        """The first `spans` spans (all of them by default) in bodies of `batch`, with new ids.

        Times spread over a minute and end before `ended_ns` (default: now).
        """
        count = self.spans if spans is None else min(spans, self.spans)
        if batch % SPANS_A_TRACE or count % SPANS_A_TRACE:
            raise ValueError(
                f"batch and spans must be multiples of {SPANS_A_TRACE}; they are {batch}, {count}"
            )
        source = random.Random(random.SystemRandom().randbytes(16))
        trace_ids = [source.randbytes(16) for _ in range(count // SPANS_A_TRACE)]
        encoded = list(self._encoded(trace_ids, source, ended_ns or time.time_ns()))
        traces_a_body = batch // SPANS_A_TRACE
        bodies: list[Body] = []
        for first in range(0, len(trace_ids), traces_a_body):
            ids = trace_ids[first : first + traces_a_body]
            part = encoded[first * SPANS_A_TRACE : (first + len(ids)) * SPANS_A_TRACE]
            bodies.append(Body(self._request(part), len(part), [id.hex() for id in ids]))
        return bodies

    def _encoded(
        self, trace_ids: Sequence[bytes], source: random.Random, ended_ns: int
    ) -> Iterator[bytes]:
        step_ns = _SPREAD_S * 1_000_000_000 // max(1, len(trace_ids))
        for index, (trace_id, trace) in enumerate(zip(trace_ids, self._traces, strict=False)):
            ids = [source.randbytes(8) for _ in trace]
            # Half a minute before, so that no trace ends in the future.
            started_ns = ended_ns - (_SPREAD_S + 30) * 1_000_000_000 + index * step_ns
            for piece, span_id in zip(trace, ids, strict=True):
                parent_id = b"" if piece.parent < 0 else b"\x22\x08" + ids[piece.parent]
                start_ns = started_ns + piece.offset_ns
                span = b"".join(
                    (
                        b"\x0a\x10", trace_id, b"\x12\x08", span_id, parent_id,
                        piece.name_and_kind,
                        struct.pack("<BQBQ", 0x39, start_ns, 0x41, start_ns + piece.duration_ns),
                        piece.attributes,
                        _response_id(source) if piece.is_chat else b"",
                    )
                )  # fmt: skip
                yield b"\x12" + _varint(len(span)) + span

    def _request(self, spans: list[bytes]) -> bytes:
        scope_spans = b"".join((self._scope, *spans, self._schema))
        parts = (self._resource, b"\x12", _varint(len(scope_spans)), scope_spans, self._schema)
        return b"\x0a" + _varint(sum(map(len, parts))) + b"".join(parts)


_RESOURCE: Final[dict[str, Plain]] = {
    a.SERVICE_NAME: "shop-assistant",
    a.SERVICE_INSTANCE_ID: "shop-assistant-5f7c9d8b64-x2x7q",
    "service.version": "2.14.0",
    "deployment.environment.name": "production",
    "host.name": "node-17",
    "process.pid": 4711,
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": "1.45.2",
}


def _trace(prose: Prose) -> list[_Piece]:
    """A retrieval, two chats and, last as exporters send it, the agent span around them."""
    facts: dict[str, Plain] = {
        a.OBSERVER: "client",
        a.CONTENT_CAPTURE: "full",
        a.TENANT: f"tenant-{prose.between(1, 20)}",
        a.USER_ID: f"user-{prose.between(1, 5000)}",
        a.SESSION_ID: prose.digits(32),
        a.VARIANT: prose.chosen(("prompt-a", "prompt-b")),
    }
    retrieval_ns = prose.between(5, 80) * 1_000_003
    pieces = [_retrieval(prose, facts, retrieval_ns)]
    offset_ns = retrieval_ns + 1_000_000
    for _ in range(CHATS_A_TRACE):
        chat = _chat(prose, facts, offset_ns)
        pieces.append(chat)
        offset_ns += chat.duration_ns + 1_000_000
    question = prose.text(60)
    agent: dict[str, Plain] = {
        a.OPERATION_NAME: "invoke_agent",
        a.AGENT_NAME: "shop-assistant",
        a.FUNCTION_INPUT: json.dumps({"question": question}),
        **facts,
    }
    pieces.append(_piece(-1, "answer", Span.SPAN_KIND_INTERNAL, 0, offset_ns, agent))
    return pieces


def _retrieval(prose: Prose, facts: dict[str, Plain], duration_ns: int) -> _Piece:
    documents = [
        {
            "id": f"doc-{prose.between(1, 100_000)}",
            "score": prose.between(3000, 9999) / 10_000,
            "content": prose.text(DOCUMENT_BYTES),
        }
        for _ in range(2)
    ]
    values: dict[str, Plain] = {
        **facts,
        a.OPERATION_NAME: "retrieval",
        a.DATA_SOURCE_ID: "handbook",
        a.RETRIEVAL_QUERY_TEXT: prose.text(40),
        a.RETRIEVAL_DOCUMENTS: json.dumps(documents),
    }
    name = "retrieval handbook"
    return _piece(CHATS_A_TRACE + 1, name, Span.SPAN_KIND_CLIENT, 500_000, duration_ns, values)


def _chat(prose: Prose, facts: dict[str, Plain], offset_ns: int) -> _Piece:
    model = prose.chosen(MODELS)
    chunks = prose.between(150, 300)
    first_s = prose.between(80_000, 900_000) / 1e6
    gap_s = prose.between(8_000, 30_000) / 1e6
    prompt, completion = prose.text(QUESTION_BYTES), prose.text(ANSWER_BYTES)
    values: dict[str, Plain] = {
        **facts,
        a.OPERATION_NAME: "chat",
        a.PROVIDER_NAME: "openai",
        a.REQUEST_MODEL: model,
        a.REQUEST_TEMPERATURE: 0.2,
        a.REQUEST_MAX_TOKENS: 1024,
        a.REQUEST_STREAM: True,
        a.SERVER_ADDRESS: "llm.internal",
        a.SERVER_PORT: 8000,
        a.RESPONSE_MODEL: model,
        a.RESPONSE_FINISH_REASONS: ["stop"],
        a.USAGE_INPUT_TOKENS: len(prompt) // 4 + prose.between(0, 20),
        a.USAGE_OUTPUT_TOKENS: chunks + prose.between(0, 5),
        a.USAGE_CACHE_READ_INPUT_TOKENS: prose.between(0, 12) * 16,
        a.RESPONSE_TIME_TO_FIRST_CHUNK: first_s,
        a.STREAM_CHUNK_COUNT: chunks,
        a.STREAM_TIME_PER_CHUNK: gap_s,
        a.STREAM_GAP_P50: gap_s * 0.97,
        a.STREAM_GAP_P95: gap_s * (1.2 + prose.between(0, 500) / 1e3),
        a.STREAM_GAP_MAX: gap_s * (2 + prose.between(0, 5000) / 1e3),
        a.INPUT_MESSAGES: _messages(("system", SYSTEM), ("user", prompt)),
        a.OUTPUT_MESSAGES: _messages(("assistant", completion)),
    }
    duration_ns = int((first_s + gap_s * chunks) * 1e9)
    name = f"chat {model}"
    return _piece(CHATS_A_TRACE + 1, name, Span.SPAN_KIND_CLIENT, offset_ns, duration_ns, values)


def _messages(*messages: tuple[str, str]) -> str:
    return json.dumps(
        [
            {"role": role, "parts": [{"type": "text", "content": content}]}
            for role, content in messages
        ]
    )


def _piece(
    parent: int,
    name: str,
    kind: Span.SpanKind.ValueType,
    offset_ns: int,
    duration_ns: int,
    values: dict[str, Plain],
) -> _Piece:
    attributes = Span(attributes=[_attribute(name, value) for name, value in values.items()])
    return _Piece(
        parent,
        Span(name=name, kind=kind).SerializeToString(),
        offset_ns,
        duration_ns,
        attributes.SerializeToString(),
        is_chat=values[a.OPERATION_NAME] == "chat",
    )


def _attribute(name: str, value: Plain) -> KeyValue:
    return KeyValue(key=name, value=any_value(value))


def _response_id(source: random.Random) -> bytes:
    text = f"{_RESPONSE_ID}{source.getrandbits(4 * _RESPONSE_ID_DIGITS):0{_RESPONSE_ID_DIGITS}x}"
    return Span(attributes=[_attribute(a.RESPONSE_ID, text)]).SerializeToString()


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def main() -> None:
    """Print what the stream is like."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    began = time.perf_counter()
    stream = Stream(args.spans, args.seed, description="writing")
    made_s = time.perf_counter() - began
    began = time.perf_counter()
    bodies = stream.bodies(100)
    rewritten_s = time.perf_counter() - began
    request = ExportTraceServiceRequest.FromString(bodies[0].content)
    operations = [
        attribute.value.string_value
        for span in request.resource_spans[0].scope_spans[0].spans
        for attribute in span.attributes
        if attribute.key == a.OPERATION_NAME
    ]
    size = sum(len(body.content) for body in bodies)
    whole = b"".join(body.content for body in bodies)
    sizes = {
        name: statistics.mean(
            len(attribute.value.string_value)
            for span in request.resource_spans[0].scope_spans[0].spans
            for attribute in span.attributes
            if attribute.key == name
        )
        for name in (a.INPUT_MESSAGES, a.OUTPUT_MESSAGES, a.RETRIEVAL_DOCUMENTS)
    }
    print(f"mean bytes: {sizes}")
    figures = {
        "spans": args.spans,
        "chats": args.spans * CHATS_A_TRACE // SPANS_A_TRACE,
        "bytes_per_span": round(size / args.spans, 1),
        "zstd_ratio_text": round(stream.zstd_ratio, 3),
        "zstd_ratio_bodies": round(len(whole) / len(compress(whole, 3)), 3),
        "made_s": round(made_s, 1),
        "rewritten_s": round(rewritten_s, 2),
    }
    print(f"operations of a body: {dict(sorted(Counter(operations).items()))}")
    print(json.dumps({"bench": "spans", **figures}))


if __name__ == "__main__":
    main()
