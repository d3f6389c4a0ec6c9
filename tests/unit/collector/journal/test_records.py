"""Whatever is cut off or flipped in a segment: every untouched record is read, no other is."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tachograph_collector.journal.record import HEADER_BYTES, MAGIC, Damage, Record, read_records

_RECORDS = st.lists(
    st.tuples(
        st.text(max_size=40).map(str.encode),
        st.one_of(st.text(max_size=300).map(str.encode), st.just(MAGIC.hex().encode() * 9)),
    ),
    min_size=1,
    max_size=8,
)
_ANY = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _made(parts: list[tuple[bytes, bytes]]) -> list[Record]:
    return [Record(i, 7, i, meta, payload) for i, (meta, payload) in enumerate(parts, 1)]


def _read(path: Path, content: bytes) -> tuple[list[Record], list[Damage]]:
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = [found for found, _ in read_records(descriptor, 0, len(content))]
    finally:
        os.close(descriptor)
    records = [record for record in found if isinstance(record, Record)]
    return records, [damage for damage in found if isinstance(damage, Damage)]


@_ANY
@given(parts=_RECORDS)
def test_what_was_written_is_read(tmp_path: Path, parts: list[tuple[bytes, bytes]]) -> None:
    records = _made(parts)
    content = b"".join(record.packed() for record in records)
    assert len(content) == sum(record.size_bytes for record in records)
    assert _read(tmp_path / "s", content) == (records, [])


@_ANY
@given(parts=_RECORDS, data=st.data())
def test_a_torn_tail_takes_only_its_own_record(
    tmp_path: Path, parts: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    records = _made(parts)
    content = b"".join(record.packed() for record in records)
    cut = data.draw(st.integers(0, len(content) - 1))
    whole: list[Record] = []
    size = 0
    for record in records:
        size += record.size_bytes
        if size <= cut:
            whole.append(record)
    read, damages = _read(tmp_path / "s", content[:cut])
    assert read == whole
    rest = cut - sum(record.size_bytes for record in whole)
    assert [damage.is_torn for damage in damages] == ([True] if rest else [])


@_ANY
@given(parts=_RECORDS, data=st.data())
def test_a_flipped_bit_takes_only_its_own_record(
    tmp_path: Path, parts: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    records = _made(parts)
    content = bytearray(b"".join(record.packed() for record in records))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    start = 0
    hit = records[-1]
    for record in records:
        if start <= place < start + record.size_bytes:
            hit = record
            break
        start += record.size_bytes
    read, damages = _read(tmp_path / "s", bytes(content))
    assert read == [record for record in records if record is not hit]
    assert [(damage.start, damage.stop) for damage in damages] == [(start, start + hit.size_bytes)]
    if place >= start + HEADER_BYTES + len(hit.meta):  # only rows: the books learn whose
        assert damages[0].head is not None
        assert damages[0].head.meta == hit.meta


@pytest.mark.parametrize("junk", [b"", b"\0" * 5000, MAGIC * 50, os.urandom(3000)])
def test_junk_between_records_is_skipped(tmp_path: Path, junk: bytes) -> None:
    first, second = _made([(b"{}", b"one"), (b"{}", b"two")])
    content = first.packed() + junk + second.packed()
    read, damages = _read(tmp_path / "s", content)
    assert read == [first, second]
    assert sum(damage.stop - damage.start for damage in damages) == len(junk)
