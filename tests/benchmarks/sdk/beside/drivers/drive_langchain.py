"""A LangChain chain, through OpenInference's instrumentation of LangChain."""

import os

from langchain_core.output_parsers import StrOutputParser  # type: ignore[import-not-found]
from langchain_core.prompts import ChatPromptTemplate  # type: ignore[import-not-found]
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]
from openinference.instrumentation.langchain import (  # type: ignore[import-not-found]
    LangChainInstrumentor,
)

import tachograph

tachograph.init(provider=os.environ["PROVIDER"])  # type: ignore[arg-type]
LangChainInstrumentor().instrument()
model = ChatOpenAI(model="m", base_url=os.environ["ENGINE_URL"], api_key="k", max_retries=0)
chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | model | StrOutputParser()
with tachograph.span("ours"):
    assert chain.invoke({"question": "why is it blue?"}) == "The sky is blue."
tachograph.shutdown(10)
