"""Tachograph: `generation`, as an application without a wrapper uses it."""

import importlib
from typing import Any

tachograph: Any = importlib.import_module("tachograph")

_PARAMETERS = {"temperature": 0.2, "top_p": 0.9, "max_tokens": 512, "seed": 7}


def start(endpoint: str, max_queue: int) -> None:
    """Start the SDK with its defaults, but for the bound of the queue."""
    options = importlib.import_module("tachograph.types").DeliveryOptions(max_records=max_queue)
    tachograph.init(endpoint=endpoint, service_name="bench", delivery=options)


def call(number: int, prompt: str, answer: str) -> None:
    """Record one generation: 20 attributes, two of them content."""
    with tachograph.generation("llama-3-8b", provider="vllm", parameters=_PARAMETERS) as g:
        g.messages = [{"role": "user", "content": prompt}]
        g.completion = answer
        g.usage(input_tokens=300, output_tokens=310, cached_input_tokens=20, reasoning_tokens=3)
        g.response(id=f"r-{number}", model="llama-3-8b-instruct", finish_reasons=["stop"])
        g.set("app.feature", "search")
        g.set("app.step", number)
        g.set("app.share", 0.5)
        g.set("app.cached", False)


def finish() -> None:
    """Send what is queued."""
    tachograph.flush(30.0)


def books() -> dict[str, int] | None:
    """What the SDK itself says became of its spans."""
    counts = tachograph.counts()
    return {
        "sent": counts.submitted["spans"],
        "delivered": counts.delivered["spans"],
        "dropped": counts.dropped_total("spans"),
    }
