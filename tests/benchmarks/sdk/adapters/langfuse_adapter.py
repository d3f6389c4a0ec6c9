"""Langfuse: `start_as_current_observation(as_type="generation")`."""

import importlib
import os
from typing import Any

_client: Any = None


def start(endpoint: str, max_queue: int) -> None:
    """Its processor takes the bound of the queue from OpenTelemetry's variable."""
    global _client
    os.environ["OTEL_BSP_MAX_QUEUE_SIZE"] = str(max_queue)
    _client = importlib.import_module("langfuse").Langfuse(
        public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url=endpoint
    )


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with _client.start_as_current_observation(
        name="chat llama-3-8b",
        as_type="generation",
        model="llama-3-8b",
        model_parameters={"temperature": 0.2, "top_p": 0.9, "max_tokens": 512, "seed": 7},
        input=[{"role": "user", "content": prompt}],
    ) as generation:
        generation.update(
            output=[{"role": "assistant", "content": answer}],
            usage_details={"input": 300, "output": 310, "cached": 20, "reasoning": 3},
            metadata={
                "operation": "chat",
                "provider": "vllm",
                "response_id": f"r-{number}",
                "response_model": "llama-3-8b-instruct",
                "finish_reason": "stop",
                "feature": "search",
                "step": number,
                "share": 0.5,
                "cached": False,
            },
        )


def finish() -> None:
    """Send what is queued."""
    _client.flush()


def books() -> dict[str, int] | None:
    """It keeps none."""
    return None
