"""Log records become scores or rows with messages; every other one is refused with a reason."""

import json
from collections.abc import Callable, Mapping

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import TranslatedLogs, translate_logs
from tachograph_collector.translate.outcome import Rejections

Attributes = Mapping[str, object]
Translate = Callable[..., tuple[TranslatedLogs, Rejections]]
RESULT = "gen_ai.evaluation.result"


@pytest.fixture
def translate_record(
    make_span: Callable[..., Span], window: Window, limits: Limits, now: int
) -> Translate:
    def run(
        name: str, attributes: Attributes, body: Attributes | None = None, has_span: bool = True
    ) -> tuple[TranslatedLogs, Rejections]:
        span = make_span(attributes)
        record = LogRecord(event_name=name, time_unix_nano=now, attributes=span.attributes)
        if has_span:
            record.trace_id, record.span_id = span.trace_id, span.span_id
        if body is not None:
            record.body.kvlist_value.values.extend(make_span(body).attributes)
        request = ExportLogsServiceRequest()
        scope_logs = request.resource_logs.add().scope_logs.add()
        scope_logs.scope.name, scope_logs.scope.version = "judge", "2"
        scope_logs.log_records.append(record)
        rejections = Rejections()
        return translate_logs(request, "p", "key", window, limits, rejections), rejections

    return run


def test_every_field_of_an_evaluation(translate_record: Translate, now: int) -> None:
    translated, _ = translate_record(
        RESULT,
        {
            "gen_ai.evaluation.name": "relevance",
            "gen_ai.evaluation.score.value": 0.25,
            "gen_ai.evaluation.score.label": "poor",
            "gen_ai.evaluation.explanation": "off the point",
            "error.type": "timeout",
        },
    )
    (score,) = translated.scores
    row = score.row
    assert (row.name, row.value, row.label) == ("relevance", 0.25, "poor")
    assert (row.explanation, row.error_type) == ("off the point", "timeout")
    assert (row.evaluator, row.evaluator_version, row.author) == ("judge", "2", "key")
    assert (row.source, row.span_time) == ("api", now)
    assert row.span_id == "b7ad6b7169203331"


def test_a_score_without_a_span_names_its_response(translate_record: Translate) -> None:
    attributes = {
        "gen_ai.evaluation.name": "n",
        "gen_ai.evaluation.score.value": 1,
        "gen_ai.response.id": "chatcmpl-9",
    }
    translated, rejections = translate_record(RESULT, attributes, has_span=False)
    assert not rejections.total
    row = translated.scores[0].row
    assert (row.trace_id, row.span_id) == ("", "chatcmpl-9")


@pytest.mark.parametrize(
    ("name", "attributes", "has_span", "reason"),
    [
        ("app.started", {}, True, "unsupported"),
        (RESULT, {"gen_ai.evaluation.score.value": 1}, True, "bad_value"),
        (RESULT, {"gen_ai.evaluation.name": "n"}, True, "bad_value"),
        (
            RESULT,
            {"gen_ai.evaluation.name": "n", "gen_ai.evaluation.score.value": float("nan")},
            True,
            "bad_value",
        ),
        (
            RESULT,
            {"gen_ai.evaluation.name": "n", "gen_ai.evaluation.score.value": 4},
            True,
            "bad_value",
        ),
        (RESULT, {"gen_ai.evaluation.name": "n"}, False, "bad_trace_id"),
        ("gen_ai.user.message", {}, False, "bad_trace_id"),
    ],
)
def test_a_refused_record_has_its_reason(
    translate_record: Translate, name: str, attributes: Attributes, has_span: bool, reason: str
) -> None:
    translated, rejections = translate_record(name, attributes, has_span=has_span)
    assert not (translated.scores or translated.events)
    assert [found for _, found in rejections.counts] == [reason]


def test_operation_details_become_a_child_that_does_not_count(
    translate_record: Translate, now: int
) -> None:
    messages = [{"role": "user", "parts": [{"type": "text", "content": "sky?"}]}]
    name = "gen_ai.client.inference.operation.details"
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 100,
        "gen_ai.input.messages": messages,
        "gen_ai.output.messages": [],
        "langfuse.observation.level": "ERROR",
    }
    translated, rejections = translate_record(name, attributes)
    assert not rejections.total
    (event,) = translated.events
    row = event.row
    assert (row.name, row.operation, row.request_model) == (name, "chat", "m")
    assert (row.is_counted, row.duration_ns, row.start_time) == (False, 0, now)
    assert (row.parent_span_id, row.input_tokens) == ("b7ad6b7169203331", 103)
    assert json.loads(row.prompt or "") == messages
    assert row.completion == "[]"
    again, _ = translate_record(name, attributes)
    assert again.events[0].row == row  # a retry is the same row
    other, _ = translate_record(name, {**attributes, "gen_ai.request.model": "n"})
    assert other.events[0].row.span_id != row.span_id


def test_messages_in_bodies(translate_record: Translate) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    translated, _ = translate_record(
        "gen_ai.choice",
        {"gen_ai.system": "openai"},
        {"index": 0, "finish_reason": "stop", "message": {"content": None, "tool_calls": [call]}},
    )
    row = translated.events[0].row
    assert row.provider == "openai"
    assert row.prompt is None
    assert json.loads(row.completion or "") == [
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c", "name": "f", "arguments": {"a": 1}}],
            "finish_reason": "stop",
        }
    ]
    question, _ = translate_record("gen_ai.user.message", {}, {"content": "sky?"})
    assert json.loads(question.events[0].row.prompt or "")[0]["role"] == "user"


def test_a_body_that_is_text_is_the_content(
    make_span: Callable[..., Span], window: Window, limits: Limits, now: int
) -> None:
    span = make_span()
    record = LogRecord(
        event_name="gen_ai.user.message",
        time_unix_nano=now,
        trace_id=span.trace_id,
        span_id=span.span_id,
        body=AnyValue(string_value="sky?"),
    )
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.append(record)
    translated = translate_logs(request, "p", "", window, limits, Rejections())
    parts = json.loads(translated.events[0].row.prompt or "")[0]["parts"]
    assert parts == [{"type": "text", "content": "sky?"}]
