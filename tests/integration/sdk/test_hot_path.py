"""What the calling thread leaves to the delivery thread, and that nothing is lost by it."""

import json
import random
import threading

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tachograph
from tachograph.testing import Receiver, recording


def test_masks_run_on_the_delivery_thread() -> None:
    threads = set()

    def mask(text: str) -> str:
        threads.add(threading.current_thread().name)
        return text.replace("ada", "[name]")

    with recording(mask=mask) as receiver:
        with tachograph.generation(model="m") as g:
            g.messages = "ada asks"
        assert tachograph.flush(10)
        assert "[name] asks" in receiver.spans[0].attributes["gen_ai.input.messages"]
    assert threads == {"tachograph-delivery"}


def test_content_is_what_it_was_when_it_was_given(tachograph_receiver: Receiver) -> None:
    messages = [{"role": "user", "content": "first"}]
    parts = [{"type": "text", "text": "part"}]
    nested = [{"role": "user", "content": parts}]
    own = ["a"]
    with tachograph.generation(model="m") as g:
        g.messages = messages
        g.completion = nested
        g.set("own", own)
        assert g.messages is messages
        messages[0]["content"] = "changed"
        messages.append({"role": "assistant", "content": "answer"})
        parts[0]["text"] = "changed"
        own.append("b")
    with tachograph.retrieval("q") as r:
        found = [{"content": "document"}]
        r.documents = found
        found.clear()
    g.set("late", 1)
    g.usage(input_tokens=5)
    g.completion = "late"
    assert tachograph.flush(10)
    generation, retrieval = tachograph_receiver.spans
    (asked,) = json.loads(generation.attributes["gen_ai.input.messages"])
    assert asked["parts"] == [{"type": "text", "content": "first"}]
    (answered,) = json.loads(generation.attributes["gen_ai.output.messages"])
    assert answered["parts"] == [{"type": "text", "content": "part"}]
    assert generation.attributes["own"] == ["a"]
    assert "late" not in generation.attributes
    assert "gen_ai.usage.input_tokens" not in generation.attributes
    assert json.loads(retrieval.attributes["gen_ai.retrieval.documents"]) == [
        {"content": "document"}
    ]


def test_messages_set_before_the_block_are_recorded(tachograph_receiver: Receiver) -> None:
    g = tachograph.generation(model="m")
    g.messages = "before"
    with g:
        pass
    assert tachograph.flush(10)
    assert "before" in tachograph_receiver.spans[0].attributes["gen_ai.input.messages"]


def test_content_larger_than_the_limit_is_cut_before_it_waits() -> None:
    limits = tachograph.types.LimitOptions(max_attribute_bytes=1000)
    delivery = tachograph.types.DeliveryOptions(max_bytes=20_000)
    with recording(limits=limits, delivery=delivery) as receiver:
        with tachograph.generation(model="m") as g:
            g.messages = [{"role": "user", "content": "x" * 1_000_000}]
            g.set("own", "y" * 1_000_000)
        assert tachograph.flush(10)
        (span,) = receiver.spans
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert message["parts"][0]["content"].endswith("bytes]")
    assert len(span.attributes["own"]) <= 1000
    assert sorted(span.attributes["tachograph.truncated"]) == ["gen_ai.input.messages", "own"]


def test_errors_of_the_delivery_thread_show_at_the_next_flush() -> None:
    def broken(text: str) -> str:
        raise RuntimeError("broken mask")

    with pytest.raises(RuntimeError, match="broken mask"), recording(mask=broken):
        with tachograph.generation(model="m") as g:
            g.messages = "x"
        with pytest.raises(RuntimeError, match="broken mask"):
            tachograph.flush(10)
        with tachograph.span("s") as s:
            s.set("a", "b")


def test_ids_do_not_repeat_when_the_application_seeds_random(receiver: Receiver) -> None:
    tachograph.init(endpoint=receiver.endpoint)
    for _ in range(2):
        random.seed(42)
        with tachograph.span("s"):
            pass
    assert tachograph.shutdown(10)
    assert len({span.trace_id for span in receiver.spans}) == 2


def test_sampled_out_spans_and_their_children_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    with Receiver() as receiver:
        tachograph.init(endpoint=receiver.endpoint)
        for _ in range(100):
            with tachograph.span("outer") as outer, tachograph.generation(model="m") as g:
                g.messages = "x"
                assert outer.ids is not None and g.ids is not None
                assert outer.ids.trace_id == g.ids.trace_id
        assert tachograph.flush(10)
        counts = tachograph.counts()
        assert tachograph.shutdown(10)
        arrived = receiver.spans
    assert counts is not None
    left_out = counts.dropped["spans", "sampled_out"]
    assert counts.submitted["spans"] == 200 == counts.delivered["spans"] + left_out
    assert len(arrived) == counts.delivered["spans"]
    assert 0 < left_out < 200
    names: dict[str, set[str]] = {}
    for span in arrived:
        names.setdefault(span.trace_id, set()).add(span.name)
    assert all(found == {"outer", "chat m"} for found in names.values())


def test_other_processors_of_a_shared_provider_see_whole_spans() -> None:
    others = InMemorySpanExporter()
    provider = TracerProvider(span_limits=SpanLimits(max_attributes=12))
    provider.add_span_processor(SimpleSpanProcessor(others))
    with recording(provider=provider) as receiver:
        with tachograph.generation(model="llama", provider="vllm") as g:
            for number in range(30):
                g.set(f"own.{number}", number)
            g.messages = "why?"
            g.completion = "because"
            g.usage(input_tokens=3, output_tokens=4)
        assert tachograph.flush(10)
        (ours,) = receiver.spans
    (theirs,) = others.get_finished_spans()
    assert isinstance(theirs, ReadableSpan)
    assert dict(theirs.attributes or {}) == ours.attributes
    # The provider's limit pushes out the oldest: own attributes go first, facts last.
    for name in ("gen_ai.request.model", "gen_ai.provider.name", "tachograph.observer"):
        assert name in ours.attributes
    assert ours.attributes["gen_ai.usage.output_tokens"] == 4
    assert "why?" in ours.attributes["gen_ai.input.messages"]
