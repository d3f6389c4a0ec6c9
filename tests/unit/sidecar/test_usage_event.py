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


_VLLM_START = (
    b'data: {"id":"chatcmpl-x","object":"chat.completion.chunk","created":1,"model":"tiny",'
)
_VLLM_LAST = (
    _VLLM_START + b'"choices":[{"index":0,"delta":{"content":" e"},"logprobs":null,'
    b'"finish_reason":"length","stop_reason":null,"token_ids":null}]'
)
_VLLM_FINGERPRINT = b'"system_fingerprint":"vllm-0.32.0-32ef49ed"'
_VLLM_USAGE = (
    _VLLM_START + b'"choices":[],"usage":{"prompt_tokens":6,"total_tokens":12,'
    b'"completion_tokens":6},' + _VLLM_FINGERPRINT + b"}\n\n"
)
_VLLM_OTHER = (
    _VLLM_START + b'"choices":[{"index":0,"delta":{"content":" \\"finish_reason\\":\\"x"},'
    b'"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n'
)
_DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_fingerprint_stands_where_vllm_writes_it_without_usage(size: int) -> None:
    unasked = _VLLM_OTHER + _VLLM_LAST + b"," + _VLLM_FINGERPRINT + b"}\n\n" + _DONE
    asked = _VLLM_OTHER + _VLLM_LAST + b"}\n\n" + _VLLM_USAGE + _DONE
    usage_filter = UsageFilter()
    parts = [usage_filter.feed(asked[at : at + size]) for at in range(0, len(asked), size)]
    assert b"".join(parts) + usage_filter.finish() == unasked
    assert usage_filter.withheld == 1


def test_only_the_end_of_the_choice_waits() -> None:
    usage_filter = UsageFilter()
    assert usage_filter.feed(_VLLM_OTHER) == _VLLM_OTHER
    assert usage_filter.feed(_VLLM_LAST + b"}\n\n") == b""
    assert usage_filter.feed(_DONE) == _VLLM_LAST + b"}\n\n" + _DONE


def test_an_end_without_usage_passes_when_the_stream_ends() -> None:
    usage_filter = UsageFilter()
    assert usage_filter.feed(_VLLM_LAST + b"}\n\n") == b""
    assert usage_filter.finish() == _VLLM_LAST + b"}\n\n"


@pytest.mark.parametrize(
    "body", [b'{"stream": true, "n": 2}', b'{"stream": true, "prompt": ["a", "b"]}']
)
def test_requests_for_several_choices_are_not_changed(body: bytes) -> None:
    assert ask_for_usage(body) is None
