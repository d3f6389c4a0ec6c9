"""Values of attributes taken from their bytes, as everybody writes a `KeyValue`: the name, the value.

What is written in another way than everybody's (parts in another order or twice, lengths in more
bytes than they need) is answered with None, and left to protobuf.
"""

from math import inf
from struct import Struct
from typing import Final

_DOUBLE_AT: Final = Struct("<d").unpack_from
_NAME: Final = 0x0A
_VALUE: Final = 0x12
_STRING: Final = 0x0A
_FLAG: Final = 0x10
_INTEGER: Final = 0x18
_DOUBLE: Final = 0x21
_MAX_NAME_BYTES: Final = 0x7F  # of which the length is one byte


def head_of(name: str) -> bytes | None:
    """How the bytes of every attribute of this name begin; None for names of unusual length.

    Bytes that begin so are that attribute's: `attribute[: attribute[1] + 3]` is equal to its head
    and to no other's.
    """
    encoded = name.encode()
    if len(encoded) > _MAX_NAME_BYTES:
        return None
    return bytes((_NAME, len(encoded))) + encoded + bytes((_VALUE,))


def plain_value(attribute: bytes, begin: int) -> str | bool | int | float | None:
    """A string, flag, number of 0 or more, or float; None for others.

    `begin` is where the length of the value stands. Raises `IndexError` or `UnicodeDecodeError`.
    """
    size, first = _varint(attribute, begin)
    if first + size != len(attribute):
        return None
    tag = attribute[first]
    if tag == _STRING:
        return text_value(attribute, begin)
    if tag in (_INTEGER, _FLAG):
        number, behind = _varint(attribute, first + 1)
        if behind == len(attribute) and size < 10:  # larger ones may be negative
            return bool(number) if tag == _FLAG else number
    if tag == _DOUBLE and size == 9:
        return float(_DOUBLE_AT(attribute, first + 1)[0])
    return None


def text_value(attribute: bytes, begin: int) -> str | None:
    """A string; None for everything else. Raises as `plain_value`."""
    size = len(attribute) - begin  # of the value with its length
    if size <= 0x80:
        is_text = (
            size > 2
            and attribute[begin] == size - 1
            and attribute[begin + 1] == _STRING
            and attribute[begin + 2] == size - 3
        )
        return attribute[begin + 3 :].decode() if is_text else None
    value_bytes, first = _varint(attribute, begin)
    if first + value_bytes != len(attribute) or attribute[first] != _STRING:
        return None
    text_bytes, first = _varint(attribute, first + 1)
    return attribute[first:].decode() if first + text_bytes == len(attribute) else None


def quantity_value(attribute: bytes, begin: int) -> float | None:
    """A finite double of 0 or more; None for everything else."""
    if len(attribute) == begin + 10 and attribute[begin] == 9 and attribute[begin + 1] == _DOUBLE:
        number: float = _DOUBLE_AT(attribute, begin + 2)[0]
        if 0 <= number < inf:
            return number
    return None


def _varint(content: bytes, begin: int) -> tuple[int, int]:
    """A number and the offset behind it."""
    byte = content[begin]
    if byte < 0x80:
        return byte, begin + 1
    second = content[begin + 1]
    if second < 0x80:
        return byte & 0x7F | second << 7, begin + 2
    number, shift = byte & 0x7F | (second & 0x7F) << 7, 14
    begin += 1
    while True:
        begin += 1
        byte = content[begin]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, begin + 1
        shift += 7
