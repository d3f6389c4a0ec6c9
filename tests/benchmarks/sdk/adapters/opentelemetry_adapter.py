"""Bare opentelemetry-sdk: BatchSpanProcessor and the OTLP/HTTP exporter, in the GenAI conventions.

What every SDK built on it pays at least. Attributes are given in one call, the cheapest way.
"""

import json

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

_provider = TracerProvider(resource=Resource.create({"service.name": "bench"}))
_tracer = _provider.get_tracer("bench")


def start(endpoint: str, max_queue: int) -> None:
    """Attach processor and exporter."""
    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces")
    _provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=max_queue))


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with _tracer.start_as_current_span("chat llama-3-8b", kind=SpanKind.CLIENT) as span:
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "vllm",
                "gen_ai.request.model": "llama-3-8b",
                "gen_ai.request.temperature": 0.2,
                "gen_ai.request.top_p": 0.9,
                "gen_ai.request.max_tokens": 512,
                "gen_ai.request.seed": 7,
                "gen_ai.usage.input_tokens": 300,
                "gen_ai.usage.output_tokens": 310,
                "gen_ai.usage.cache_read.input_tokens": 20,
                "gen_ai.usage.reasoning.output_tokens": 3,
                "gen_ai.response.id": f"r-{number}",
                "gen_ai.response.model": "llama-3-8b-instruct",
                "gen_ai.response.finish_reasons": ["stop"],
                "app.feature": "search",
                "app.step": number,
                "app.share": 0.5,
                "app.cached": False,
                "gen_ai.input.messages": _messages("user", prompt),
                "gen_ai.output.messages": _messages("assistant", answer),
            }
        )


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def finish() -> None:
    """Send what is queued."""
    _provider.force_flush(30_000)


def books() -> dict[str, int] | None:
    """It keeps none."""
    return None
