"""Attributes of usual spans, read at the speed of a dictionary.

What becomes of an attribute depends on its bytes alone, as long as no other attribute of the span
wants the same place: so it is worked out once and kept under these bytes. Spans of one sender have
three quarters of their attributes in common with an earlier span (operation, model, tenant, …).
A span with anything unusual (names of two dialects for one column, lists spread over attributes,
texts to be cut) is left to `fields.read_attributes`, which knows all rules; a test holds the two
against each other.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tachograph.semconv import attributes as a
from tachograph_collector.translate.columns import (
    CONTENT_COLUMNS,
    LONG_ATTRIBUTES,
    MAX_TYPED_TEXT_BYTES,
    PREFIXES,
    RENAMED,
    TYPED_COLUMNS,
    Column,
)
from tachograph_collector.translate.fields import MAX_KEY_BYTES, SpanFields, bounded
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.values import (
    MAX_CHUNK_COUNT,
    MAX_COUNT,
    Value,
    as_chunk_count,
    as_count,
    as_identifier,
    as_quantity,
    as_text,
    cut,
    python_value,
    text_of,
)
from tachograph_collector.translate.wire_values import (
    head_of,
    plain_value,
    quantity_value,
    text_value,
)

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
_Direct = Callable[[bytes], _Read | None]
"""Reads an attribute of a certain name; None where its value is not of the usual kind."""


MEASUREMENT: Final = 0  # a finite number of 0 or more
CONTENT: Final = 1  # a text
NAME: Final = 2  # a text that is not empty
WHOLE_NUMBER: Final = 3


class DirectLine(NamedTuple):
    """How attributes of one name are read that are not remembered."""

    shape: int
    kind: int
    column: str
    limit: int
    """Bytes of a text, or the largest number."""
    convert: Callable[[Value], str] | None
    """Of a text, what is made of it where it does not stay as it is."""


_LEFT_ALONE: Final[_Read] = (_UNUSUAL, "", None)


class AttributeReader:
    """Remembers attributes; safe to share between threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._young: dict[bytes, _Read] = {}
        self._old: dict[bytes, _Read] = {}
        self._names: dict[bytes, Callable[[Value], _Read]] = {}
        self._direct = {
            head: self._direct_reader(len(head), line) for head, line in self.direct_lines()
        }

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
        try:
            direct = self._direct.get(attribute[: attribute[1] + 3])
        except IndexError:
            return self._kept(attribute)
        return (direct and direct(attribute)) or self._kept(attribute)

    def _kept(self, attribute: bytes) -> _Read:
        read = self._old.get(attribute)
        if read is None:
            read = self.by_rules(attribute)
        if len(attribute) <= _MAX_KEPT_BYTES:
            if len(self._young) >= _MAX_KEPT:
                self._old, self._young = self._young, {}
            self._young[attribute] = read
        return read

    def by_rules(self, attribute: bytes) -> _Read:
        """What becomes of one attribute: a kind, a column or name in the map, a value."""
        try:
            begin = attribute[1] + 3
            become = self._names.get(attribute[:begin])
            if become is not None:
                value = plain_value(attribute, begin)
                if value is not None:
                    return become(value)
        except IndexError:
            pass  # an empty value, or parts of an unusual size
        message = KeyValue.FromString(attribute)
        become = self._become(message.key)
        head = head_of(message.key)
        if head is not None and attribute.startswith(head):
            self._remember(head, become)
        return become(python_value(message.value))

    def _remember(self, head: bytes, become: Callable[[Value], _Read]) -> None:
        if len(self._names) >= _MAX_KEPT:
            self._names = {}
        self._names[head] = become

    def direct_lines(self) -> Iterator[tuple[bytes, DirectLine]]:
        """By how their attributes begin, what seldom comes twice: measurements, texts.

        To keep these would only drive out what does come again.
        """
        for name, column in TYPED_COLUMNS.items():
            head = head_of(name)
            if head is not None and column.convert is as_quantity and _fills_one(name, column):
                yield head, DirectLine(MEASUREMENT, _kind_of(column), column.name, 0, None)
        for name, (_, content) in CONTENT_COLUMNS.items():
            head = head_of(name)
            is_usual = name not in RENAMED and name not in TYPED_COLUMNS and name not in _SPECIAL
            if head is not None and is_usual:
                convert = None if content.convert is text_of else content.convert
                limit = self._limits.max_content_bytes
                yield head, DirectLine(CONTENT, _COLUMN, content.column, limit, convert)

    def name_lines(self) -> Iterator[tuple[bytes, DirectLine]]:
        """The same of names and counts that are mostly new: remembered here all the same, because
        in Python that is no slower."""
        for name, column in TYPED_COLUMNS.items():
            head, shape = head_of(name), _SHAPES.get(column.convert)
            if (
                head is not None
                and shape
                and column.name in _MOSTLY_NEW
                and _fills_one(name, column)
            ):
                yield head, DirectLine(shape[0], _kind_of(column), column.name, shape[1], None)

    def _direct_reader(self, begin: int, line: DirectLine) -> _Direct:
        if line.shape == MEASUREMENT:
            return _measurement_reader(begin, line.kind, line.column)
        max_bytes, target, convert = line.limit, line.column, line.convert

        def read(attribute: bytes) -> _Read | None:
            text = text_value(attribute, begin)
            if text is None:
                return None
            if convert is not None:
                text = convert(text)
            return _LEFT_ALONE if cut(text, max_bytes)[1] else (_COLUMN, target, text)

        return read

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
        if not _fills_one(name, column):
            return _unusual
        kind, convert, target = _kind_of(column), column.convert, column.name

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


_MOSTLY_NEW: Final = frozenset(
    {
        "request_id", "response_id", "session", "user", "input_tokens", "output_tokens",
        "cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "chunk_count",
    }
)  # fmt: skip
_SHAPES: Final[Mapping[Callable[[Value], object], tuple[int, int]]] = {
    as_text: (NAME, MAX_TYPED_TEXT_BYTES),
    as_identifier: (NAME, MAX_TYPED_TEXT_BYTES),
    as_count: (WHOLE_NUMBER, MAX_COUNT),
    as_chunk_count: (WHOLE_NUMBER, MAX_CHUNK_COUNT),
}
_SPECIAL: Final = frozenset({a.TRUNCATED, a.USAGE_COST_CURRENCY})


def _unusual(value: Value) -> _Read:
    return _LEFT_ALONE


def _fills_one(name: str, column: Column) -> bool:
    """Whether the attribute fills this column, and does nothing else."""
    does_more = column.keep or column.follows or column.also or column.members
    is_own = not does_more and not column.name.startswith("_")
    return is_own and not (name in _SPECIAL or name in RENAMED or name in CONTENT_COLUMNS)


def _kind_of(column: Column) -> int:
    return _SETTLED if column.settles else _COLUMN


def _measurement_reader(begin: int, kind: int, target: str) -> _Direct:
    def read(attribute: bytes) -> _Read | None:
        number = quantity_value(attribute, begin)
        return None if number is None else (kind, target, number)

    return read
