"""init, other people's OpenTelemetry, scores, and that nothing raises into the application."""

import logging
import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tachograph
from tachograph._internal.errors import raise_in_tests
from tachograph.exceptions import ConfigurationError
from tachograph.testing import Receiver, recording


def test_before_init_everything_is_a_no_op() -> None:
    assert tachograph.counts() is None
    with tachograph.generation(model="m") as g:
        g.messages = "x"
        g.set("a", 1)
        g.usage(input_tokens=1)
        assert g.ids is None
    with tachograph.retrieval("q") as r:
        r.documents = ["d"]
    assert tachograph.observe(len)("abc") == 3
    assert tachograph.score("thumbs", 1) is False
    assert tachograph.current_ids() is None
    assert tachograph.flush() is True
    assert tachograph.shutdown() is True


def test_disabled_is_a_no_op_too(receiver: Receiver) -> None:
    tachograph.init(endpoint=receiver.endpoint, disabled=True)
    with tachograph.span("s") as s:
        assert s.ids is None
    assert tachograph.shutdown(5)
    assert receiver.requests == []


def test_a_wrong_argument_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match="capture: needs off, metadata or full"):
        tachograph.init(capture="all")  # type: ignore[arg-type]


def test_after_shutdown_init_starts_anew(receiver: Receiver) -> None:
    for name in ("first", "second"):
        tachograph.init(endpoint=receiver.endpoint)
        with tachograph.span(name):
            pass
        assert tachograph.shutdown(10)
        assert tachograph.shutdown(10)
    assert [span.name for span in receiver.spans] == ["first", "second"]


def test_service_and_resource(receiver: Receiver) -> None:
    tachograph.init(
        endpoint=receiver.endpoint,
        service_name="helpdesk",
        resource_attributes={"deployment.environment.name": "staging"},
        headers={"X-Team": "a"},
    )
    with tachograph.span("s"):
        pass
    assert tachograph.shutdown(10)
    (span,) = receiver.spans
    assert span.resource["service.name"] == "helpdesk"
    assert span.resource["deployment.environment.name"] == "staging"
    assert span.resource["service.instance.id"]
    assert receiver.requests[0][1]["x-team"] == "a"


@pytest.mark.lesson(7)
@pytest.mark.lesson(7)
def test_an_isolated_provider_meets_nobody() -> None:
    others = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(others))
    theirs = provider.get_tracer("theirs")
    with recording() as receiver:
        with (
            theirs.start_as_current_span("their outer"),
            tachograph.span("our outer"),
            theirs.start_as_current_span("their inner"),
            tachograph.span("our inner"),
        ):
            pass
        assert tachograph.flush(10)
    ours = {span.name: span for span in receiver.spans}
    assert set(ours) == {"our outer", "our inner"}
    assert ours["our outer"].parent_span_id == ""
    assert ours["our inner"].parent_span_id == ours["our outer"].span_id
    inner, outer = others.get_finished_spans()
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id


def test_attached_to_a_provider_all_spans_are_one_trace_and_all_arrive() -> None:
    provider = TracerProvider()
    theirs = provider.get_tracer("theirs")
    with recording(provider=provider) as first:
        pass
    with recording(provider=provider) as receiver:
        with (
            theirs.start_as_current_span("their outer"),
            tachograph.span("ours"),
            theirs.start_as_current_span("their inner"),
        ):
            ids = tachograph.current_ids()
        assert tachograph.flush(10)
    spans = {span.name: span for span in receiver.spans}
    inner, ours, outer = (spans[name] for name in ("their inner", "ours", "their outer"))
    assert len(receiver.spans) == 3
    assert ours.parent_span_id == outer.span_id
    assert inner.parent_span_id == ours.span_id
    assert ids is not None and ids.span_id == inner.span_id
    assert first.spans == []
    # Attaching again exchanged the delivery behind the one processor.
    assert len(provider._active_span_processor._span_processors) == 1


def test_the_global_provider_is_made_where_there_is_none(receiver: Receiver) -> None:
    program = (
        "import sys, tachograph\n"
        "from opentelemetry import trace\n"
        "tachograph.init(endpoint=sys.argv[1], provider='global', service_name='g')\n"
        "with trace.get_tracer('t').start_as_current_span('outer'):\n"
        "    with tachograph.span('inner'):\n"
        "        pass\n"
    )
    subprocess.run([sys.executable, "-c", program, receiver.endpoint], check=True, timeout=180)
    inner, outer = receiver.wait_for_spans(2)
    assert inner.parent_span_id == outer.span_id
    assert outer.resource["service.name"] == "g"


def test_spans_that_are_not_sampled_are_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with recording() as receiver:
        with tachograph.generation(model="m") as g:
            g.messages = "x"
        assert tachograph.flush(10)
    assert receiver.spans == []


def test_scores_need_a_span_a_value_and_sense(
    tachograph_receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    raise_in_tests(False)
    with tachograph.span("s") as s:
        pass
    assert s.ids is not None
    given = s.ids._asdict()
    assert tachograph.score("late", 0.5, **given)
    assert tachograph.score("label only", label="fail", **given)
    with caplog.at_level(logging.ERROR):
        assert not tachograph.score("nowhere", 1)
        assert not tachograph.score("nothing", **given)
        for number, value in enumerate((float("nan"), float("inf"), -0.1, 1.1)):
            assert not tachograph.score(f"bad {number}", value, **given)
        assert not tachograph.score("bad id", 1, trace_id="X" * 32, span_id="0" * 16)
        assert not tachograph.score("half an id", 1, trace_id="0" * 32)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 8
    assert "trace_id and span_id: give them outside of a recorded span" in told[0]
    assert "value and label: give at least one" in told[1]
    assert all("value: needs a number from 0 to 1" in line for line in told[2:6])
    assert all("32 and 16 lower-case hex digits" in line for line in told[6:])
    assert tachograph.flush(10)
    assert [event.attributes["gen_ai.evaluation.name"] for event in tachograph_receiver.events] == [
        "late",
        "label only",
    ]
    assert {event.trace_id for event in tachograph_receiver.events} == {s.ids.trace_id}


class Trap:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> object:
        raise RuntimeError(name)


def test_nothing_raises_into_the_application(caplog: pytest.LogCaptureFixture) -> None:
    trap = Trap()
    with recording() as receiver:
        raise_in_tests(False)
        with tachograph.generation(model="m", parameters=trap) as g:  # type: ignore[arg-type]
            g.messages = trap  # type: ignore[assignment]
            g.completion = trap  # type: ignore[assignment]
            g.usage(input_tokens=trap)  # type: ignore[arg-type]
            g.context(trap)  # type: ignore[arg-type]
            g.set("a", trap)  # type: ignore[arg-type]
            g.set_input(trap)
        with tachograph.retrieval(trap) as r:  # type: ignore[arg-type]
            r.documents = trap  # type: ignore[assignment]
        assert tachograph.observe(lambda value: 7)(trap) == 7
        assert tachograph.wrap(trap) is trap
        assert tachograph.score(trap, 1) is False  # type: ignore[arg-type]
        assert tachograph.flush(10)
    assert {span.name for span in receiver.spans} >= {"chat m", "retrieval"}
    assert "the application is not affected" in caplog.text


def test_errors_of_the_sdk_show_while_testing(tachograph_receiver: Receiver) -> None:
    with pytest.raises(ValueError, match="value and label"):
        tachograph.score("thumbs", trace_id="0" * 31 + "1", span_id="0" * 15 + "1")


def test_span_ids_are_those_on_the_wire(tachograph_receiver: Receiver) -> None:
    with tachograph.span("s") as s:
        assert s.ids == tachograph.current_ids()
    assert tachograph.flush(10)
    (span,) = tachograph_receiver.spans
    assert s.ids == (span.trace_id, span.span_id)
    assert span.trace_id == f"{1:032x}"  # the kit's ids are the same in every run


def test_their_spans_have_no_tachograph_parent_by_accident() -> None:
    with recording(), tachograph.span("ours"):
        assert not trace.get_current_span().get_span_context().is_valid
