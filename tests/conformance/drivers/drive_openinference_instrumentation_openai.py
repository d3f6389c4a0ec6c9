"""openinference-instrumentation-openai, inside a session and under an agent's span."""

import openai
from calls import every_call  # type: ignore[import-not-found]
from exports import Providers  # type: ignore[import-not-found]
from openinference.instrumentation import using_attributes  # type: ignore[import-not-found]
from openinference.instrumentation.openai import (  # type: ignore[import-not-found]
    OpenAIInstrumentor,
)
from opentelemetry import trace

providers = Providers()
OpenAIInstrumentor().instrument()
tracer = trace.get_tracer("conformance")
with (
    using_attributes(session_id="session-1", user_id="ada", tags=["t"], metadata={"k": "v"}),
    tracer.start_as_current_span("agent") as span,
):
    span.set_attribute("openinference.span.kind", "AGENT")
    span.set_attribute("input.value", "What colour is the sky?")
    span.set_attribute("output.value", "Blue.")
    for call in every_call(openai):
        call()
providers.close()
