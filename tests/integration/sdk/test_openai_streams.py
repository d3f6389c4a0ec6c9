"""Streams of the real client: timed, put together, closed, the same to the application."""

import asyncio
import gc
import json
import threading

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

import tachograph
from tachograph.testing import Receiver

from .conftest import only_span
from .openai_server import WORDS, OpenAIServer

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "why is it blue?"}]


def test_a_stream_read_to_its_end(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="m", messages=ASK, stream=True)
    assert isinstance(stream, openai.Stream)
    assert stream.response.status_code == 200
    deltas = [chunk.choices[0].delta.content for chunk in stream]
    assert deltas == ["", *WORDS, None]
    span = only_span(tachograph_receiver)
    facts = span.attributes
    assert facts["gen_ai.request.stream"] is True
    assert facts["tachograph.stream.chunk_count"] == len(WORDS)
    assert 0 < facts["gen_ai.response.time_to_first_chunk"] < 30
    assert (
        0
        < facts["tachograph.stream.gap.p50"]
        <= facts["tachograph.stream.gap.p95"]
        <= facts["tachograph.stream.gap.max"]
    )
    assert facts["gen_ai.response.finish_reasons"] == ["stop"]
    (message,) = json.loads(facts["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": "".join(WORDS)}]
    # Nobody asked for usage: unknown is absent, never 0 and never the number of chunks.
    assert not any(name.startswith("gen_ai.usage") for name in facts)


def test_usage_of_the_last_chunk(tachograph_receiver: Receiver, client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="m", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[-1].usage is not None
    facts = only_span(tachograph_receiver).attributes
    assert facts["gen_ai.usage.input_tokens"] == 11
    assert facts["gen_ai.usage.output_tokens"] == 5
    assert facts["tachograph.stream.chunk_count"] == len(WORDS)


def test_usage_asked_for_by_us_is_kept_from_the_application(
    tachograph_receiver: Receiver, engine: OpenAIServer
) -> None:
    with openai.OpenAI(base_url=engine.url, api_key="k") as made:
        client = tachograph.wrap(made, ask_usage=True)
        chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert engine.requests[0]["stream_options"] == {"include_usage": True}
    assert only_span(tachograph_receiver).attributes["gen_ai.usage.output_tokens"] == 5


@pytest.mark.parametrize("how", ["dropped", "closed", "with"])
def test_an_abandoned_stream_is_closed_and_recorded(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer, how: str
) -> None:
    engine.gate = threading.Event()
    stream = client.chat.completions.create(model="m", messages=ASK, stream=True)
    response = stream.response
    if how == "with":
        with stream:
            next(stream)
            next(stream)
    else:
        next(stream)
        next(stream)
        if how == "closed":
            stream.close()
    del stream
    gc.collect()
    assert response.is_closed
    span = only_span(tachograph_receiver)
    assert span.attributes["tachograph.client.disconnected"] is True
    assert span.status_code == 0
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message["parts"] == [{"type": "text", "content": WORDS[0]}]


def test_a_stream_that_breaks_raises_the_clients_error(
    tachograph_receiver: Receiver, client: openai.OpenAI, engine: OpenAIServer
) -> None:
    engine.breaks_after = 3
    bare = openai.OpenAI(base_url=engine.url, api_key="k", max_retries=0)
    errors = []
    for each in (bare, client):
        seen = []
        try:
            for chunk in each.chat.completions.create(model="m", messages=ASK, stream=True):
                seen.append(chunk.choices[0].delta.content)
        except openai.APIError as error:
            errors.append(type(error))
        assert seen == ["", *WORDS[:2]]
    bare.close()
    span = only_span(tachograph_receiver)
    assert len(set(errors)) <= 1
    if errors:
        assert span.attributes["error.type"] == f"openai.{errors[0].__name__}"
    (message,) = json.loads(span.attributes["gen_ai.output.messages"])
    assert message["parts"][0]["content"] == "".join(WORDS[:2])


def test_the_stream_helper_of_the_client(
    tachograph_receiver: Receiver, client: openai.OpenAI
) -> None:
    with client.chat.completions.stream(model="m", messages=ASK) as events:
        kinds = [event.type for event in events]
        assert events.get_final_completion().choices[0].message.content == "".join(WORDS)
    assert kinds[-1] == "content.done"
    span = only_span(tachograph_receiver)
    assert span.attributes["tachograph.stream.chunk_count"] == len(WORDS)


def test_asynchronous_clients(tachograph_receiver: Receiver, engine: OpenAIServer) -> None:
    async def main() -> list[str | None]:
        async with openai.AsyncOpenAI(base_url=engine.url, api_key="k", max_retries=0) as made:
            client = tachograph.wrap(made)
            answer = await client.chat.completions.create(model="m", messages=ASK)
            assert answer.choices[0].message.content == "".join(WORDS)
            stream = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            assert isinstance(stream, openai.AsyncStream)
            deltas = [chunk.choices[0].delta.content async for chunk in stream]
            left = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            async with left:
                async for _ in left:
                    break
            engine.status = 400
            with pytest.raises(openai.BadRequestError):
                await client.chat.completions.create(model="m", messages=ASK)
            return deltas

    assert asyncio.run(main()) == ["", *WORDS, None]
    assert tachograph.flush(10)
    whole, streamed, left, failed = tachograph_receiver.spans
    assert whole.attributes["gen_ai.usage.input_tokens"] == 11
    assert streamed.attributes["tachograph.stream.chunk_count"] == len(WORDS)
    assert left.attributes["tachograph.client.disconnected"] is True
    assert failed.attributes["error.type"] == "openai.BadRequestError"


def test_a_cancelled_call_is_recorded(tachograph_receiver: Receiver, engine: OpenAIServer) -> None:
    engine.gate = threading.Event()

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=engine.url, api_key="k", max_retries=0) as made:
            client = tachograph.wrap(made)
            stream = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            first = asyncio.Event()

            async def read() -> None:
                async for _ in stream:
                    first.set()

            reading = asyncio.create_task(read())
            await first.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

    asyncio.run(main())
    span = only_span(tachograph_receiver)
    assert span.attributes["error.type"].endswith("CancelledError")
