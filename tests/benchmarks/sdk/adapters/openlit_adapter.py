"""OpenLIT: `start_trace`, its way to record what no instrumentation covers."""

import importlib
import json
import os
import tempfile
from typing import Any

_openlit: Any = None


def start(endpoint: str, max_queue: int) -> None:
    """Traces only; what it detects in the process is not wanted here."""
    global _openlit
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = str(max_queue)
    _openlit = importlib.import_module("openlit")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as prices:
        prices.write("{}")
        prices.flush()
        _openlit.init(
            otlp_endpoint=endpoint,
            application_name="bench",
            disable_metrics=True,
            disable_batch=False,
            pricing_json=prices.name,  # or it would be fetched from the network
        )


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with _openlit.start_trace(name="chat llama-3-8b") as trace:
        trace.set_metadata(
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
                "gen_ai.input.messages": json.dumps([{"role": "user", "content": prompt}]),
            }
        )
        trace.set_result(answer)


def finish() -> None:
    """Send what is queued."""
    importlib.import_module("opentelemetry.trace").get_tracer_provider().force_flush(30_000)


def books() -> dict[str, int] | None:
    """It keeps none."""
    return None
