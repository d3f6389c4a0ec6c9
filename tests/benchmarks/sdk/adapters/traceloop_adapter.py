"""Traceloop: `track_llm_call`, its way to record what no instrumentation covers."""

import importlib
import os
from typing import Any

_manual: Any = None


def start(endpoint: str, max_queue: int) -> None:
    """No instrumentation of other packages and no telemetry about itself."""
    global _manual
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = str(max_queue)
    os.environ["TRACELOOP_TELEMETRY"] = "false"
    os.environ["TRACELOOP_METRICS_ENABLED"] = "false"
    sdk = importlib.import_module("traceloop.sdk")
    sdk.Traceloop.init(
        app_name="bench",
        api_endpoint=endpoint,
        api_key="bench",
        disable_batch=False,
        instruments=set(),
        telemetry_enabled=False,
    )
    _manual = importlib.import_module("traceloop.sdk.tracing.manual")


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with _manual.track_llm_call(vendor="vllm", type="chat") as span:
        span.report_request(
            model="llama-3-8b", messages=[_manual.LLMMessage(role="user", content=prompt)]
        )
        span.report_response("llama-3-8b-instruct", [answer])
        span.report_usage(
            _manual.LLMUsage(
                prompt_tokens=300,
                completion_tokens=310,
                total_tokens=610,
                cache_creation_input_tokens=3,
                cache_read_input_tokens=20,
            )
        )
        span._span.set_attributes(
            {
                "gen_ai.request.temperature": 0.2,
                "gen_ai.request.top_p": 0.9,
                "gen_ai.request.max_tokens": 512,
                "gen_ai.request.seed": 7,
                "gen_ai.response.id": f"r-{number}",
                "gen_ai.response.finish_reasons": ["stop"],
                "app.feature": "search",
                "app.step": number,
                "app.share": 0.5,
                "app.cached": False,
            }
        )


def finish() -> None:
    """Send what is queued."""
    importlib.import_module("opentelemetry.trace").get_tracer_provider().force_flush(30_000)


def books() -> dict[str, int] | None:
    """It keeps none."""
    return None
