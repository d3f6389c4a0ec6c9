"""opentelemetry-instrumentation-openai-v2: the conventions of the version that the variable
`OTEL_SEMCONV_STABILITY_OPT_IN` names."""

import openai
from calls import every_call  # type: ignore[import-not-found]
from exports import Providers  # type: ignore[import-not-found]
from opentelemetry.instrumentation.openai_v2 import (  # type: ignore[import-not-found]
    OpenAIInstrumentor,
)

providers = Providers()
OpenAIInstrumentor().instrument()
for call in every_call(openai):
    call()
providers.close()
