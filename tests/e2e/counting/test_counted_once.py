"""A hundred requests, each reported by everybody who saw it: a hundred requests' tokens and cost."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import inject
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from tests.e2e.counting.stack import Stack

import tachograph
from tachograph_store.queries.choices import choices
from tachograph_store.queries.cost import cost_by_segment, cost_series
from tachograph_store.queries.overview import overview_series, overview_totals
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.summary import summary_segments
from tachograph_store.rollup import RollupJob

REQUESTS = 100
INPUT, OUTPUT, CACHED, REASONING = 11, 5, 4, 2  # what the engine says of each
ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "why is it blue?"}]
LIST_PRICE = Decimal(INPUT - CACHED) * Decimal("2.5e-6") + Decimal(CACHED) * Decimal(
    "1.25e-6"
) + Decimal(OUTPUT) * Decimal("10e-6")  # fmt: skip


def selection() -> Selection:
    now = datetime.now(UTC)
    return Selection(
        project="default", since=now - timedelta(hours=3), until=now + timedelta(minutes=5)
    )


def assert_every_number_says_a_hundred(stack: Stack) -> None:
    chosen = selection()
    totals = overview_totals(stack.store, chosen)
    assert (totals.requests, totals.errors, totals.without_tokens) == (REQUESTS, 0, 0)
    assert (totals.input_tokens, totals.output_tokens) == (REQUESTS * INPUT, REQUESTS * OUTPUT)
    assert totals.list_cost == REQUESTS * LIST_PRICE
    assert totals.without_list_cost == 0
    points = overview_series(stack.store, chosen, 60)
    assert sum(point.requests for point in points) == REQUESTS
    assert sum(point.input_tokens or 0 for point in points) == REQUESTS * INPUT
    segments = cost_by_segment(stack.store, chosen)
    assert sum(segment.requests for segment in segments) == REQUESTS
    assert sum(segment.output_tokens or 0 for segment in segments) == REQUESTS * OUTPUT
    assert sum(segment.cache_read_tokens or 0 for segment in segments) == REQUESTS * CACHED
    assert sum(segment.reasoning_tokens or 0 for segment in segments) == REQUESTS * REASONING
    course = cost_series(stack.store, chosen, 3600)
    assert sum(point.list_cost or 0 for point in course) == REQUESTS * LIST_PRICE
    (whole,) = summary_segments(stack.store, chosen, None, 10)
    models = summary_segments(stack.store, chosen, "model", 10)
    assert whole.requests == sum(model.requests for model in models) == REQUESTS
    assert list(choices(stack.store, chosen).models) == ["m-0613"]
    rest = stack.summary()
    assert rest["requests"] == REQUESTS
    assert rest["input_tokens"] == REQUESTS * INPUT
    assert Decimal(str(rest["list_cost"])) == REQUESTS * LIST_PRICE


def assert_counted_once(stack: Stack) -> None:
    """Before the job, while it has come to nothing, and after it."""
    assert_every_number_says_a_hundred(stack)
    RollupJob(stack.store).run()  # nothing has come to rest
    assert_every_number_says_a_hundred(stack)
    counted = stack.store.query(
        "SELECT count() AS requests, sum(input_tokens) AS input_tokens FROM spans FINAL "
        "WHERE is_counted"
    )
    assert counted == [{"requests": REQUESTS, "input_tokens": REQUESTS * INPUT}]
    assert RollupJob(stack.store, timedelta(0)).run() > 0
    assert_every_number_says_a_hundred(stack)
    rows = stack.store.query(
        "SELECT sum(requests) AS requests, sum(input_tokens) AS input_tokens, "
        "sum(list_cost) AS list_cost FROM rollups FINAL "
        "WHERE project = 'default' AND period_s = 3600 AND grouping = 'full'"
    )
    assert rows == [
        {
            "requests": REQUESTS,
            "input_tokens": REQUESTS * INPUT,
            "list_cost": REQUESTS * LIST_PRICE,
        }
    ]


@contextmanager
def instrumented(endpoint: str) -> Iterator[trace.Tracer]:
    """A tracer as somebody else's instrumentation has one."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    yield provider.get_tracer("openinference.instrumentation.openai")
    provider.shutdown()


def say_what_the_engine_saw(stack: Stack) -> None:
    """vLLM's `llm_request` span of each request, in traces of its own, joined by request id."""
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    now = time.time_ns()
    for headers in stack.engine.headers:
        span = Span(
            trace_id=secrets.token_bytes(16),
            span_id=secrets.token_bytes(8),
            name="llm_request",
            start_time_unix_nano=now - 1_000_000,
            end_time_unix_nano=now,
        )
        facts: dict[str, Any] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.id": f"chatcmpl-{headers['x-request-id']}",
            "gen_ai.response.model": "m-0613",
            "gen_ai.usage.prompt_tokens": INPUT,
            "gen_ai.usage.completion_tokens": OUTPUT,
            "gen_ai.latency.time_to_first_token": 0.01,
            "gen_ai.latency.time_in_queue": 0.001,
        }
        for name, value in facts.items():
            kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
            span.attributes.append(KeyValue(key=name, value=AnyValue(**{kind: value})))
        spans.append(span)
    answer = httpx.post(
        f"{stack.collector_url}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        timeout=60,
    )
    assert answer.status_code == 200


@pytest.fixture
def sdk(stack: Stack) -> Iterator[None]:
    tachograph.init(endpoint=stack.collector_url, service_name="agent")
    yield
    tachograph.shutdown()


def test_sdk_sidecar_and_engine_under_an_agent(stack: Stack, sdk: None) -> None:
    with (
        openai.OpenAI(base_url=f"{stack.sidecar_url}/v1", api_key="k", max_retries=0) as plain,
        tachograph.span("agent") as agent,
    ):
        client = tachograph.wrap(plain)
        for _ in range(REQUESTS):
            client.chat.completions.create(model="m", messages=ASK)
        repeat_the_sums(agent)
    assert tachograph.flush(180)
    say_what_the_engine_saw(stack)
    stack.settle(3 * REQUESTS + 1)
    assert_counted_once(stack)


def test_a_foreign_instrumentation_sidecar_and_engine_under_an_agent(stack: Stack) -> None:
    with (
        openai.OpenAI(base_url=f"{stack.sidecar_url}/v1", api_key="k", max_retries=0) as client,
        instrumented(stack.collector_url) as tracer,
        tracer.start_as_current_span("agent") as agent,
    ):
        agent.set_attributes({"openinference.span.kind": "AGENT", **sums(REQUESTS)})
        for _ in range(REQUESTS):
            with tracer.start_as_current_span("ChatCompletion") as span:
                headers: dict[str, str] = {}
                inject(headers)
                client.chat.completions.create(model="m", messages=ASK, extra_headers=headers)
                span.set_attributes(
                    {
                        "openinference.span.kind": "LLM",
                        "llm.system": "openai",
                        "llm.model_name": "m-0613",
                        "input.value": "why is it blue?",
                        **sums(1),
                    }
                )
    say_what_the_engine_saw(stack)
    stack.settle(3 * REQUESTS + 1)
    assert_counted_once(stack)


def sums(requests: int) -> dict[str, int]:
    """Tokens in OpenInference's words."""
    return {
        "llm.token_count.prompt": INPUT * requests,
        "llm.token_count.completion": OUTPUT * requests,
        "llm.token_count.prompt_details.cache_read": CACHED * requests,
        "llm.token_count.completion_details.reasoning": REASONING * requests,
    }


def repeat_the_sums(agent: tachograph.Span) -> None:
    """As agent frameworks do."""
    agent.set("gen_ai.operation.name", "invoke_agent")
    agent.set("gen_ai.usage.input_tokens", INPUT * REQUESTS)
    agent.set("gen_ai.usage.output_tokens", OUTPUT * REQUESTS)
