"""The real `openai` client, wrapped, against a server that speaks its protocol."""

import json
import math
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

import tachograph
from tachograph.testing import ReceivedSpan, Receiver

from .openai_server import OpenAIServer

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "why is it blue?"}]


def received(receiver: Receiver, count: int) -> list[ReceivedSpan]:
    assert tachograph.flush(10)
    assert len(receiver.spans) == count
    return receiver.spans


def test_a_chat_completion(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    answer = client.chat.completions.create(
        model="m", messages=ASK, temperature=0.5, max_tokens=9, seed=3
    )
    assert answer.choices[0].message.content == "The sky is blue."
    assert answer.usage is not None
    (span,) = received(tachograph_receiver, 1)
    assert (span.name, span.kind, span.status_code) == ("chat m", 3, 0)
    facts = dict(span.attributes)
    assert facts.pop("tachograph.request.id") == engine.headers[0]["x-request-id"]
    assert json.loads(facts.pop("gen_ai.input.messages"))[0]["parts"][0]["content"] == (
        "why is it blue?"
    )
    assert json.loads(facts.pop("gen_ai.output.messages")) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "The sky is blue."}],
            "finish_reason": "stop",
        }
    ]
    assert facts == {
        "tachograph.observer": "client",
        "tachograph.content.capture": "full",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": False,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.seed": 3,
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "m-0613",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "server.address": "127.0.0.1",
        "server.port": int(engine.url.split(":")[2].split("/")[0]),
    }


def test_the_request_body_is_the_same_as_without_us(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    arguments: dict[str, Any] = {"model": "m", "messages": ASK, "top_p": 0.9}
    with openai.OpenAI(base_url=engine.url, api_key="sk-app") as bare:
        bare.chat.completions.create(**arguments)
        list(bare.chat.completions.create(**arguments, stream=True))
    client.chat.completions.create(**arguments)
    list(client.chat.completions.create(**arguments, stream=True))
    assert engine.requests[2:] == engine.requests[:2]


def test_requests_join_with_sidecar_and_engine(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    engine.response_headers = {"x-tachograph-counted-by": "proxy"}
    with tachograph.context(tenant="acme", user="ada", session="s", variant="b"):
        client.chat.completions.create(model="m", messages=ASK)
        list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    for span, headers in zip(received(tachograph_receiver, 2), engine.headers, strict=True):
        assert headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"
        assert headers["x-request-id"] == span.attributes["tachograph.request.id"]
        assert headers["x-tachograph-user"] == "ada"
        assert headers["x-tachograph-session"] == "s"
        assert headers["x-tachograph-variant"] == "b"
        assert headers["authorization"] == "Bearer sk-app"
        assert span.attributes["tachograph.counted"] is False


def test_headers_of_the_application_win(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    with tachograph.context(user="ada"):
        client.chat.completions.create(
            model="m",
            messages=ASK,
            extra_headers={"X-Request-Id": "mine", "X-Tachograph-User": "other", "X-Own": "1"},
        )
    assert engine.headers[0]["x-request-id"] == "mine"
    assert engine.headers[0]["x-tachograph-user"] == "other"
    assert engine.headers[0]["x-own"] == "1"
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["tachograph.request.id"] == "mine"


def test_tool_calls(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    engine.tool_call = True
    client.chat.completions.create(model="m", messages=ASK)
    list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    for span in received(tachograph_receiver, 2):
        (message,) = json.loads(span.attributes["gen_ai.output.messages"])
        (part,) = message["parts"]
        assert part == {
            "type": "tool_call",
            "id": "call_1",
            "name": "weather",
            "arguments": '{"city":"Bern"}',
        }
        assert span.attributes["gen_ai.response.finish_reasons"] == ["tool_calls"]


def test_text_completions_and_embeddings(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    assert (
        client.completions.create(model="m", prompt="The sky").choices[0].finish_reason == "length"
    )
    assert len(list(client.completions.create(model="m", prompt="The sky", stream=True))) == 6
    assert client.embeddings.create(model="e", input="x").data[0].embedding == [0.25, 0.5]
    whole, streamed, embedding = received(tachograph_receiver, 3)
    for span in (whole, streamed):
        assert span.name == "text_completion m"
        (message,) = json.loads(span.attributes["gen_ai.output.messages"])
        assert message["parts"] == [{"type": "text", "content": "The sky is blue."}]
    assert streamed.attributes["tachograph.stream.chunk_count"] == 5
    assert embedding.name == "embeddings e"
    assert embedding.attributes["gen_ai.usage.input_tokens"] == 3
    assert "gen_ai.usage.output_tokens" not in embedding.attributes


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_errors_are_the_clients_own(
    tachograph_receiver: Receiver,
    client: openai.OpenAI,
    engine: OpenAIServer,
    status: int,
    error: type[openai.APIStatusError],
) -> None:
    engine.status = status
    engine.response_headers = {"x-tachograph-counted-by": "proxy"}
    with pytest.raises(error) as caught:
        client.chat.completions.create(model="m", messages=ASK)
    assert caught.value.status_code == status
    (span,) = received(tachograph_receiver, 1)
    assert span.status_code == 2
    assert span.attributes["error.type"] == f"openai.{error.__name__}"
    assert span.attributes["tachograph.counted"] is False


def test_no_server_is_an_error_too(tachograph_receiver: Receiver) -> None:
    made = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="k", max_retries=0)
    with made, pytest.raises(openai.APIConnectionError):
        tachograph.wrap(made).chat.completions.create(model="m", messages=ASK)
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["error.type"] == "openai.APIConnectionError"
    assert "tachograph.counted" not in span.attributes


def test_raw_responses_stay_raw(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(model="m", messages=ASK)
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == "The sky is blue."
    with client.chat.completions.with_streaming_response.create(model="m", messages=ASK) as lazy:
        assert lazy.parse().choices[0].message.content == "The sky is blue."
    first, second = received(tachograph_receiver, 2)
    assert first.attributes["gen_ai.usage.input_tokens"] == 11
    assert second.attributes["gen_ai.request.model"] == "m"


def test_derived_clients_record_and_wrapping_twice_records_once(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    assert tachograph.wrap(client) is client
    client.chat.completions.create(model="m", messages=ASK)
    client.with_options(timeout=5).chat.completions.create(model="m", messages=ASK)
    received(tachograph_receiver, 2)


def test_before_init_the_client_is_untouched(client: openai.OpenAI, engine: OpenAIServer) -> None:
    answer = client.chat.completions.create(model="m", messages=ASK)
    assert answer.choices[0].message.content == "The sky is blue."
    assert "x-request-id" not in engine.headers[0]
    assert "traceparent" not in engine.headers[0]


def test_documents_around_a_call_become_its_context(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    with tachograph.context(documents=["Rayleigh scattering.", {"content": "Blue light."}]):
        client.chat.completions.create(model="m", messages=ASK)
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["tachograph.evaluation.context"] == "Rayleigh scattering.\n\nBlue light."


def test_perplexity_where_the_application_asked_for_log_probabilities(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    client.chat.completions.create(model="m", messages=ASK, logprobs=True)
    list(client.chat.completions.create(model="m", messages=ASK, logprobs=True, stream=True))
    client.chat.completions.create(model="m", messages=ASK)
    *asked, not_asked = received(tachograph_receiver, 3)
    for span in asked:
        assert span.attributes["tachograph.response.perplexity"] == pytest.approx(math.e)
    assert "tachograph.response.perplexity" not in not_asked.attributes
