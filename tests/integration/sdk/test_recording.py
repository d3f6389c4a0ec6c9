"""What the public surface records, seen at the receiving end."""

import asyncio
import json
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

import tachograph
from tachograph.semconv import SCHEMA_URL
from tachograph.testing import Receiver, recording

from .conftest import only_span


def test_a_generation_with_everything(tachograph_receiver: Receiver) -> None:
    with tachograph.generation(
        model="llama", provider="vllm", parameters={"temperature": 0.2, "stop": "END", "n": 2}
    ) as g:
        g.messages = [{"role": "user", "content": "why?"}]
        g.first_chunk()
        g.chunk()
        g.completion = "because"
        g.usage(input_tokens=9, output_tokens=4, cached_input_tokens=3, reasoning_tokens=1)
        g.response(id="r-1", model="llama-3", finish_reasons=["stop"])
        g.context(["first document", {"content": "second", "id": 7}])
    span = only_span(tachograph_receiver)
    assert (span.name, span.kind, span.scope) == ("chat llama", 3, "tachograph")
    assert span.schema_url == SCHEMA_URL
    facts = dict(span.attributes)
    assert 0 < facts.pop("gen_ai.response.time_to_first_chunk") < 10
    assert all(facts.pop(f"tachograph.stream.gap.{name}") > 0 for name in ("p50", "p95", "max"))
    assert facts.pop("tachograph.stream.time_per_output_chunk") > 0
    assert json.loads(facts.pop("gen_ai.input.messages")) == [
        {"role": "user", "parts": [{"type": "text", "content": "why?"}]}
    ]
    assert json.loads(facts.pop("gen_ai.output.messages")) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "because"}]}
    ]
    assert facts == {
        "tachograph.observer": "client",
        "tachograph.content.capture": "full",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "llama",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stream": True,
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 4,
        "gen_ai.usage.cache_read.input_tokens": 3,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "gen_ai.response.id": "r-1",
        "gen_ai.response.model": "llama-3",
        "gen_ai.response.finish_reasons": ["stop"],
        "tachograph.stream.chunk_count": 2,
        "tachograph.evaluation.context": "first document\n\nsecond",
    }


def test_what_was_not_said_is_absent(tachograph_receiver: Receiver) -> None:
    with tachograph.generation(model="llama"):
        pass
    assert set(only_span(tachograph_receiver).attributes) == {
        "tachograph.observer",
        "tachograph.content.capture",
        "gen_ai.operation.name",
        "gen_ai.request.model",
    }


def test_a_retrieval(tachograph_receiver: Receiver) -> None:
    with tachograph.retrieval("blue?", source="handbook") as r:
        r.documents = ["a", {"text": "b", "id": 3, "score": 1}]
    span = only_span(tachograph_receiver)
    assert span.name == "retrieval handbook"
    assert span.attributes["gen_ai.retrieval.query.text"] == "blue?"
    assert span.attributes["gen_ai.data_source.id"] == "handbook"
    assert json.loads(span.attributes["gen_ai.retrieval.documents"]) == [
        {"content": "a"},
        {"id": "3", "score": 1.0, "content": "b"},
    ]


def test_nesting_context_and_scores(tachograph_receiver: Receiver) -> None:
    @tachograph.observe
    def answer(question: str, *, top: int = 3) -> dict[str, int]:
        inner = tachograph.context(variant="inner", documents=["d"])
        with inner, tachograph.generation(model="m"):
            pass
        assert tachograph.score("thumbs", 1, comment="good")
        return {"top": top}

    with tachograph.context(tenant="acme", user="u", session="s", variant="outer"):
        assert answer("q", top=2) == {"top": 2}
    assert tachograph.current_ids() is None
    assert tachograph.flush(10)
    generation, function = tachograph_receiver.spans
    assert function.name.endswith("answer")
    assert json.loads(function.attributes["tachograph.function.input"]) == {
        "question": "q",
        "top": 2,
    }
    assert json.loads(function.attributes["tachograph.function.output"]) == {"top": 2}
    assert generation.parent_span_id == function.span_id
    assert generation.trace_id == function.trace_id
    for span, variant in ((generation, "inner"), (function, "outer")):
        assert span.attributes["tachograph.tenant"] == "acme"
        assert span.attributes["user.id"] == "u"
        assert span.attributes["session.id"] == "s"
        assert span.attributes["tachograph.variant"] == variant
    assert generation.attributes["tachograph.evaluation.context"] == "d"
    (event,) = tachograph_receiver.events
    assert event.name == "gen_ai.evaluation.result"
    assert (event.trace_id, event.span_id) == (function.trace_id, function.span_id)
    assert event.attributes["gen_ai.evaluation.name"] == "thumbs"
    assert event.attributes["gen_ai.evaluation.score.value"] == 1.0
    assert event.attributes["gen_ai.evaluation.explanation"] == "good"


def test_tasks_keep_their_contexts_apart(tachograph_receiver: Receiver) -> None:
    @tachograph.observe(name="task")
    async def task(user: str) -> None:
        with tachograph.context(user=user):
            await asyncio.sleep(0)
            with tachograph.span(f"inside {user}"):
                await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(task(str(number)) for number in range(20)))

    asyncio.run(main())
    assert tachograph.flush(10)
    spans = {span.span_id: span for span in tachograph_receiver.spans}
    inner = [span for span in spans.values() if span.name.startswith("inside")]
    assert len(inner) == 20
    for span in inner:
        assert span.name == f"inside {span.attributes['user.id']}"
        assert spans[span.parent_span_id].name == "task"
    assert len({span.trace_id for span in inner}) == 20


def test_generators_work_as_before_and_last_to_their_end(tachograph_receiver: Receiver) -> None:
    @tachograph.observe(name="echo")
    def echo(first: str) -> Generator[str, str, str]:
        received = yield first
        with tachograph.span("between"):
            pass
        try:
            yield received
        except ValueError:
            yield "caught"
        return "done"

    generator = echo("a")
    assert tachograph_receiver.spans == []
    assert next(generator) == "a"
    assert tachograph.current_ids() is None  # the span is current only while the generator runs
    assert generator.send("b") == "b"
    assert generator.throw(ValueError()) == "caught"
    with pytest.raises(StopIteration) as stopped:
        next(generator)
    assert stopped.value.value == "done"
    assert tachograph.flush(10)
    between, whole = tachograph_receiver.spans
    assert between.parent_span_id == whole.span_id
    assert json.loads(whole.attributes["tachograph.function.output"]) == "abcaught"
    assert whole.status_code == 0


def test_generators_that_are_left_early_are_closed(tachograph_receiver: Receiver) -> None:
    closed = []

    @tachograph.observe(name="sync")
    def numbers() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append("sync")

    @tachograph.observe(name="async")
    async def later() -> AsyncIterator[int]:
        try:
            for number in range(10):
                yield number
        finally:
            closed.append("async")

    for _ in numbers():
        break

    async def main() -> list[int]:
        seen = []
        async with aclosing(later()) as items:  # type: ignore[type-var]
            async for item in items:
                seen.append(item)
                if item == 2:
                    break
        return seen

    assert asyncio.run(main()) == [0, 1, 2]
    assert closed == ["sync", "async"]
    assert tachograph.flush(10)
    assert {(span.name, span.status_code) for span in tachograph_receiver.spans} == {
        ("sync", 0),
        ("async", 0),
    }


class Broken(Exception):
    pass


def test_errors_pass_unchanged_and_are_recorded(tachograph_receiver: Receiver) -> None:
    error = Broken("the reason")

    @tachograph.observe(name="f")
    def f() -> None:
        raise error

    @tachograph.observe(name="g")
    def g() -> Iterator[int]:
        yield 1
        raise error

    @tachograph.observe(name="c")
    async def c() -> None:
        raise error

    for call in (f, lambda: list(g()), lambda: asyncio.run(c())):
        with pytest.raises(Broken) as caught:
            call()
        assert caught.value is error
    assert tachograph.flush(10)
    for span in tachograph_receiver.spans:
        assert (span.status_code, span.status_message) == (2, "the reason")
        assert span.attributes["error.type"].endswith("Broken")
    assert len(tachograph_receiver.spans) == 3


def test_methods_and_docstrings_survive_the_decorator(tachograph_receiver: Receiver) -> None:
    class Service:
        @tachograph.observe
        def ask(self, question: str) -> str:
            """Ask."""
            return question.upper()

    assert Service().ask("a") == "A"
    assert Service.ask.__doc__ == "Ask."
    span = only_span(tachograph_receiver)
    assert span.name.endswith("Service.ask")
    assert json.loads(span.attributes["tachograph.function.input"]) == {"question": "a"}


@pytest.mark.lesson(11)
def test_own_attributes_are_bounded_and_never_push_out_facts() -> None:
    limits = tachograph.types.LimitOptions(max_attributes=10, max_attribute_bytes=100)
    with recording(limits=limits) as receiver:
        with tachograph.generation(model="m") as g:
            for number in range(2000):
                g.set(f"own.{number}", number)
            g.set("gen_ai.request.model", "forged")
            g.usage(input_tokens=5)
            g.prompt = "x" * 1000
        with tachograph.span("kinds") as s:
            s.set("list", ["a", "b"])
            s.set("dict", {"a": 1})  # type: ignore[arg-type]
            s.set("long", "ß" * 500)
        assert tachograph.flush(10)
        first, second = receiver.spans
    assert first.attributes["gen_ai.request.model"] == "m"
    assert first.attributes["gen_ai.usage.input_tokens"] == 5
    assert sum(name.startswith("own.") for name in first.attributes) == 10
    assert "own.10" in first.attributes["tachograph.truncated"]
    assert "gen_ai.input.messages" in first.attributes["tachograph.truncated"]
    assert len(first.attributes["gen_ai.input.messages"].encode()) <= 100
    assert second.attributes["list"] == ["a", "b"]
    assert second.attributes["dict"] == '{"a":1}'
    assert second.attributes["long"].endswith("bytes]")
    assert second.attributes["tachograph.truncated"] == ["long"]


HOSTILE: list[Any] = ["\ud800", object(), {"role": object()}, [[]], float("nan"), b"\xff", 10**400]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_hostile_content_never_raises_and_arrives(
    tachograph_receiver: Receiver, value: Any
) -> None:
    with tachograph.generation(model="m") as g:
        g.messages = value
        g.completion = value
        g.context([value])
        g.set("own", value)
        g.set_input(value)
    assert only_span(tachograph_receiver).name == "chat m"
