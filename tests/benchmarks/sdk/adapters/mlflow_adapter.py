"""MLflow tracing: `start_span`, exported by OTLP."""

import importlib
import os
from typing import Any

_mlflow: Any = None


def start(endpoint: str, max_queue: int) -> None:
    """With this variable it sends by OTLP through a BatchSpanProcessor."""
    global _mlflow
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = str(max_queue)
    os.environ["MLFLOW_USE_DEFAULT_TRACER_PROVIDER"] = "false"  # to be able to flush it
    os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{endpoint}/v1/traces"
    os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
    _mlflow = importlib.import_module("mlflow")
    _mlflow.set_tracking_uri(endpoint)  # or it looks for files with a package that it lacks


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with _mlflow.start_span(name="chat llama-3-8b", span_type="CHAT_MODEL") as span:
        span.set_inputs({"messages": [{"role": "user", "content": prompt}]})
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
            }
        )
        span.set_outputs({"role": "assistant", "content": answer})


def finish() -> None:
    """Send what is queued."""
    importlib.import_module("opentelemetry.trace").get_tracer_provider().force_flush(30_000)


def books() -> dict[str, int] | None:
    """It keeps none."""
    return None
