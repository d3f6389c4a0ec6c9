"""The Responses API through the real client: whole, streamed, parsed, asynchronous, with tools."""

import asyncio
import json
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import FunctionToolParam

import tachograph
from tachograph.testing import ReceivedSpan, Receiver

from .conftest import only_span
from .openai_server import OpenAIServer

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}


class Answer(pydantic.BaseModel):
    colour: str


def output(span: ReceivedSpan) -> Any:
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    return message


def test_a_response(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    answer = client.responses.create(
        model="m", instructions="Be brief.", input="Why is it blue?", max_output_tokens=9
    )
    assert answer.output_text == "The sky is blue."
    span = only_span(tachograph_receiver)
    facts = dict(span.attributes)
    assert span.name == "chat m"
    assert [m["role"] for m in json.loads(facts["gen_ai.input.messages"])] == ["system", "user"]
    assert output(span) == {
        "role": "assistant",
        "parts": [
            {"type": "reasoning", "content": "Light scatters."},
            {"type": "text", "content": "The sky is blue."},
        ],
        "finish_reason": "stop",
    }
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stream": False,
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "m-0613",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
    }
    assert {name: facts.get(name) for name in expected} == expected


def test_what_was_cut_short_says_so(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    client.responses.create(model="m", input="?", max_output_tokens=1)
    span = only_span(tachograph_receiver)
    assert span.attributes["gen_ai.response.finish_reasons"] == ["length"]


def test_tools_asked_for_called_and_answered(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    engine.tool_call = True
    first = client.responses.create(model="m", input="Weather?", tools=[WEATHER])
    called = [item.model_dump() for item in first.output]
    result = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
    engine.tool_call = False
    client.responses.create(
        model="m",
        input=[{"role": "user", "content": "Weather?"}, *called, result],  # type: ignore[list-item]
    )
    assert tachograph.flush(10)
    asked, told = tachograph_receiver.spans
    assert json.loads(asked.attributes["gen_ai.tool.definitions"])[0]["name"] == "weather"
    assert asked.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]
    call = {
        "type": "tool_call",
        "id": "call_1",
        "name": "weather",
        "arguments": '{"city":"Bern"}',
    }
    assert output(asked)["parts"] == [call]
    messages = json.loads(told.attributes["gen_ai.input.messages"])
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[1]["parts"] == [call]
    assert messages[2]["parts"] == [
        {"type": "tool_call_response", "id": "call_1", "response": "rain"}
    ]


@pytest.mark.parametrize("way", ["create", "stream"])
def test_a_streamed_response(
    tachograph_receiver: Receiver, client: openai.OpenAI, way: str
) -> None:
    if way == "create":
        streamed = client.responses.create(model="m", input="?", stream=True)
        assert isinstance(streamed, openai.Stream)
        events = list(streamed)
        assert events[-1].type == "response.completed"
    else:
        with client.responses.stream(model="m", input="?") as stream:
            assert stream.get_final_response().output_text == "The sky is blue."
    span = only_span(tachograph_receiver)
    assert output(span)["parts"][-1] == {"type": "text", "content": "The sky is blue."}
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["tachograph.stream.chunk_count"] == 5
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert span.attributes["gen_ai.usage.input_tokens"] == 11


def test_a_streamed_tool_call(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    engine.tool_call = True
    list(client.responses.create(model="m", input="?", stream=True))
    span = only_span(tachograph_receiver)
    assert output(span)["parts"][0]["arguments"] == '{"city":"Bern"}'
    assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


def test_a_stream_that_was_left_keeps_what_had_come(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    stream = client.responses.create(model="m", input="?", stream=True)
    for event in stream:
        if event.type == "response.output_text.delta":
            break
    stream.close()
    span = only_span(tachograph_receiver)
    assert output(span)["parts"] == [{"type": "text", "content": "The"}]
    assert span.attributes["tachograph.client.disconnected"] is True
    assert span.attributes["gen_ai.response.id"] == "resp_1"
    assert "gen_ai.usage.input_tokens" not in span.attributes


def test_structured_output(
    tachograph_receiver: Receiver, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    from . import openai_server as module

    monkeypatch.setattr(module, "WORDS", ['{"colour":', '"blue"}'])
    parsed = client.responses.parse(model="m", input="?", text_format=Answer)
    assert parsed.output_parsed == Answer(colour="blue")
    chat = client.chat.completions.parse(
        model="m", messages=[{"role": "user", "content": "?"}], response_format=Answer
    )
    assert chat.choices[0].message.parsed == Answer(colour="blue")
    assert tachograph.flush(10)
    for span in tachograph_receiver.spans:
        assert span.attributes["gen_ai.output.type"] == "json"
        assert output(span)["parts"][-1] == {"type": "text", "content": '{"colour":"blue"}'}


def test_the_asynchronous_client(tachograph_receiver: Receiver, engine: OpenAIServer) -> None:
    async def use() -> None:
        async with openai.AsyncOpenAI(base_url=engine.url, api_key="k") as bare:
            client = tachograph.wrap(bare)
            whole = await client.responses.create(model="whole", input="?")
            assert whole.output_text == "The sky is blue."
            parts = await client.responses.create(model="streamed", input="?", stream=True)
            assert [event.type async for event in parts][-1] == "response.completed"
            async with client.responses.stream(model="managed", input="?") as stream:
                assert (await stream.get_final_response()).output_text == "The sky is blue."

    asyncio.run(use())
    assert tachograph.flush(10)
    assert [span.name for span in tachograph_receiver.spans] == [
        "chat whole",
        "chat streamed",
        "chat managed",
    ]
    for span in tachograph_receiver.spans:
        assert output(span)["parts"][-1]["content"] == "The sky is blue."
        assert span.attributes["gen_ai.usage.output_tokens"] == 5


def test_raw_responses_stay_raw(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response.create(model="m", input="?")
    assert raw.parse().output_text == "The sky is blue."
    with client.responses.with_streaming_response.create(model="m", input="?") as lazy:
        assert lazy.parse().output_text == "The sky is blue."
    assert tachograph.flush(10)
    first, second = tachograph_receiver.spans
    assert first.attributes["gen_ai.usage.input_tokens"] == 11
    assert second.attributes["gen_ai.request.model"] == "m"


@pytest.mark.parametrize("fails_first", [2, 9])
def test_retries_are_counted(
    tachograph_receiver: Receiver, engine: OpenAIServer, fails_first: int
) -> None:
    engine.fails_first = fails_first
    with openai.OpenAI(base_url=engine.url, api_key="k", max_retries=2) as made:
        client = tachograph.wrap(made)
        for call in (
            lambda: client.responses.create(model="m", input="?"),
            lambda: client.embeddings.create(model="m", input="?"),
        ):
            if fails_first == 9:
                with pytest.raises(openai.InternalServerError):
                    call()
            else:
                call()
    assert tachograph.flush(10)
    first, second = tachograph_receiver.spans
    assert first.attributes["http.request.resend_count"] == 2
    assert second.attributes.get("http.request.resend_count") == (2 if fails_first == 9 else None)
