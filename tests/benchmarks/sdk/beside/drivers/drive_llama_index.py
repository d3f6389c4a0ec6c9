"""A LlamaIndex model, through OpenInference's instrumentation of LlamaIndex."""

import os

from llama_index.core.llms import ChatMessage  # type: ignore[import-not-found]
from llama_index.llms.openai_like import OpenAILike  # type: ignore[import-not-found]
from openinference.instrumentation.llama_index import (  # type: ignore[import-not-found]
    LlamaIndexInstrumentor,
)

import tachograph

tachograph.init(provider=os.environ["PROVIDER"])  # type: ignore[arg-type]
LlamaIndexInstrumentor().instrument()
model = OpenAILike(
    model="m", api_base=os.environ["ENGINE_URL"], api_key="k", is_chat_model=True, max_retries=0
)
with tachograph.span("ours"):
    answer = model.chat([ChatMessage(role="user", content="why is it blue?")])
assert answer.message.content == "The sky is blue."
tachograph.shutdown(10)
