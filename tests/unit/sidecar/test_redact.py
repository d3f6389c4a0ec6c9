"""Filters of answers: nothing found gets through, in whatever pieces the body comes."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tachograph_detectors.redact import Redactor
from tachograph_sidecar.redact.answers import filter_for, is_encoded
from tachograph_sidecar.redact.body import BodyFilter, JsonFilter, TextFilter
from tachograph_sidecar.redact.events import EventFilter, LinesFilter

REDACTOR = Redactor.of(["pii", "secret"])
EMAIL, CARD = "ada.lovelace@example.org", "4111 1111 1111 1111"
SAID = f"Write to {EMAIL} or pay with {CARD}, thank you. " + "Goodbye and good luck. " * 20
CLEAN = REDACTOR.text(SAID)


def passed(body: bytes, one: BodyFilter, cuts: Sequence[int] = ()) -> bytes:
    places = [0, *sorted({cut % (len(body) + 1) for cut in cuts}), len(body)]
    out = [one.feed(body[a:b]) for a, b in itertools.pairwise(places)]
    return b"".join(out) + one.finish()


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def chat_event(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def sse(events: Sequence[Any], end: bytes = b"\n\n") -> bytes:
    lines = [b"data: " + json.dumps(event).encode() + end for event in events]
    return b"".join(lines) + b"data: [DONE]" + end


def events_of(body: bytes) -> list[Any]:
    frames = body.replace(b"\r\n", b"\n").split(b"\n\n")
    lines = [line for frame in frames for line in frame.split(b"\n")]
    return [
        json.loads(line[6:]) for line in lines if line[:6] == b"data: " and b"[DONE]" not in line
    ]


def content(events: Sequence[Any]) -> str:
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e["choices"])


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.lists(st.integers(0, 1_000_000), max_size=50),
    st.sampled_from([b"\n\n", b"\r\n\r\n"]),
)
def test_a_stream_split_anyhow_lets_nothing_through(size: int, cuts: list[int], end: bytes) -> None:
    sent = [chat_event({"content": piece}) for piece in pieces(SAID, size)]
    usage = {"id": "c-1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
    sent += [chat_event({}, "stop"), usage]
    body = passed(sse(sent, end), EventFilter(REDACTOR), cuts)
    received = events_of(body)
    assert content(received) == CLEAN
    assert len(received) == len(sent)
    assert received[-1] == usage
    assert [e["choices"][0]["finish_reason"] for e in received[:-1]] == [None] * (len(sent) - 2) + [
        "stop"
    ]
    assert body.endswith(b"data: [DONE]" + end)


def test_events_with_nothing_to_hide_keep_their_bytes() -> None:
    odd = b': ping\n\nevent: x\ndata: {"a" :  1}\nid: 7\n\ndata: [DONE]\n\n'
    assert passed(odd, EventFilter(REDACTOR), range(len(odd))) == odd


def test_a_stream_that_nothing_ends_still_says_everything() -> None:
    sent = [chat_event({"content": piece}) for piece in pieces(SAID, 9)]
    assert content(events_of(passed(sse(sent), EventFilter(REDACTOR)))) == CLEAN
    cut = sse(sent).removesuffix(b"data: [DONE]\n\n")
    assert content(events_of(passed(cut, EventFilter(REDACTOR)))) == CLEAN


def test_tool_arguments_stay_json_and_log_probabilities_go() -> None:
    arguments = json.dumps({"to": f"\n{EMAIL}", "why": "because " * 60})
    sent = [
        chat_event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        for piece in pieces(arguments, 3)
    ]
    sent[0]["choices"][0]["logprobs"] = {"content": [{"token": "ada"}]}
    sent.append(chat_event({}, "tool_calls"))
    received = events_of(passed(sse(sent), EventFilter(REDACTOR)))
    said = "".join(
        call["function"]["arguments"]
        for event in received
        for call in event["choices"][0]["delta"].get("tool_calls", ())
    )
    assert json.loads(said) == {"to": "\n<EMAIL>", "why": "because " * 60}
    assert received[0]["choices"][0]["logprobs"] is None


def test_responses_api_events() -> None:
    ids = {"item_id": "i", "output_index": 0, "content_index": 0}
    kind = "response.output_text"
    sent: list[Any] = [{"type": f"{kind}.delta", **ids, "delta": p} for p in pieces(SAID, 7)]
    sent.append({"type": f"{kind}.done", **ids, "text": SAID})
    output = [{"type": "message", "content": [{"type": "output_text", "text": SAID}]}]
    sent.append({"type": "response.completed", "response": {"id": "r", "output": output}})
    received = events_of(passed(sse(sent), EventFilter(REDACTOR)))
    assert "".join(e["delta"] for e in received if e["type"] == f"{kind}.delta") == CLEAN
    assert [e["text"] for e in received if e["type"] == f"{kind}.done"] == [CLEAN]
    assert received[-1]["response"]["output"][0]["content"][0]["text"] == CLEAN


def test_messages_api_events() -> None:
    kind = "content_block_delta"
    sent: list[Any] = [
        {"type": kind, "index": 1, "delta": {"type": "text_delta", "text": piece}}
        for piece in pieces(SAID, 7)
    ]
    sent += [{"type": "content_block_stop", "index": 1}, {"type": "message_stop"}]
    body = b"".join(
        b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in sent
    )
    clean = passed(body, EventFilter(REDACTOR), [50, 500])
    received = events_of(clean)
    assert "".join(e["delta"]["text"] for e in received if e["type"] == kind) == CLEAN
    assert [e["type"] for e in received][-2:] == ["content_block_stop", "message_stop"]
    names = [line[7:].decode() for line in clean.split(b"\n") if line[:7] == b"event: "]
    assert names == [e["type"] for e in received]


@given(st.integers(1, 30), st.lists(st.integers(0, 1_000_000), max_size=20))
@settings(max_examples=30, deadline=None)
def test_json_lines_of_ollama(size: int, cuts: list[int]) -> None:
    sent = [{"model": "m", "message": {"content": p}, "done": False} for p in pieces(SAID, size)]
    sent.append({"model": "m", "message": {"content": ""}, "done": True, "eval_count": 5})
    body = b"".join(json.dumps(line).encode() + b"\n" for line in sent)
    lines = [json.loads(line) for line in passed(body, LinesFilter(REDACTOR), cuts).splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == CLEAN
    assert (len(lines), lines[-1]["eval_count"]) == (len(sent), 5)


@pytest.mark.parametrize("escapes", [False, True])
def test_a_whole_answer(escapes: bool) -> None:
    answer = {
        "id": "415-555-2671",
        "choices": [{"message": {"content": f"\n{SAID} é"}, "finish_reason": "stop"}],
        "usage": {"total_tokens": 12},
    }
    body = json.dumps(answer, ensure_ascii=escapes).encode()
    body = body.replace(b"@", b"\\u0040") if escapes else body
    clean = json.loads(passed(body, JsonFilter(REDACTOR), [5, 80, 90]))
    answer["choices"][0]["message"]["content"] = f"\n{CLEAN} é"  # type: ignore[index]
    assert clean == answer


def test_a_whole_answer_without_findings_keeps_its_bytes() -> None:
    body = b'{"a" :  "b\\u00e9", "n": 1.0}'
    assert passed(body, JsonFilter(REDACTOR)) == body


def test_what_is_too_long_or_broken_is_redacted_as_text() -> None:
    body = json.dumps({"content": "x " * 500 + f"\n{EMAIL} "}).encode()
    for one in (JsonFilter(REDACTOR, max_bytes=100), JsonFilter(REDACTOR)):
        clean = passed(body[:-1] if one._max_bytes > 100 else body, one, range(0, 2000, 13))
        assert b"<EMAIL>" in clean and EMAIL.encode() not in clean
    assert json.loads(passed(body, JsonFilter(REDACTOR, max_bytes=100)))
    bytes_ = b"\xff\xfe " + EMAIL.encode() + b" \xc3"
    assert passed(bytes_, TextFilter(REDACTOR), range(40)) == b"\xff\xfe <EMAIL> \xc3"


def test_a_frame_that_never_ends_is_bounded() -> None:
    one = EventFilter(REDACTOR)
    out = one.feed(b'data: {"content": "')
    for _ in range(300):
        out += one.feed(b"word " * 2000)
        assert len(one._held) <= 1_100_000
    out += one.feed(f'{EMAIL} "}}\n\n'.encode()) + one.finish()
    assert EMAIL.encode() not in out and b"<EMAIL>" in out
    assert len(out) > 2_900_000


def test_the_head_decides() -> None:
    def kind(value: bytes) -> str | None:
        one = filter_for(REDACTOR, [(b"Content-Type", value)])
        return None if one is None else type(one).__name__

    assert kind(b"text/event-stream; charset=utf-8") == "EventFilter"
    assert kind(b"application/x-ndjson") == "LinesFilter"
    assert kind(b"application/json") == "JsonFilter"
    assert kind(b"text/plain") == "TextFilter"
    assert kind(b"audio/mpeg") is None
    assert is_encoded([(b"Content-Encoding", b"gzip")])
