"""openlit, which brings its own providers."""

import os

import openai
import openlit  # type: ignore[import-not-found]
from calls import every_call  # type: ignore[import-not-found]
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger_provider

openlit.init(
    application_name=os.environ["OTEL_SERVICE_NAME"],
    environment="test",
    otlp_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
    pricing_json=os.environ["CONFORMANCE_PRICES"],
)
with openlit.start_trace("workflow"):
    for call in every_call(openai):
        call()
for provider in (
    trace.get_tracer_provider(),
    metrics.get_meter_provider(),
    get_logger_provider(),
):
    provider.force_flush()  # type: ignore[union-attr]
