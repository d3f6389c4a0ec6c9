"""Compressed bodies: taken apart in bounded steps."""

import gzip
import tracemalloc
import zlib
from importlib import import_module

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.embedded.compression import BodyDecoder, response_encoder
from tachograph_store.embedded.exceptions import EngineException

COMPRESS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": import_module("lz4.frame").compress,
    "": bytes,
}


@pytest.mark.parametrize("encoding", COMPRESS)
@given(data=st.binary(max_size=2000), step=st.integers(1, 700))
def test_round_trip_in_any_chunks(encoding: str, data: bytes, step: int) -> None:
    packed = COMPRESS[encoding](data)
    decoder = BodyDecoder(encoding, 10_000)
    plain = b"".join(
        piece
        for start in range(0, len(packed), step)
        for piece in decoder.feed(packed[start : start + step])
    )
    assert plain == data


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4"])
def test_a_bomb_stops_at_the_limit(encoding: str) -> None:
    bomb = COMPRESS[encoding](bytes(200_000_000))
    decoder = BodyDecoder(encoding, 5_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(EngineException) as caught:
            for piece in decoder.feed(bomb):
                del piece
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == 307
    assert peak < 20_000_000


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "lz4"])
def test_garbage_is_refused(encoding: str) -> None:
    with pytest.raises(EngineException) as caught:
        list(BodyDecoder(encoding, 1000).feed(b"this is nothing compressed at all"))
    assert caught.value.code == 36


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(EngineException, match="Content-Encoding"):
        BodyDecoder("br", 1000)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("zstd, gzip", "zstd"), ("gzip;q=1", "gzip"), ("br", None), ("", None)],
)
def test_the_answer_takes_what_both_have(accepted: str, expected: str | None) -> None:
    found = response_encoder(accepted)
    assert (found[0] if found else None) == expected
