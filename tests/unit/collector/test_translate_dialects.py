"""Each dialect's names find their columns, and what has no column keeps its words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tachograph_collector.translate.dialects import DIALECTS, langfuse, openinference, openllmetry
from tachograph_store.rows import SpanRow

TranslateOne = Callable[..., SpanRow]


def test_no_dialect_lists_an_attribute_twice() -> None:
    for dialect in DIALECTS:
        names = [line.attribute for line in dialect.typed]
        assert len(names) == len(set(names)), dialect.name


@pytest.mark.parametrize(
    ("attribute", "values", "counted"),
    [
        ("openinference.span.kind", openinference.SPAN_KINDS, {"LLM", "EMBEDDING"}),
        ("traceloop.span.kind", openllmetry.SPAN_KINDS, set()),
        ("llm.request.type", openllmetry.REQUEST_TYPES, {"chat", "completion", "embedding"}),
        ("langfuse.observation.type", langfuse.OBSERVATION_TYPES, {"generation", "embedding"}),
    ],
)
def test_only_leaf_model_calls_of_a_dialect_count(
    translate_one: TranslateOne, attribute: str, values: dict[str, str], counted: set[str]
) -> None:
    for kind, operation in values.items():
        row = translate_one({attribute: kind})
        assert (row.operation, row.is_counted) == (operation, kind in counted)
        assert row.attributes == {attribute: kind}
    row = translate_one({attribute: "something else"})
    assert (row.operation, row.is_counted) == (None, False)
    assert row.attributes == {attribute: "something else"}


def test_openinference_messages_documents_and_parameters(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "openinference.span.kind": "LLM",
            "llm.provider": "aws",
            "llm.system": "anthropic",
            "llm.invocation_parameters": '{"model": "m", "temperature": 0.5, "stream": true}',
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": "what is this?",
            "llm.input_messages.0.message.contents.1.message_content.type": "image",
            "llm.input_messages.0.message.contents.1.message_content.image.image.url": "http://i",
            "llm.input_messages.1.message.role": "tool",
            "llm.input_messages.1.message.tool_call_id": "call_1",
            "llm.input_messages.1.message.content": "rain",
            "llm.output_messages.0.message.role": "assistant",
            "llm.output_messages.0.message.tool_calls.0.tool_call.id": "call_2",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "weather",
            "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"c":"B"}',
            "llm.finish_reason": "tool_calls",
            "llm.cost.total": 0.002,
            "agent.name": "meteorologist",
        }
    )
    assert (row.provider, row.request_model, row.is_streaming) == ("aws.bedrock", "m", True)
    assert (list(row.finish_reasons), row.reported_cost) == (["tool_calls"], Decimal("0.002"))
    assert json.loads(row.prompt or "") == [
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "what is this?"},
                {"type": "uri", "modality": "image", "uri": "http://i"},
            ],
        },
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": "call_1", "response": "rain"}],
        },
    ]
    call = {"type": "tool_call", "id": "call_2", "name": "weather", "arguments": {"c": "B"}}
    assert json.loads(row.completion or "") == [{"role": "assistant", "parts": [call]}]
    assert row.attributes == {
        "openinference.span.kind": "LLM",
        "llm.system": "anthropic",
        "llm.invocation_parameters": '{"model": "m", "temperature": 0.5, "stream": true}',
        "gen_ai.request.temperature": "0.5",
        "gen_ai.agent.name": "meteorologist",
    }


def test_retrieved_documents_of_openinference_become_context(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "salt?",
            "retrieval.documents.1.document.content": "Rivers are not.",
            "retrieval.documents.0.document.content": "The sea is salt.",
            "retrieval.documents.0.document.score": 0.75,
        }
    )
    assert row.context == "The sea is salt.\n\nRivers are not."
    assert (row.operation, row.prompt) == ("retrieval", "salt?")
    assert row.attributes["retrieval.documents.0.document.score"] == "0.75"
    assert "retrieval.documents.0.document.content" not in row.attributes


def test_embedded_texts_of_openinference_become_the_prompt(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "openinference.span.kind": "EMBEDDING",
            "embedding.embeddings.0.embedding.text": "The sky.",
            "embedding.embeddings.0.embedding.vector": [0.25],
            "embedding.model_name": "e",
        }
    )
    part = {"type": "text", "content": "The sky."}
    assert json.loads(row.prompt or "") == [{"role": "user", "parts": [part]}]
    assert row.response_model == "e"
    assert row.attributes["embedding.embeddings.0.embedding.vector"] == "[0.25]"


def test_messages_of_openllmetry_keep_their_tool_calls(translate_one: TranslateOne) -> None:
    row = translate_one(
        {
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": '[{"type": "text", "text": "hi"}]',
            "gen_ai.completion.0.role": "assistant",
            "gen_ai.completion.0.tool_calls.0.id": "c",
            "gen_ai.completion.0.tool_calls.0.name": "f",
            "gen_ai.completion.0.tool_calls.0.arguments": "no JSON",
            "gen_ai.completion.0.content_filter_results": "{}",
            "gen_ai.is_streaming": True,
            "gen_ai.request.max_completion_tokens": 9,
        }
    )
    assert json.loads(row.prompt or "")[0]["parts"] == [{"type": "text", "content": "hi"}]
    assert json.loads(row.completion or "") == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": "no JSON"}],
            "content_filter_results": "{}",
        }
    ]
    assert row.is_streaming is True
    assert row.attributes == {"gen_ai.request.max_tokens": "9"}


def test_a_name_is_not_changed_to_one_that_is_there(translate_one: TranslateOne) -> None:
    both = {"gen_ai.request.max_completion_tokens": 9, "gen_ai.request.max_tokens": 8}
    assert translate_one(both).attributes == {key: str(value) for key, value in both.items()}


@pytest.mark.parametrize(("is_streaming", "first_chunk"), [(True, 0.25), (False, None)])
def test_openlit_times_a_first_chunk_only_where_there_were_chunks(
    translate_one: TranslateOne, is_streaming: bool, first_chunk: float | None
) -> None:
    attributes = {
        "gen_ai.request.stream": is_streaming,
        "gen_ai.server.time_to_first_token": 0.25,
        "gen_ai.server.time_per_output_token": 0,
        "gen_ai.usage.cost": 7.75e-05,
        "gen_ai.request.user": "",
    }
    row = translate_one(attributes)
    assert row.time_to_first_chunk_s == first_chunk
    assert row.time_per_output_chunk_s is None
    assert row.reported_cost == Decimal("0.000077500")
    assert row.user is None
    assert row.attributes["gen_ai.server.time_to_first_token"] == "0.25"


def test_a_generation_of_langfuse(translate_one: TranslateOne) -> None:
    messages = [{"role": "user", "content": "sky?"}]
    row = translate_one(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "m-1",
            "langfuse.observation.model.parameters": '{"max_tokens": "Infinity", "top_p": 1}',
            "langfuse.observation.input": json.dumps({"tools": [], "messages": messages}),
            "langfuse.observation.output": '{"role": "assistant", "content": "blue"}',
            "langfuse.observation.completion_start_time": '"2020-01-01T00:00:00.250000Z"',
            "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5}',
            "langfuse.observation.metadata.finish_reason": '"stop"',
            "langfuse.observation.level": "ERROR",
            "langfuse.observation.status_message": "no luck",
            "langfuse.user.id": "ada",
        }
    )
    assert (row.response_model, row.user, row.reported_cost) == ("m-1", "ada", Decimal("0.75"))
    assert (row.status_code, row.status_message) == ("ERROR", "no luck")
    assert list(row.finish_reasons) == ["stop"]
    assert row.is_streaming is True
    assert row.time_to_first_chunk_s is None  # that moment lies outside the span
    assert json.loads(row.prompt or "")[0]["parts"][0]["content"] == "sky?"
    assert json.loads(row.completion or "")[0]["parts"][0]["content"] == "blue"
    assert row.attributes["gen_ai.request.top_p"] == "1"
    assert "gen_ai.request.max_tokens" not in row.attributes


def test_plain_inputs_stay_plain(translate_one: TranslateOne) -> None:
    for text in ("sky?", "{no JSON", '{"city":"Bern"}', "[1,2]", '"quoted"'):
        assert translate_one({"langfuse.observation.input": text}).prompt == text


def test_the_first_chunk_of_langfuse(translate_one: TranslateOne, now: int) -> None:
    start = now - 1_000_000_000  # of the spans that tests make
    written = datetime.fromtimestamp(start // 10**9 + 1, UTC).isoformat()
    attribute = "langfuse.observation.completion_start_time"
    row = translate_one({attribute: json.dumps(written)})
    assert row.time_to_first_chunk_s == pytest.approx(1 - start % 10**9 / 1e9)
    assert row.is_streaming is True


def test_an_error_type_written_as_a_class(translate_one: TranslateOne) -> None:
    row = translate_one({"error.type": "<class 'openai.RateLimitError'>"})
    assert row.error_type == "openai.RateLimitError"


def test_an_exception_event_names_the_error(
    translate_one: TranslateOne, make_span: Callable[..., Span], now: int
) -> None:
    source = make_span({"exception.type": "openai.RateLimitError"})
    event = Span.Event(name="exception", time_unix_nano=now, attributes=source.attributes)
    failed = translate_one(events=[event], status=Status(code=Status.STATUS_CODE_ERROR))
    assert failed.error_type == "openai.RateLimitError"
    assert translate_one(events=[event]).error_type is None
    assert failed.event_attributes[0] == {"exception.type": "openai.RateLimitError"}
