"""traceloop-sdk: its decorators around the calls, its association properties on them."""

import os

import openai
from calls import every_call  # type: ignore[import-not-found]
from opentelemetry import metrics
from traceloop.sdk import Traceloop  # type: ignore[import-not-found]
from traceloop.sdk.decorators import (  # type: ignore[import-not-found]
    agent,
    task,
    tool,
    workflow,
)
from traceloop.sdk.tracing.tracing import TracerWrapper  # type: ignore[import-not-found]


@tool(name="weather")  # type: ignore[untyped-decorator]
def weather(city: str) -> str:
    """A tool."""
    return f"rain in {city}"


@task(name="calls")  # type: ignore[untyped-decorator]
def calls() -> str:
    """All calls."""
    for call in every_call(openai):
        call()
    return "done"


@agent(name="meteorologist")  # type: ignore[untyped-decorator]
def meteorologist(city: str) -> str:
    """An agent."""
    calls()
    return str(weather(city))


@workflow(name="forecast")  # type: ignore[untyped-decorator]
def forecast(city: str) -> str:
    """The root."""
    return str(meteorologist(city))


Traceloop.init(
    app_name=os.environ["OTEL_SERVICE_NAME"],
    api_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    api_key="none",
    telemetry_enabled=False,
)
Traceloop.set_association_properties({"user_id": "ada", "session_id": "session-1"})
forecast("Bern")
TracerWrapper().flush()
metrics.get_meter_provider().force_flush()  # type: ignore[attr-defined]
