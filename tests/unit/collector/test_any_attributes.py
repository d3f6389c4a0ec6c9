"""Attributes read by what is remembered of them say what all rules together say."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from tests.fixtures.otlp_values import any_value

from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.attribute_reader import AttributeReader
from tachograph_collector.translate.columns import CONTENT_COLUMNS, PREFIXES, RENAMED, TYPED_COLUMNS
from tachograph_collector.translate.fields import SpanFields, read_attributes
from tachograph_collector.translate.limits import Limits
from tachograph_store.settings import StoreSettings

LIMITS = Limits.of(
    CollectorSettings(max_attributes=12, max_attribute_bytes=300, max_content_bytes=2000),
    StoreSettings(),
)
READER = AttributeReader(LIMITS)
NAMES = (
    *TYPED_COLUMNS, *CONTENT_COLUMNS, *RENAMED, *(f"{prefix}0.x" for prefix in PREFIXES),
    "tachograph.counted", "tachograph.truncated", "gen_ai.usage.cost.currency",
    "gen_ai.system_instructions", "server.port", "plain", "é" * 100, "n" * 300, "",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 300),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(
        ["chat", "client", "12", "x" * 127, "y" * 128, "é" * 200, "z" * 5000, '{"a":1}']
    ),
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
ATTRIBUTES = st.lists(
    st.tuples(st.sampled_from(NAMES) | st.text(max_size=5), VALUES), min_size=0, max_size=14
)


def _encoded(name: str, value: object) -> bytes:
    return KeyValue(key=name, value=any_value(value)).SerializeToString()


def _said(fields: SpanFields) -> list[str]:
    """NaN is equal to itself here."""
    columns = sorted(fields.columns.items())
    return [repr(replace(fields, columns={})), *map(repr, columns)]


@given(ATTRIBUTES)
def test_both_ways_say_the_same(pairs: list[tuple[str, object]]) -> None:
    content = [_encoded(name, value) for name, value in pairs]
    expected = read_attributes([KeyValue.FromString(encoded) for encoded in content], 0, LIMITS)
    for _ in range(2):
        found = READER.read(content)
        assert found is None or _said(found) == _said(expected)


@pytest.mark.parametrize(
    "content",
    [
        b"\x12\x03\x0a\x01v\x0a\x01k",  # value before name
        b"\x0a\x01x\x0a\x01k\x12\x03\x0a\x01v",  # the last name stands
        b"\x0a\x01k\x12\x06\x0a\x01u\x0a\x01v",  # and the last value
        b"\x0a\x01k\x12\x04\x0a\x81\x00v",  # a length of more bytes than it needs
        b"\x0a\x01k",
        b"\x0a\x01k\x12\x00",
        b"\x12\x03\x0a\x01v",
        b"\x0a\x01k\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # -1
        b"\x0a\x01k\x12\x09\x21\x00\x00\x00\x00\x00\x00\xf8\x7f",  # NaN
    ],
)
def test_unusual_encodings_of_an_attribute(content: bytes) -> None:
    expected = read_attributes([KeyValue.FromString(content)], 0, LIMITS)
    found = AttributeReader(LIMITS).read([content])
    assert found is not None
    assert found.attributes == expected.attributes


def test_usual_spans_are_not_left_to_all_rules() -> None:
    usual = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 1,
        "gen_ai.input.messages": "[]",
        "tachograph.counted": False,
        "tachograph.tenant": "t",
        "server.port": 80,
        "gen_ai.response.finish_reasons": ["stop"],
    }
    content = [_encoded(name, value) for name, value in usual.items()]
    assert AttributeReader(LIMITS).read(content) is not None


def test_what_is_remembered_is_bounded() -> None:
    reader = AttributeReader(LIMITS)
    for index in range(40_000):
        assert reader.read([_encoded(f"name-{index}", index)]) is not None
    kept = len(reader._young) + len(reader._old) + len(reader._names)
    assert kept <= 3 * 8192


def test_what_seldom_comes_twice_drives_nothing_out() -> None:
    reader = AttributeReader(LIMITS)
    for index in range(100):
        fields = reader.read(
            [
                _encoded("tachograph.stream.gap.p50", index / 7),
                _encoded("gen_ai.input.messages", f"text {index}"),
            ]
        )
        assert fields is not None
        assert fields.columns == {"gap_p50_s": index / 7, "prompt": f"text {index}"}
    assert not reader._young


@pytest.mark.parametrize("size", [0, 1, 2, 124, 125, 126, 127, 128, 129, 130, 16_000, 16_384])
def test_a_text_of_any_size_is_read(size: int) -> None:
    limits = replace(LIMITS, max_content_bytes=20_000)
    reader, text = AttributeReader(limits), "x" * size
    for name, column in (("gen_ai.input.messages", "prompt"), ("tachograph.tenant", "tenant")):
        content = _encoded(name, text)
        expected = read_attributes([KeyValue.FromString(content)], 0, limits)
        fields = reader.read([content])
        assert fields is None or fields.columns == expected.columns
        assert fields is not None or column == "tenant"  # names are bounded
