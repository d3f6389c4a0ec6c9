"""Protobuf's wire format, as far as OTLP needs it.

Written by hand because spans are encoded beside the application, in the same interpreter: building
message objects first costs several times as much of its time. Tests compare every message with
what the protobuf library makes of it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_BYTES: Final = tuple(bytes((number,)) for number in range(128))
_KEYS: dict[str, bytes] = {}
_MAX_KEYS: Final = 1024
"""Encoded attribute names that are kept; the conventions have about a hundred."""

_TRUE: Final = b"\x10\x01"
_FALSE: Final = b"\x10\x00"
_LENGTH_DELIMITED: Final = 2
_VARINT: Final = 0
_FIXED64: Final = 1
_FIXED32: Final = 5


def varint(number: int) -> bytes:
    """An unsigned number in seven bits a byte."""
    if number < 128:
        return _BYTES[number]
    if number < 16384:
        return bytes((number & 127 | 128, number >> 7))
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def framed(tag: bytes, content: bytes) -> bytes:
    """A length-delimited field: text, bytes or a message."""
    return tag + varint(len(content)) + content


def text_bytes(text: str) -> bytes:
    """UTF-8; lone surrogates, which have no such form, become question marks."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def attribute(tag: bytes, name: str, value: object) -> bytes:
    """One attribute (`KeyValue`) as field `tag` of the message that it belongs to."""
    key = _KEYS.get(name)
    if key is None:
        key = framed(b"\x0a", text_bytes(name)) + b"\x12"
        if len(_KEYS) < _MAX_KEYS:
            _KEYS[name] = key
    content = any_value(value)
    pair = key + varint(len(content)) + content
    return tag + varint(len(pair)) + pair


def attributes(tag: bytes, pairs: Mapping[str, object]) -> bytes:
    """Several attributes; None is left out: what is unavailable is absent."""
    return b"".join(
        [attribute(tag, name, value) for name, value in pairs.items() if value is not None]
    )


def any_value(value: object) -> bytes:
    """The content of an `AnyValue`. Raises TypeError for what OTLP has no form for."""
    if isinstance(value, str):
        content = text_bytes(value)
        return b"\x0a" + varint(len(content)) + content
    if isinstance(value, bool):  # before int: bool is one
        return _TRUE if value else _FALSE
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            return any_value(f"{value:#x}")  # decimal digits are limited by the interpreter
        return b"\x18" + varint(value & 0xFFFF_FFFF_FFFF_FFFF)
    if isinstance(value, float):
        return b"\x21" + struct.pack("<d", value)
    if isinstance(value, bytes):
        return framed(b"\x3a", value)
    if isinstance(value, Mapping):
        return framed(b"\x32", attributes(b"\x0a", value))
    if isinstance(value, Sequence):
        return framed(b"\x2a", b"".join([framed(b"\x0a", any_value(item)) for item in value]))
    if value is None:
        return b""
    raise TypeError(f"attribute of type {type(value).__name__}: use str, bool, int, float or lists")


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of an encoded message. Raises ValueError where it is none."""
    at = 0
    try:
        while at < len(message):
            key, at = _read_varint(message, at)
            kind = key & 7
            value: int | bytes
            if kind == _VARINT:
                value, at = _read_varint(message, at)
            elif kind in (_LENGTH_DELIMITED, _FIXED64, _FIXED32):
                size = {_FIXED64: 8, _FIXED32: 4}.get(kind)
                if size is None:
                    size, at = _read_varint(message, at)
                value, at = message[at : at + size], at + size
                if at > len(message):
                    raise ValueError("message ends inside a field")
            else:
                raise ValueError(f"wire type {kind} is not known")
            yield key >> 3, value
    except IndexError:
        raise ValueError("message ends inside a number") from None


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
    raise ValueError("number is longer than ten bytes")
