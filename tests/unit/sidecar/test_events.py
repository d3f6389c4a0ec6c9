"""Streams cut anywhere give the same events."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.observe.events import (
    MAX_EVENT_BYTES,
    EventParser,
    JsonLines,
    ServerSentEvents,
)

_values = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)
_events = st.lists(st.lists(_values, min_size=1, max_size=3), max_size=5)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


def _feed(parser: EventParser, pieces: list[bytes]) -> list[bytes]:
    found = [event for piece in pieces for event in parser.feed(piece)]
    return found + parser.finish()


@given(_events, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 10_000)))
def test_any_line_end_and_any_cut(events: list[list[str]], end: str, places: list[int]) -> None:
    text = "".join(
        "".join(f"data: {line}{end}" for line in event) + f": comment{end}id: 1{end}{end}"
        for event in events
    )
    found = _feed(ServerSentEvents(), _cut(text.encode(), places))
    assert found == ["\n".join(event).encode() for event in events]


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data:x\n\n", [b"x"]),
        (b"data:  x\n\n", [b" x"]),
        (b"data\n\n", [b""]),
        (b"\xef\xbb\xbfdata: x\n\n", [b"x"]),
        (b"event: e\n\ndata: x\n\n", [b"x"]),
        (b"datax: y\n\n", []),
        (b"data: cut off", []),
        (b"data: cut off\n", []),
    ],
)
def test_the_standards_corners(stream: bytes, events: list[bytes]) -> None:
    assert _feed(ServerSentEvents(), [stream]) == events


def test_an_endless_event_is_dropped_and_the_next_is_read() -> None:
    parser = ServerSentEvents()
    for _ in range(3 * MAX_EVENT_BYTES // 65536):
        assert parser.feed(b"x" * 65536) == []
    assert parser.feed(b"\n\ndata: y\n\n") == [b"y"]


@given(st.lists(_values.filter(lambda text: text.strip() != "")), st.lists(st.integers(0, 10_000)))
def test_json_lines(lines: list[str], places: list[int]) -> None:
    data = "\n".join(lines).encode()
    found = _feed(JsonLines(), _cut(data, places))
    assert found == [line.encode().strip() for line in lines if line.encode().strip()]
