"""Exactly one event is withheld, whatever the pieces the stream comes in."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.proxy.usage_event import MAX_HELD_BYTES, UsageFilter, ask_for_usage

USAGE = b'data: {"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
OTHERS = (
    b'data: {"choices":[{"delta":{"content":"\\"choices\\":[] \\"usage\\""}}],"usage":null}\n\n',
    b'data: {"choices":[],"prompt_filter_results":[]}\n\n',
    b'data: {"choices":[],"usage":null}\n\n',
    b": keep-alive\n\n",
    b"data: {broken\r\n\r\n",
    b"\n\n",
    b"data: [DONE]\n\n",
)


def _filtered(pieces: list[bytes]) -> tuple[bytes, int]:
    usage_filter = UsageFilter()
    passed = b"".join(usage_filter.feed(piece) for piece in pieces)
    return passed + usage_filter.finish(), usage_filter.withheld


@given(
    st.lists(st.sampled_from(OTHERS), max_size=6),
    st.lists(st.sampled_from(OTHERS), max_size=6),
    st.integers(0, 2),
    st.lists(st.integers(0, 2000), max_size=12),
)
def test_only_the_first_usage_event_goes(
    before: list[bytes], after: list[bytes], extra: int, places: list[int]
) -> None:
    # an empty event joins its neighbours' line ends: keep events apart
    before = [event for event in before if event.strip()]
    stream = b"".join(before) + USAGE + b"".join(after) + USAGE * extra
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    passed, withheld = _filtered(pieces)
    assert withheld == 1
    assert passed == b"".join(before) + b"".join(after) + USAGE * extra


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=8))
def test_garbage_passes_whole(stream: bytes, places: list[int]) -> None:
    edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert _filtered(pieces) == (stream, 0)


def test_a_long_event_is_not_held() -> None:
    usage_filter = UsageFilter()
    passed = usage_filter.feed(b"data: " + b"x" * (2 * MAX_HELD_BYTES))
    assert len(passed) > MAX_HELD_BYTES
    passed += usage_filter.feed(b"\n\n" + USAGE) + usage_filter.finish()
    assert passed == b"data: " + b"x" * (2 * MAX_HELD_BYTES) + b"\n\n"


@pytest.mark.parametrize(
    "body", [b'{"stream":true,"a":1.50}', b'\n {\t"a": "\\u00e9", "stream": true}']
)
def test_the_request_keeps_its_bytes_around_the_added_field(body: bytes) -> None:
    changed = ask_for_usage(body)
    assert changed is not None
    added = b'"stream_options":{"include_usage":true},'
    assert changed.replace(added, b"", 1) == body
    assert json.loads(changed)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b'{"stream": false}',
        b'{"stream": "true"}',
        b'{"stream": true, "stream_options": {}}',
        b'{"stream": true',
        b'"stream"',
        b"[" * 100_000,
        b'{"stream": true, "x": ' + b"[" * 100_000,
    ],
)
def test_other_requests_stay_as_they_are(body: bytes) -> None:
    assert ask_for_usage(body) is None
