"""opentelemetry-instrumentation-openai-v2 of the time before OTel GenAI 1.37: `gen_ai.system`, and
messages as events, which come as log records."""

import openai
from calls import every_call  # type: ignore[import-not-found]
from exports import Providers  # type: ignore[import-not-found]
from opentelemetry._events import set_event_logger_provider  # type: ignore[import-not-found]
from opentelemetry._logs import get_logger_provider
from opentelemetry.instrumentation.openai_v2 import (  # type: ignore[import-not-found]
    OpenAIInstrumentor,
)
from opentelemetry.sdk._events import EventLoggerProvider  # type: ignore[import-not-found]

providers = Providers()
set_event_logger_provider(EventLoggerProvider(get_logger_provider()))
OpenAIInstrumentor().instrument()
for call in every_call(openai):
    call()
providers.close()
