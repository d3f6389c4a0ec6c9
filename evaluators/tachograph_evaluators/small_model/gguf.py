"""Reads the GGUF file of a small model: metadata, and tensors turned back into numbers.

Written here so that the default model needs neither the `gguf` nor the `accelerate` package; only
the formats that such a file holds are read (llama.cpp: docs/development, ggml-quants.c).
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_MAX_ITEMS: Final = 1_000_000  # of metadata, tensors or an array: a damaged length must not hang
_SCALARS: Final[Mapping[int, str]] = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q",
    12: "<d",
}  # fmt: skip
_STRING: Final = 8
_ARRAY: Final = 9

_F32: Final = 0
_F16: Final = 1
_Q4_0: Final = 2
_Q4_1: Final = 3
_Q8_0: Final = 8
# Elements and bytes of one block of a tensor type.
_BLOCKS: Final[Mapping[int, tuple[int, int]]] = {
    _F32: (1, 4), _F16: (1, 2), _Q4_0: (32, 18), _Q4_1: (32, 20), _Q8_0: (32, 34)
}  # fmt: skip


class GgufError(ValueError):
    """The file is damaged or holds a format that is not read here."""


@dataclass(frozen=True, slots=True)
class _Place:
    shape: tuple[int, ...]  # outermost first, as numpy counts
    kind: int
    offset: int


class GgufFile:
    """One open file; tensors are read on demand through a memory map."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._at = 0
        try:
            self._read_header()
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise GgufError(f"{path} is damaged; install its package again") from error

    def _read_header(self) -> None:
        if self._take(4) != _MAGIC:
            raise GgufError(f"{self.path} is not a GGUF file")
        version = self._number("<I")
        if version not in _VERSIONS:
            raise GgufError(f"{self.path}: GGUF version {version} is not read; give 2 or 3")
        tensors, entries = self._count(), self._count()
        self.metadata: dict[str, Any] = {}
        for _ in range(entries):
            key = self._string()
            self.metadata[key] = self._value(self._number("<I"))
        self._places = dict(self._place() for _ in range(tensors))
        alignment = int(self.metadata.get("general.alignment", 32))
        self._data = -(-self._at // alignment) * alignment

    def tensor(self, name: str) -> Floats:
        """One tensor as float32, rows first. `GgufError` names what is missing or unknown."""
        try:
            place = self._places[name]
        except KeyError:
            raise GgufError(f"{self.path} has no tensor {name!r}") from None
        if place.kind not in _BLOCKS:
            raise GgufError(
                f"{name!r} has tensor type {place.kind}; give a Q4_0, Q4_1, Q8_0, F16 or F32 file"
            )
        size, width = _BLOCKS[place.kind]
        blocks = int(np.prod(place.shape)) // size
        start = self._data + place.offset
        if start + blocks * width > len(self._bytes):
            raise GgufError(f"{self.path} ends early; install its package again")
        raw = np.frombuffer(self._bytes, np.uint8, blocks * width, start).reshape(blocks, width)
        return _numbers(place.kind, raw).reshape(place.shape)

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def _take(self, length: int) -> bytes:
        taken = self._bytes[self._at : self._at + length]
        if len(taken) != length:
            raise GgufError(f"{self.path} ends early; install its package again")
        self._at += length
        return taken

    def _number(self, code: str) -> Any:
        return struct.unpack(code, self._take(struct.calcsize(code)))[0]

    def _count(self) -> int:
        count = int(self._number("<Q"))
        if count > _MAX_ITEMS:
            raise GgufError(f"{self.path} claims {count} items; it is damaged")
        return count

    def _string(self) -> str:
        return self._take(self._count()).decode("utf-8")

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            inner = self._number("<I")
            count = self._count()
            if inner in _SCALARS:
                width = struct.calcsize(_SCALARS[inner])
                return np.frombuffer(self._take(count * width), _SCALARS[inner]).tolist()
            return [self._value(inner) for _ in range(count)]
        if kind not in _SCALARS:
            raise GgufError(f"{self.path}: metadata type {kind} is unknown")
        return self._number(_SCALARS[kind])

    def _place(self) -> tuple[str, _Place]:
        name = self._string()
        sizes = [int(self._number("<Q")) for _ in range(self._number("<I"))]
        kind, offset = int(self._number("<I")), int(self._number("<Q"))
        return name, _Place(tuple(reversed(sizes)), kind, offset)


def _half(raw: NDArray[np.uint8], column: int) -> Floats:
    return np.ascontiguousarray(raw[:, column : column + 2]).view(np.float16).astype(np.float32)


def _numbers(kind: int, raw: NDArray[np.uint8]) -> Floats:
    """Blocks of one type as float32."""
    if kind == _F32:
        return np.ascontiguousarray(raw).view(np.float32)
    if kind == _F16:
        return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)
    if kind == _Q8_0:
        return np.ascontiguousarray(raw[:, 2:]).view(np.int8).astype(np.float32) * _half(raw, 0)
    header = 4 if kind == _Q4_1 else 2
    nibbles = raw[:, header:]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32)
    if kind == _Q4_1:
        return values * _half(raw, 0) + _half(raw, 2)
    return (values - 8.0) * _half(raw, 0)
