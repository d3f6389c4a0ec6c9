"""Facts of answers in the shapes that engines really use."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.observe.answer import Answer
from tachograph_sidecar.observe.bounded import BoundedCopy, Budget

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "delta",
                    "message",
                    "content",
                    "text",
                    "usage",
                    "prompt_tokens",
                    "timings",
                    "prompt_n",
                    "model",
                    "id",
                    "error",
                    "type",
                    "tool_calls",
                    "function",
                    "arguments",
                    "index",
                    "finish_reason",
                    "prompt_tokens_details",
                    "total_duration",
                    "eval_count",
                    "done_reason",
                    "response",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def _answer() -> Answer:
    return Answer(keeps_text=True, text_limit=1000)


@given(st.lists(_json, max_size=4))
def test_no_shape_of_json_breaks_it(chunks: list[object]) -> None:
    answer = _answer()
    for chunk in chunks:
        answer.add_chunk(json.dumps(chunk).encode())
    answer.messages()
    assert answer.input_tokens is None or answer.input_tokens >= 0


def test_ollamas_native_chat() -> None:
    answer = _answer()
    assert answer.add_chunk(b'{"model":"q","message":{"role":"assistant","content":"He"}}')
    assert answer.add_chunk(b'{"model":"q","message":{"role":"assistant","content":"y"}}')
    assert not answer.add_chunk(
        b'{"model":"q","message":{"role":"assistant","content":""},"done":true,'
        b'"done_reason":"stop","total_duration":3000000000,"load_duration":500000000,'
        b'"prompt_eval_count":11,"prompt_eval_duration":250000000,"eval_count":2,'
        b'"eval_duration":2000000000}'
    )
    assert (answer.input_tokens, answer.output_tokens) == (11, 2)
    assert answer.finish_reasons == ["stop"]
    assert (answer.engine.queue_s, answer.engine.prefill_s, answer.engine.decode_s) == (
        0.5,
        0.25,
        2.0,
    )
    assert answer.messages()[0]["parts"] == [{"type": "text", "content": "Hey"}]


def test_llama_cpp_counts_cached_tokens_as_part_of_the_input() -> None:
    answer = _answer()
    answer.add_chunk(
        b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"timings":{"cache_n":31,'
        b'"prompt_n":1,"prompt_ms":250.0,"predicted_n":4,"predicted_ms":500.0}}'
    )
    assert (answer.input_tokens, answer.cache_read_tokens, answer.output_tokens) == (32, 31, 4)
    assert answer.engine.time_to_first_token_s == 0.25


def test_tool_calls_come_in_pieces() -> None:
    answer = _answer()
    for call in (
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"x"'}},
        {"index": 0, "function": {"arguments": ": 1}"}},
        {"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}},
    ):
        chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
        assert answer.add_chunk(json.dumps(chunk).encode())
    parts = answer.messages()[0]["parts"]
    assert [(p["id"], p["name"], p["arguments"]) for p in parts] == [
        ("a", "f", '{"x": 1}'),
        ("b", "g", "{}"),
    ]


def test_usage_is_found_at_the_end_of_an_answer_too_long_to_keep() -> None:
    body = BoundedCopy(1000, Budget(10_000))
    body.add(b'{"data": [' + b"0.1," * 100_000 + b'0.1], "usage": {"prompt_tokens": 5, ')
    body.add(b'"total_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}}}')
    answer = _answer()
    answer.add_body(body)
    assert body.is_cut
    assert (answer.input_tokens, answer.cache_read_tokens, answer.output_tokens) == (5, 2, None)


def test_text_beyond_the_limit_is_cut_and_said() -> None:
    answer = Answer(keeps_text=True, text_limit=3)
    answer.add_chunk(b'{"choices":[{"index":0,"delta":{"content":"abcdef"}}]}')
    assert answer.is_text_cut
    assert answer.messages()[0]["parts"] == [{"type": "text", "content": "abc"}]


def test_copies_together_stay_within_the_budget() -> None:
    budget = Budget(100)
    first, second = BoundedCopy(80, budget), BoundedCopy(80, budget)
    first.add(b"a" * 80)
    second.add(b"b" * 80)
    assert first.head == b"a" * 80 and not first.is_cut
    assert second.is_cut and second.head == b"" and second.tail == b"b" * 80
    first.clear()
    second.clear()
    assert budget.used == 0
