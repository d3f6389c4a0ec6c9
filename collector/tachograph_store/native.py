"""Columns of Python values to ClickHouse's Native format, and the blocks of an INSERT.

clickhouse-connect packs a span's 72 columns in 12 to 15 µs, this in about 5: a column of NULLs or
empty lists, as most are, costs a comparison, strings are joined without a loop in Python, and a
value that all rows share is packed once. The format is that of `NativeWriter` in ClickHouse: a
block is the number of its columns and rows, then each column with its name, type and values.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from itertools import accumulate, chain, count, groupby
from typing import TYPE_CHECKING, Any, Final

from tachograph_store.compiled import is_wanted

if TYPE_CHECKING:
    from tachograph_store._compiled_native import CompiledPack

Pack = Callable[[Sequence[Any]], bytes]
"""Values of a column as bytes. Raises `TypeError`, `ValueError`, `OverflowError` or
`AttributeError` for one that the type does not hold."""

PACKING_ERRORS: Final = (TypeError, ValueError, OverflowError, AttributeError, ArithmeticError)

_DICTIONARY_VERSION: Final = (1).to_bytes(8, "little")
_HAS_ADDITIONAL_KEYS: Final = 1 << 9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_MICROSECOND: Final = timedelta(microseconds=1)


def leb128(number: int) -> bytes:
    """The length of a string, or a count, as Native has it."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


class _Lengths(dict[int, bytes]):
    """Length -> its bytes; short lengths are made once."""

    def __missing__(self, length: int) -> bytes:
        return leb128(length)


_LENGTHS: Final = _Lengths({length: leb128(length) for length in range(4096)})
_length_of: Final = _LENGTHS.__getitem__


def block_head(columns: int, rows: int) -> bytes:
    """What stands before the columns of a block."""
    return leb128(columns) + leb128(rows)


def column_head(name: str, type_name: str) -> bytes:
    """What stands before the values of a column."""
    return _strings((name, type_name))


def column(name: str, type_name: str, values: Sequence[Any]) -> bytes:
    """One whole column. Raises `PACKING_ERRORS`."""
    prefix, pack = packer(type_name)
    head = column_head(name, type_name) + prefix
    compiled = _compiled().get(type_name)
    return head + pack(values) if compiled is None else compiled(values, head)


@lru_cache(256)
def packer(type_name: str) -> tuple[bytes, Pack]:
    """What stands before all values of a type, and how they are packed.

    Raises `KeyError` or `ValueError` for a type that is not known here.
    """
    prefix, pack = packer_in_python(type_name)
    return prefix, _compiled().get(type_name, pack)


def packer_in_python(type_name: str) -> tuple[bytes, Pack]:
    """The same, but for what a type consists of, without what was compiled."""
    outer, inner = _parts(type_name)
    if outer == "Array":
        return _array(inner)
    if outer == "Map":
        return _map(inner)
    if outer == "LowCardinality":
        return _DICTIONARY_VERSION, _dictionary(inner)
    if outer == "Nullable":
        return b"", _nullable(inner)
    return b"", _PLAIN[type_name][0]


def is_compiled() -> bool:
    """Whether the dear types are packed by compiled code."""
    return bool(_compiled())


@cache
def _compiled() -> "Mapping[str, CompiledPack]":
    """By type, what was compiled (`_compiled_native.pyx`); nothing where it was not, or is not wanted."""
    if not is_wanted():
        return {}
    try:
        from tachograph_store._compiled_native import PACKERS
    except ImportError:
        return {}
    return PACKERS


@lru_cache(256)
def is_known(type_name: str) -> bool:
    """Whether values of this type can be packed here."""
    try:
        packer(type_name)
    except (KeyError, ValueError):
        return False
    return True


def _parts(type_name: str) -> tuple[str, str]:
    outer, bracket, inner = type_name.partition("(")
    return outer, inner[:-1] if bracket else ""


def _strings(values: Iterable[str]) -> bytes:
    encoded = [*map(str.encode, values)]
    lengths = map(_length_of, map(len, encoded))
    return b"".join(chain.from_iterable(zip(lengths, encoded, strict=True)))


def _numbers(code: str) -> Pack:
    return lambda values: array(code, values).tobytes()


def _flags(values: Sequence[bool]) -> bytes:
    return bytes([1 if value else 0 for value in values])


def _money(values: Sequence[Decimal]) -> bytes:
    return array("q", [int(value.scaleb(9)) for value in values]).tobytes()


@lru_cache(4096)
def _day(day: date) -> int:
    return day.toordinal() - _EPOCH_DAY


@lru_cache(64)
def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moments(values: Sequence[datetime]) -> bytes:
    return array("q", map(_microseconds, values)).tobytes()


def _days(values: Sequence[date]) -> bytes:
    return array("H", map(_day, values)).tobytes()


_PLAIN: Final[Mapping[str, tuple[Pack, Any, int]]] = {
    "String": (_strings, "", 1),
    "Bool": (_flags, False, 1),
    "UInt8": (_numbers("B"), 0, 1),
    "UInt32": (_numbers("I"), 0, 4),
    "UInt64": (_numbers("Q"), 0, 8),
    "Float64": (_numbers("d"), 0.0, 8),
    "Decimal(18, 9)": (_money, Decimal(0), 8),
    "Date": (_days, date(1970, 1, 1), 2),
    "DateTime64(9, 'UTC')": (_numbers("q"), 0, 8),
    "DateTime64(6, 'UTC')": (_moments, _EPOCH, 8),
}
"""Type -> its packing, the value that stands where there is none, and the bytes of that value."""


def _nullable(inner: str) -> Pack:
    pack, default, default_bytes = _PLAIN[inner]

    def pack_nullable(values: Sequence[Any]) -> bytes:
        nulls = values.count(None) if values[0] is None else -1
        if nulls == len(values):
            return b"\x01" * nulls + bytes(default_bytes * nulls)
        missing = [value is None for value in values]
        if True not in missing:
            return bytes(len(values)) + pack(values)
        return bytes(missing) + pack([default if value is None else value for value in values])

    return pack_nullable


def _dictionary(inner: str) -> Pack:
    """Distinct values and, of each row, the place of its value among them."""
    is_nullable = inner == "Nullable(String)"

    def pack_dictionary(values: Sequence[Any]) -> bytes:
        if not values:
            return b""  # of an array without elements
        distinct = dict.fromkeys(values)
        keys = list(distinct)
        if is_nullable:
            distinct.pop(None, None)
            keys = ["", *distinct]  # the first place is NULL's, an empty string has another
        width = 0 if len(keys) <= 256 else 1 if len(keys) <= 65536 else 2
        if len(keys) == 1:
            index = bytes(len(values))
        else:
            places = dict(zip(distinct, count(len(keys) - len(distinct)), strict=False))
            places[None] = 0
            index = array("BHI"[width], map(places.__getitem__, values)).tobytes()
        head = array("Q", (width | _HAS_ADDITIONAL_KEYS, len(keys)))
        return b"".join((head.tobytes(), _strings(keys), len(values).to_bytes(8, "little"), index))

    return pack_dictionary


def _array(inner: str) -> tuple[bytes, Pack]:
    prefix, pack = packer(inner)

    def pack_array(values: Sequence[Sequence[Any]]) -> bytes:
        if not any(map(len, values)):
            return bytes(8 * len(values))
        offsets = array("Q", accumulate(map(len, values))).tobytes()
        return offsets + pack(list(chain.from_iterable(values)))

    return prefix, pack_array


def _map(inner: str) -> tuple[bytes, Pack]:
    key_type, _, value_type = inner.partition(", ")
    key_prefix, pack_keys = packer(key_type)
    value_prefix, pack_values = packer(value_type)

    def pack_map(values: Sequence[Mapping[str, str]]) -> bytes:
        if not any(map(len, values)):
            return bytes(8 * len(values))
        keys: list[str] = []
        texts: list[str] = []
        packed: list[bytes] = []
        for _, run in groupby(values, id):
            mapping, *others = run
            keys.extend(mapping)
            texts.extend(mapping.values())
            if others:
                # Spans of a request share the mapping of their resource: packed once.
                packed.append(pack_values(texts))
                packed.append(pack_values(list(mapping.values())) * len(others))
                keys.extend(list(mapping) * len(others))
                texts = []
        packed.append(pack_values(texts))
        offsets = array("Q", accumulate(map(len, values))).tobytes()
        return b"".join((offsets, pack_keys(keys), *packed))

    return key_prefix + value_prefix, pack_map
