"""Spans that went the compiled way are the spans of the way in Python, whatever is sent."""

import random
import struct
import time
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from tests.fixtures.any_otlp import repeating_attributes, requests, spans
from tests.fixtures.chat_body import chat_body

from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import SpanTranslator, TranslatedSpans
from tachograph_store.compiled import VARIABLE
from tachograph_store.settings import StoreSettings

pytest.importorskip("tachograph_collector.translate._compiled_spans")

LIMITS = Limits.of(CollectorSettings(max_attributes=8, max_content_bytes=1024), StoreSettings())
COMPILED, PYTHON = SpanTranslator(LIMITS), SpanTranslator(LIMITS, compiled=False)
NOW = time.time_ns()
_many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def _said(
    translator: SpanTranslator, body: bytes, now: int
) -> tuple[list[Any], dict[tuple[str, str], int]]:
    """What became of a body; NaN is equal to itself here, and 1 is not True."""
    rejections = Rejections()
    request = ExportTraceServiceRequest.FromString(body)
    window = Window.around(now, LIMITS.retention_days)
    found = translator.translate(request, body, "p", window, rejections)
    return _plain(found), dict(rejections.counts)


def _plain(found: TranslatedSpans) -> list[Any]:
    rows = [
        [repr(sorted(v.items()) if isinstance(v, dict) else v) for v in row] for row in found.rows
    ]
    return [rows, found.sources, found.currencies, repr(found.scores)]


def _check(body: bytes, now: int | None = None) -> None:
    now = now or time.time_ns()
    assert _said(COMPILED, body, now) == _said(PYTHON, body, now)


@_many
@given(request=requests())
def test_any_request(request: ExportTraceServiceRequest) -> None:
    _check(request.SerializeToString())


@st.composite
def _usual_spans(draw: st.DrawFn) -> Span:
    """Nothing that would be left to Python for its shape alone."""
    span = draw(spans(repeating_attributes))
    for field in ("events", "links", "dropped_attributes_count"):
        span.ClearField(field)
    return span


@_many
@given(found=st.lists(_usual_spans(), max_size=5), scope=st.sampled_from(["", "openlit", "vllm"]))
def test_any_usual_span(found: list[Span], scope: str) -> None:
    scope_spans = ScopeSpans(spans=found)
    scope_spans.scope.name = scope
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope_spans])])
    _check(body.SerializeToString())


def test_traffic_of_the_sdk_goes_the_compiled_way() -> None:
    body = chat_body(NOW)
    translator = SpanTranslator(Limits.of(CollectorSettings(), StoreSettings()))
    translator._add = _refuse  # type: ignore[method-assign, assignment]
    window = Window.around(NOW, LIMITS.retention_days)
    request = ExportTraceServiceRequest.FromString(body)
    found = translator.translate(request, body, "p", window, Rejections())
    assert len(found.rows) == 2


def _refuse(*_: Any) -> None:
    raise AssertionError("left to Python")


def test_broken_bodies_never_crash_and_say_the_same() -> None:
    """What the official parser takes is taken by both ways alike; nothing else comes so far."""
    source = random.Random(7)
    whole = chat_body(NOW)
    reader = COMPILED._usual
    assert reader is not None
    agreed = 0
    for _ in range(4_000):
        body = bytearray(whole)
        for _ in range(source.randint(1, 4)):
            at = source.randrange(len(body))
            match source.randrange(4):
                case 0:
                    body[at] = source.randrange(256)
                case 1:
                    body[at] ^= 1 << source.randrange(8)
                case 2:
                    del body[at : at + source.randint(1, 9)]
                case _:
                    body[at:at] = source.randbytes(source.randint(1, 9))
        broken = bytes(body)
        reader.cut(broken)
        try:
            ExportTraceServiceRequest.FromString(broken)
        except DecodeError:
            _throw_at_the_reader(broken)
            continue
        agreed += 1
        _check(broken, NOW)
    assert agreed > 200


def _throw_at_the_reader(body: bytes) -> None:
    """Bytes that no request would bring here, as a span and as what a body cut itself into."""
    reader = COMPILED._usual
    assert reader is not None
    places = [0, len(body), len(body) // 2, len(body), 5, 5]
    left: list[int] = []
    window = Window.around(NOW, LIMITS.retention_days)
    arguments = ([None] * 100, b"digest", "scope", window.earliest, window.latest)
    reader.add(body, places, *arguments, [], lambda number, raw: left.append(number))
    assert left == [0, 1, 2]


def test_places_outside_of_a_body_are_refused() -> None:
    reader = COMPILED._usual
    assert reader is not None
    for places in ([0, 11], [5, 4], [-1, 3]):
        with pytest.raises(ValueError, match="no span lies between"):
            reader.add(b"0123456789", places, [], b"", "", 0, 1, [], _refuse)


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 120, 2_047, 2_048, 70_000])
def test_hashes_of_any_size(size: int) -> None:
    """The hash is SHA-256, by whatever instructions it is made."""
    text = b"\x2a" * size
    span = Span(trace_id=b"t" * 16, span_id=b"s" * 8, start_time_unix_nano=NOW)
    span.end_time_unix_nano = NOW
    span.attributes.append(KeyValue(key="k"))
    span.attributes[0].value.string_value = text.decode()
    scope_spans = ScopeSpans(spans=[span])
    body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope_spans])])
    _check(body.SerializeToString(), NOW)


def test_a_status_and_what_has_no_column() -> None:
    for status in (
        Status(),
        Status(code=Status.STATUS_CODE_ERROR, message="é" * 5),
        Status(code=Status.STATUS_CODE_OK),
    ):
        span = Span(
            trace_id=b"t" * 16,
            span_id=b"s" * 8,
            parent_span_id=bytes(8),
            trace_state="a=b",
            flags=257,
            dropped_events_count=3,
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=NOW,
            end_time_unix_nano=NOW + 5,
            status=status,
        )
        scope_spans = ScopeSpans(spans=[span])
        body = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[scope_spans])])
        _check(body.SerializeToString(), NOW + 10)


def test_fields_in_another_order_and_twice() -> None:
    ids = b"\x12\x08ssssssss\x0a\x10" + b"t" * 16
    times = struct.pack("<BQBQ", 0x41, NOW + 1, 0x39, NOW)
    for more in (b"", b"\x2a\x01a\x2a\x01b", b"\x0a\x10" + b"u" * 16, b"\x30\x82\x00", b"\x7a\x00"):
        span = ids + times + more
        of_scope = b"\x12" + bytes([len(span)]) + span
        of_resource = b"\x12" + bytes([len(of_scope)]) + of_scope
        _check(b"\x0a" + bytes([len(of_resource)]) + of_resource, NOW + 10)


def test_what_is_remembered_is_bounded() -> None:
    translator = SpanTranslator(LIMITS)
    window = Window.around(NOW, LIMITS.retention_days)
    for number in range(0, 40_000, 400):
        found = [Span(trace_id=b"t" * 16, span_id=b"s" * 8) for _ in range(100)]
        for index, span in enumerate(found):
            span.start_time_unix_nano = span.end_time_unix_nano = NOW
            for part in range(4):
                span.attributes.add(key=f"name-{number + 4 * index + part}").value.int_value = part
        scope_spans = ScopeSpans(spans=found)
        request = ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(scope_spans=[scope_spans])]
        )
        translator.translate(request, None, "p", window, Rejections())
    assert translator._usual is not None
    assert 8_192 < translator._usual.kept() <= 2 * 8_192


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    assert SpanTranslator(LIMITS)._usual is None
    monkeypatch.delenv(VARIABLE)
    assert SpanTranslator(LIMITS)._usual is not None
