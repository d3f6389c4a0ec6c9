"""opentelemetry-instrumentation-openai: the instrumentation of OpenLLMetry by itself."""

import openai
from calls import every_call  # type: ignore[import-not-found]
from exports import Providers  # type: ignore[import-not-found]
from opentelemetry.instrumentation.openai import (  # type: ignore[import-not-found]
    OpenAIInstrumentor,
)

providers = Providers()
OpenAIInstrumentor().instrument()
for call in every_call(openai):
    call()
providers.close()
