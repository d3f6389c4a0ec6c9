"""Spans that went the compiled way are the spans of the way in Python, whatever is sent."""

import random
import struct
import time
from functools import partial
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from tests.fixtures.any_otlp import repeating_attributes, requests, spans
from tests.fixtures.chat_body import chat_body, mutated

from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import SpanTranslator, TranslatedSpans
from tachograph_store.compiled import VARIABLE, is_wanted
from tachograph_store.settings import StoreSettings

pytest.importorskip("tachograph_collector.translate._compiled_spans")
pytestmark = pytest.mark.skipif(not is_wanted(), reason="switched off")

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


def _refuse(*_: Any) -> Any:
    raise AssertionError("left to Python")


def test_broken_bodies_are_refused_as_the_official_parser_refuses_them() -> None:
    """And never crash; what it takes is taken by both ways alike."""
    source = random.Random(7)
    whole = chat_body(NOW)
    taken = refused = 0
    for _ in range(4_000):
        broken = mutated(whole, source)
        try:
            ExportTraceServiceRequest.FromString(broken)
        except DecodeError:
            refused += 1
            with pytest.raises(DecodeError):
                _translated_unparsed(broken)
            _throw_at_the_reader(broken)
        else:
            taken += 1
            _check(broken, NOW)
    assert taken > 200 and refused > 200


def _translated_unparsed(body: bytes) -> TranslatedSpans:
    window = Window.around(NOW, LIMITS.retention_days)
    parse = partial(ExportTraceServiceRequest.FromString, body)
    return COMPILED.translate(parse, body, "p", window, Rejections())


def test_usual_requests_are_not_parsed() -> None:
    limits = Limits.of(CollectorSettings(), StoreSettings())
    translator = SpanTranslator(limits)
    window = Window.around(NOW, limits.retention_days)
    whole = chat_body(NOW)
    request = ExportTraceServiceRequest.FromString(whole)
    first = translator.translate(request, whole, "p", window, Rejections())
    assert translator.translate(_refuse, whole, "p", window, Rejections()) == first


@pytest.mark.parametrize("depth", [20, 95, 96, 97, 98, 99, 100, 101, 2_000])
def test_nested_deeper_than_the_official_parser_goes(depth: int) -> None:
    value = b"\x0a\x01v"
    for _ in range(depth):  # an array in an array
        value = _field(5, _field(1, value))
    attribute = b"\x0a\x01k" + _field(2, value)
    body = _request(_field(9, attribute))
    try:
        ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        with pytest.raises(DecodeError):
            _translated_unparsed(body)
    else:
        _check(body, NOW)


@pytest.mark.parametrize(
    "more",
    [
        b"\x1a\x02\xc3\x28",  # the state of the trace is no UTF-8
        b"\x2a\x02\xc3\x28",  # nor the name
        b"\x7a\x04\x12\x02\xc3\x28",  # nor the status
        b"\x4a\x07\x0a\x01k\x12\x02\x0a\x02",  # a value that ends behind its attribute
        b"\x4a\x09\x0a\x01k\x12\x04\x0a\x02\xc3\x28",
        b"\x4a\x05\x0a\x03\xed\xa0\x80",
        b"\x4a\x02\x0b\x0c",  # a group
        b"\x82\x80\x80\x80\x80\x01\x00",  # a tag above 32 bits
    ],
)
def test_what_the_official_parser_alone_would_refuse(more: bytes) -> None:
    body = _request(more)
    _translated_unparsed(_request(b""))  # the sender is known
    try:
        ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        with pytest.raises(DecodeError):
            _translated_unparsed(body)
    else:
        _check(body, NOW)


def test_a_sender_in_pieces_and_a_schema_that_is_no_text() -> None:
    span = _field(2, _SPAN)
    scope, resource = _field(1, b"\x0a\x01s"), _field(1, b"\x0a\x03\x0a\x01k")
    good = _field(1, resource + _field(2, scope + span))
    _translated_unparsed(good)
    for bad in (
        _field(1, _field(1, b"\x0a\x03")) + good,
        _field(1, _field(1, b"\x0a\x03") + _field(1, b"\x0a\x01k") + _field(2, scope + span)),
        _field(1, resource + _field(2, _field(1, b"\x0a") + _field(1, b"\x01s") + span)),
        _field(1, resource + _field(2, scope + span) + b"\x1a\x01\xff"),
        _field(1, resource + _field(2, scope + span + b"\x1a\x01\xff")),
    ):
        with pytest.raises(DecodeError):
            ExportTraceServiceRequest.FromString(bad)
        with pytest.raises(DecodeError):
            _translated_unparsed(bad)


_SPAN = (
    b"\x0a\x10" + b"t" * 16 + b"\x12\x08ssssssss" + struct.pack("<BQBQ", 0x39, NOW, 0x41, NOW + 1)
)


def _request(more: bytes) -> bytes:
    """A request of one span with further fields."""
    return _field(1, _field(2, _field(2, _SPAN + more)))


def _field(number: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


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
