"""As much of Thrift's compact protocol as it takes to find a number in a Parquet footer."""

from collections.abc import Iterator
from typing import Final

_STOP: Final = 0
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE = 1, 2, 3, 4, 5, 6, 7
_BINARY, _LIST, _SET, _MAP, _STRUCT = 8, 9, 10, 11, 12
_MAX_DEPTH: Final = 32


def struct_number(data: bytes, wanted: int) -> int:
    """The integer field `wanted` of the struct in `data`. Raises `ValueError` when it has none."""
    reader = _Reader(data)
    try:
        for field, kind in reader.fields():
            if field == wanted and kind in (_I16, _I32, _I64):
                return reader.integer()
            reader.skip(kind, 0)
    except IndexError:
        raise ValueError("the footer breaks off") from None
    raise ValueError(f"the footer has no field {wanted}")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def integer(self) -> int:
        """A zigzag varint."""
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def fields(self) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct; the caller reads or skips its value."""
        number = 0
        while (head := self._byte()) & 0x0F != _STOP:
            delta = head >> 4
            number = number + delta if delta else self.integer()
            yield number, head & 0x0F

    def skip(self, kind: int, depth: int) -> None:
        """Go past a value. Raises `ValueError` for what is no type."""
        if depth > _MAX_DEPTH:
            raise ValueError("the footer is nested too deep")
        if kind in (_TRUE, _FALSE):
            return  # a field's boolean stands in its head
        if kind == _BYTE:
            self._at += 1
        elif kind in (_I16, _I32, _I64):
            self._varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            length = self._varint()
            self._at += length
        elif kind in (_LIST, _SET):
            head = self._byte()
            size = head >> 4 if head >> 4 != 15 else self._varint()
            for _ in range(size):
                self._skip_element(head & 0x0F, depth)
        elif kind == _MAP:
            size = self._varint()
            kinds = self._byte() if size else 0
            for _ in range(size):
                self._skip_element(kinds >> 4, depth)
                self._skip_element(kinds & 0x0F, depth)
        elif kind == _STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        else:
            raise ValueError(f"the footer has a value of unknown type {kind}")

    def _skip_element(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            self._at += 1
        else:
            self.skip(kind, depth + 1)
