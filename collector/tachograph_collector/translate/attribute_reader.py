"""Attributes of usual spans, read at the speed of a dictionary.

What becomes of an attribute depends on its bytes alone, as long as no other attribute of the span
wants the same place: so it is worked out once and kept under these bytes. Spans of one sender have
three quarters of their attributes in common with an earlier span (operation, model, tenant, …).
A span with anything unusual (names of two dialects for one column, lists spread over attributes,
texts to be cut) is left to `fields.read_attributes`, which knows all rules; a test holds the two
against each other.
"""

from collections.abc import Callable, Collection
from struct import unpack_from
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tachograph.semconv import attributes as a
from tachograph_collector.translate.columns import (
    CONTENT_COLUMNS,
    LONG_ATTRIBUTES,
    PREFIXES,
    RENAMED,
    TYPED_COLUMNS,
)
from tachograph_collector.translate.fields import MAX_KEY_BYTES, SpanFields, bounded
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.values import Value, cut, python_value, text_of

_MAX_KEPT: Final = 8192
"""Attributes, and names, kept in each of two generations: a few MB at most."""
_MAX_KEPT_BYTES: Final = 128
"""Longer attributes do not come again."""


_MAP: Final = 0  # (_MAP, name in the map, text)
_COLUMN: Final = 1  # (_COLUMN, column, value)
_SETTLED: Final = 2  # the same of a column that `settle` looks at
_COUNTED: Final = 3  # (_COUNTED, "", value)
_UNUSUAL: Final = 4

_Read = tuple[int, str, Any]
_LEFT_ALONE: Final[_Read] = (_UNUSUAL, "", None)


class AttributeReader:
    """Remembers attributes; safe to share between threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._young: dict[bytes, _Read] = {}
        self._old: dict[bytes, _Read] = {}
        self._names: dict[bytes, Callable[[Value], _Read]] = {}

    def read(self, attributes: Collection[bytes]) -> SpanFields | None:
        """What the attributes say; None where `read_attributes` has to look at them."""
        if len(attributes) > self._limits.max_attributes:
            return None
        columns: dict[str, Any] = {}
        texts: dict[str, str] = {}
        kept = 0
        needs_settling = False
        counted: Value = None
        known = self._young
        for attribute in attributes:
            kind, name, value = known.get(attribute) or self._find(attribute)
            if kind == _MAP:
                texts[name] = value
                kept += 1
            elif kind == _UNUSUAL or name in columns:
                return None
            elif kind == _COUNTED:
                counted = value
            else:
                columns[name] = value
                if kind == _SETTLED:
                    needs_settling = True
        if kept != len(texts):  # a name came twice
            return None
        return SpanFields(columns, texts, [], counted, None, needs_settling)

    def _find(self, attribute: bytes) -> _Read:
        read = self._old.get(attribute)
        if read is None:
            read = self._read(attribute)
        if len(attribute) <= _MAX_KEPT_BYTES:
            if len(self._young) >= _MAX_KEPT:
                self._old, self._young = self._young, {}
            self._young[attribute] = read
        return read

    def _read(self, attribute: bytes) -> _Read:
        """As everybody writes a `KeyValue`: the name, then a value that ends it."""
        try:
            end = 2 + attribute[1]
            if attribute[0] == 0x0A and end < 0x82 and attribute[end] == 0x12:
                size = attribute[end + 1]
                begin = end + 2
                if size > 0x7F:
                    size, begin = _varint(attribute, end + 1)
                if begin + size == len(attribute):
                    value = _plain_value(attribute, begin)
                    if value is not None:
                        become = self._names.get(attribute[2:end])
                        if become is None:
                            become = self._remember(attribute[2:end])
                        return become(value)
        except IndexError:
            pass  # an empty value, or parts of an unusual size
        message = KeyValue.FromString(attribute)
        return self._become(message.key)(python_value(message.value))

    def _remember(self, name: bytes) -> Callable[[Value], _Read]:
        become = self._become(name.decode())
        if len(self._names) >= _MAX_KEPT:
            self._names = {}
        self._names[name] = become
        return become

    def _become(self, name: str) -> Callable[[Value], _Read]:
        """What becomes of values under a name."""
        if name == a.COUNTED:
            return lambda value: (_COUNTED, "", value)
        is_prefixed = name.startswith(PREFIXES)
        if name in _SPECIAL or name in RENAMED or is_prefixed and name not in CONTENT_COLUMNS:
            return _unusual
        if name in TYPED_COLUMNS:
            return _unusual if name in CONTENT_COLUMNS else self._typed(name)
        if name in CONTENT_COLUMNS:
            return self._content(name)
        return self._plain(name)

    def _typed(self, name: str) -> Callable[[Value], _Read]:
        column = TYPED_COLUMNS[name]
        is_plain = not (column.keep or column.follows or column.also or column.members)
        if not is_plain or column.name.startswith("_"):
            return _unusual
        kind = _SETTLED if column.settles else _COLUMN
        convert, target = column.convert, column.name

        def become(value: Value) -> _Read:
            converted = convert(value)
            if converted is None:
                return _LEFT_ALONE
            if isinstance(converted, int | float):
                return kind, target, converted
            within, was_cut = bounded(converted)
            return _LEFT_ALONE if was_cut else (kind, target, within)

        return become

    def _content(self, name: str) -> Callable[[Value], _Read]:
        _, content = CONTENT_COLUMNS[name]
        convert, target, max_bytes = content.convert, content.column, self._limits.max_content_bytes

        def become(value: Value) -> _Read:
            text = convert(value)
            was_cut = cut(text, max_bytes)[1]
            return _LEFT_ALONE if was_cut else (_COLUMN, target, text)

        return become

    def _plain(self, name: str) -> Callable[[Value], _Read]:
        if cut(name, MAX_KEY_BYTES)[1]:
            return _unusual
        is_long = name in LONG_ATTRIBUTES
        limits = self._limits
        max_bytes = limits.max_content_bytes if is_long else limits.max_attribute_bytes

        def become(value: Value) -> _Read:
            text, was_cut = cut(text_of(value), max_bytes)
            return _LEFT_ALONE if was_cut else (_MAP, name, text)

        return become


_SPECIAL: Final = frozenset({a.TRUNCATED, a.USAGE_COST_CURRENCY})


def _unusual(value: Value) -> _Read:
    return _LEFT_ALONE


def _plain_value(attribute: bytes, begin: int) -> str | bool | int | float | None:
    """A string, flag, small number or float that fills the rest of the bytes; None for others."""
    tag = attribute[begin]
    if tag == 0x0A:
        size = attribute[begin + 1]
        first = begin + 2
        if size > 0x7F:
            size, first = _varint(attribute, begin + 1)
        return attribute[first:].decode() if first + size == len(attribute) else None
    if tag == 0x18 or tag == 0x10:
        number, behind = _varint(attribute, begin + 1)
        if behind == len(attribute) and behind - begin < 9:  # larger ones may be negative
            return bool(number) if tag == 0x10 else number
    if tag == 0x21 and begin + 9 == len(attribute):
        return float(unpack_from("<d", attribute, begin + 1)[0])
    return None


def _varint(content: bytes, begin: int) -> tuple[int, int]:
    """A number and the offset behind it."""
    byte = content[begin]
    if byte < 0x80:
        return byte, begin + 1
    number, shift = byte & 0x7F, 7
    while True:
        begin += 1
        byte = content[begin]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, begin + 1
        shift += 7
