"""Records: the rows of one request on their way to the store, framed and summed.

A record is a header, its meta (JSON: whose the rows are and how they count) and its payload (JSON:
the rows). Header and meta have one CRC-32, the payload another: when only rows are damaged, the
books still learn whose they were. The first byte of a header occurs in no UTF-8 text, so that a
search for the next header never hits captured text.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"\xff\xfeTJ"
FORMAT: Final = 1
_HEADER = struct.Struct(
    "<4sBxxxIIIQQI"
)  # … rows, meta and payload bytes, number, time, payload CRC
_CRC = struct.Struct("<I")
HEADER_BYTES: Final = _HEADER.size + _CRC.size
_WINDOW_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """What one request left, or (`rows` 0) only its counts."""

    number: int
    """Of the record in its journal: 1, 2, 3, …; a gap is a loss."""
    time_ns: int
    """When it was written, by this machine's clock; for people and ages, never for order."""
    rows: int
    meta: bytes
    payload: bytes

    def packed(self) -> bytes:
        """The bytes as they stand in a segment."""
        return b"".join(self.pieces())

    def pieces(self) -> tuple[bytes, bytes]:
        """The same, the payload apart: it is long, and need not be copied to be written."""
        head = _HEADER.pack(
            MAGIC,
            FORMAT,
            self.rows,
            len(self.meta),
            len(self.payload),
            self.number,
            self.time_ns,
            zlib.crc32(self.payload),
        )
        crc = _CRC.pack(zlib.crc32(self.meta, zlib.crc32(head)))
        return b"".join((head, crc, self.meta)), self.payload

    @property
    def size_bytes(self) -> int:
        """Bytes of it in a segment."""
        return HEADER_BYTES + len(self.meta) + len(self.payload)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that are no sound record."""

    start: int
    stop: int
    is_torn: bool
    """It reaches to the end of the segment: what a crash in the middle of writing leaves."""
    head: Record | None = None
    """The record without its payload, where header and meta are sound."""


def read_records(descriptor: int, start: int, end: int) -> Iterator[tuple[Record | Damage, int]]:
    """What lies between two offsets of an open segment, each with the offset behind it."""
    offset = start
    while offset < end:
        found = _read(descriptor, offset, end)
        if isinstance(found, Record):
            offset += found.size_bytes
        else:
            offset = found.stop
        yield found, offset


def _read(descriptor: int, offset: int, end: int) -> Record | Damage:
    head = _read_head(descriptor, offset, end)
    if head is None:
        following = _next_header(descriptor, offset + 1, end)
        return Damage(offset, following or end, is_torn=following is None)
    record, payload_bytes, crc = head
    begin = offset + record.size_bytes
    stop = begin + payload_bytes
    if stop > end:  # the header is sound, so nothing sound can follow
        return Damage(offset, end, is_torn=True, head=record)
    payload = os.pread(descriptor, payload_bytes, begin)
    if zlib.crc32(payload) != crc:
        return Damage(offset, stop, is_torn=False, head=record)
    return Record(record.number, record.time_ns, record.rows, record.meta, payload)


def _read_head(descriptor: int, offset: int, end: int) -> tuple[Record, int, int] | None:
    if offset + HEADER_BYTES > end:
        return None
    data = os.pread(descriptor, HEADER_BYTES, offset)
    head, crc = data[: _HEADER.size], _CRC.unpack(data[_HEADER.size :])[0]
    magic, version, rows, meta_bytes, payload_bytes, number, time_ns, payload_crc = _HEADER.unpack(
        head
    )
    if magic != MAGIC or version != FORMAT or offset + HEADER_BYTES + meta_bytes > end:
        return None
    meta = os.pread(descriptor, meta_bytes, offset + HEADER_BYTES)
    if zlib.crc32(meta, zlib.crc32(head)) != crc:
        return None
    return Record(number, time_ns, rows, meta, b""), payload_bytes, payload_crc


def _next_header(descriptor: int, offset: int, end: int) -> int | None:
    """Where the next sound header stands."""
    while offset < end:
        window = os.pread(descriptor, min(_WINDOW_BYTES, end - offset), offset)
        found = window.find(MAGIC)
        while found >= 0:
            if _read_head(descriptor, offset + found, end) is not None:
                return offset + found
            found = window.find(MAGIC, found + 1)
        offset += max(1, len(window) - len(MAGIC) + 1)
    return None
