"""OpenInference's instrumentation of openai on a global provider of the application's."""

import json
import os

import openai
from openinference.instrumentation.openai import (  # type: ignore[import-not-found]
    OpenAIInstrumentor,
)
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tachograph

elsewhere = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(elsewhere))
trace.set_tracer_provider(provider)
OpenAIInstrumentor().instrument()
tachograph.init(provider=os.environ["PROVIDER"])  # type: ignore[arg-type]
client = tachograph.wrap(openai.OpenAI(base_url=os.environ["ENGINE_URL"], api_key="k"))
with tachograph.span("ours"):
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
tachograph.shutdown(10)
print(json.dumps([span.name for span in elsewhere.get_finished_spans()]))
