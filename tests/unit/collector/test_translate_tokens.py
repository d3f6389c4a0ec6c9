"""The same call gives the same typed columns in every dialect; no token is counted twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fixtures.dialects import WRITERS, Call

from tachograph_store.rows import SpanRow

TranslateScoped = Callable[..., SpanRow]
COLUMNS = (
    "operation", "is_counted", "observer", "request_model", "response_model", "user", "session",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens",
)  # fmt: skip
COUNTS = st.integers(0, 100_000)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Any call whose parts are parts."""
    cached, written, fresh = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    reasoning, visible = draw(COUNTS), draw(COUNTS)
    return Call(cached + written + fresh, cached, written, reasoning + visible, reasoning)


def _facts(row: SpanRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


@given(call=calls(), dialect=st.sampled_from(sorted(WRITERS)))
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_call_is_the_same_in_every_dialect(
    translate_scoped: TranslateScoped, call: Call, dialect: str
) -> None:
    scope, write = WRITERS[dialect]
    row = translate_scoped(scope, write(call))
    assert _facts(row) == {
        "operation": "chat",
        "is_counted": True,
        "observer": "client",
        "request_model": call.request_model,
        "response_model": call.response_model,
        "user": call.user,
        "session": call.session,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cache_read_tokens": call.cache_read_tokens,
        "cache_write_tokens": call.cache_write_tokens,
        "reasoning_tokens": call.reasoning_tokens,
    }


@pytest.mark.parametrize("dialect", sorted(WRITERS))
def test_parts_are_never_more_than_the_whole(
    translate_scoped: TranslateScoped, dialect: str
) -> None:
    call = Call(11, 4, 0, 5, 2)
    scope, write = WRITERS[dialect]
    attributes = {key: value for key, value in write(call).items() if "total" not in key}
    row = translate_scoped(scope, attributes)
    assert row.input_tokens is not None and row.output_tokens is not None
    assert (row.cache_read_tokens or 0) + (row.cache_write_tokens or 0) <= row.input_tokens
    assert (row.reasoning_tokens or 0) <= row.output_tokens


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 3}, (3, None, None, None)),
        ({"prompt_tokens": 3, "total_tokens": 3}, (3, None, None, None)),
        ({"input": 7, "cached_tokens": 4, "output": 5}, (11, 5, 4, None)),
        ({"input": 1, "input_audio_tokens": 6, "output_audio": 2}, (7, 2, None, None)),
        ({"input_tokens": 11, "input_tokens_details": {"cached_tokens": 4}}, (11, None, 4, None)),
        ({"output": 3, "output_reasoning_tokens": 2}, (None, 5, None, 2)),
        ({"note": "none"}, (None, None, None, None)),
    ],
)
def test_usage_details_of_langfuse(
    translate_scoped: TranslateScoped,
    usage: dict[str, object],
    expected: tuple[int | None, ...],
) -> None:
    attribute = "langfuse.observation.usage_details"
    row = translate_scoped("langfuse-sdk", {attribute: json.dumps(usage)})
    counts = (row.input_tokens, row.output_tokens, row.cache_read_tokens, row.reasoning_tokens)
    assert counts == expected
    assert json.loads(row.attributes[attribute]) == usage  # what no column says is still there


def test_more_cached_tokens_than_input_were_counted_apart(
    translate_scoped: TranslateScoped,
) -> None:
    row = translate_scoped(
        "anything",
        {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.cache_read.input_tokens": 100},
    )
    assert (row.input_tokens, row.cache_read_tokens) == (103, 100)


def test_a_total_says_that_cached_tokens_were_counted_apart(
    translate_scoped: TranslateScoped,
) -> None:
    call = replace(Call(11, 4, 0, 5, 0), provider="anthropic")
    attributes = WRITERS["openllmetry"][1](call)
    attributes["gen_ai.usage.prompt_tokens"] = call.fresh_tokens
    row = translate_scoped("opentelemetry.instrumentation.anthropic", attributes)
    assert (row.input_tokens, row.output_tokens) == (11, 5)


def test_without_input_tokens_cached_ones_stay_as_they_are(
    translate_scoped: TranslateScoped,
) -> None:
    row = translate_scoped("x", {"gen_ai.usage.cache_read.input_tokens": 4})
    assert (row.input_tokens, row.cache_read_tokens) == (None, 4)


def test_engine_spans_of_vllm_are_no_second_request(translate_scoped: TranslateScoped) -> None:
    row = translate_scoped(
        "vllm.llm_engine",
        {
            "gen_ai.request.id": "chatcmpl-abc-1",
            "gen_ai.response.model": "m",
            "gen_ai.usage.prompt_tokens": 11,
            "gen_ai.usage.completion_tokens": 5,
            "gen_ai.request.n": 2,
            "gen_ai.latency.time_in_queue": 0.5,
            "gen_ai.latency.time_to_first_token": 2.0,
            "gen_ai.latency.time_in_model_prefill": 1.25,
            "gen_ai.latency.time_in_model_decode": 3.0,
            "gen_ai.latency.e2e": 5.0,
        },
        kind=Span.SPAN_KIND_SERVER,
        name="llm_request",
    )
    assert (row.observer, row.provider, row.is_counted) == ("engine", "vllm", False)
    assert row.request_id == "abc-1"
    assert (row.queue_s, row.prefill_s, row.decode_s) == (0.5, 1.25, 3.0)
    assert row.time_to_first_chunk_s == 2.0  # from arrival
    assert row.engine_time_to_first_token_s == 1.25  # from scheduling
    assert (row.input_tokens, row.output_tokens) == (11, 5)
    assert row.attributes == {
        "gen_ai.request.id": "chatcmpl-abc-1",
        "gen_ai.request.choice.count": "2",
        "gen_ai.latency.time_in_model_prefill": "1.25",
        "gen_ai.latency.e2e": "5.0",
    }


def test_an_engine_that_took_the_names_over_is_told_apart(
    translate_scoped: TranslateScoped,
) -> None:
    """SGLang's prefill includes the queue, and it says nothing of the queue."""
    row = translate_scoped(
        "sglang server",
        {
            "rid": "8f3a",
            "module": "sglang::request",
            "gen_ai.request.id": "8f3a",
            "gen_ai.usage.prompt_tokens": 11,
            "gen_ai.usage.completion_tokens": 5,
            "gen_ai.latency.time_to_first_token": 2.0,
            "gen_ai.latency.time_in_model_prefill": 1.75,
            "gen_ai.latency.time_in_model_decode": 3.0,
        },
        name=" Req 8f3a",
    )
    assert (row.observer, row.provider, row.is_counted) == ("engine", "sglang", False)
    assert (row.request_id, row.input_tokens, row.output_tokens) == ("8f3a", 11, 5)
    assert (row.time_to_first_chunk_s, row.decode_s) == (2.0, 3.0)
    assert (row.queue_s, row.prefill_s, row.engine_time_to_first_token_s) == (None, None, None)
    assert row.attributes["gen_ai.latency.time_in_model_prefill"] == "1.75"


def test_an_engine_that_says_its_name_is_believed(translate_scoped: TranslateScoped) -> None:
    row = translate_scoped(
        "own engine", {"gen_ai.provider.name": "own", "gen_ai.latency.time_in_queue": 0.5}
    )
    assert (row.observer, row.provider, row.queue_s) == ("engine", "own", 0.5)


@pytest.mark.parametrize(
    ("written", "request_id"),
    [
        ("cmpl-7f-0", "7f"),
        ("cmpl-7f-12", "7f"),
        ("chatcmpl-7f-12", "7f-12"),
        ("embd-x-0", "x"),
        ("own id", "own id"),
    ],
)
def test_the_request_id_inside_that_of_vllm(
    translate_scoped: TranslateScoped, written: str, request_id: str
) -> None:
    assert translate_scoped("vllm", {"gen_ai.request.id": written}).request_id == request_id
