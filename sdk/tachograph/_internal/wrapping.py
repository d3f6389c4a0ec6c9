"""`wrap`: one function for everything that answers."""

from importlib import import_module
from typing import Final, TypeVar

from tachograph._internal.engines.local import mark_wrapped
from tachograph._internal.errors import contained
from tachograph._internal.openai.wrapping import wrap_openai
from tachograph._internal.wrap_arguments import WrapArguments

C = TypeVar("C")


def wrap(
    client: C,
    *,
    provider: str | None = None,
    ask_usage: bool = False,
    propagate: bool | None = None,
    tokenizer: object = None,
    perplexity: bool = False,
) -> C:
    """Record every call of a model client or of an engine in this process.

        client = tachograph.wrap(openai.OpenAI(base_url="http://127.0.0.1:8787/v1"))
        llm = tachograph.wrap(vllm.LLM("meta-llama/Llama-3.1-8B-Instruct"))

    Takes `openai.OpenAI`, `AsyncOpenAI` and what has their shape (chat completions, responses,
    completions, embeddings, streamed or not); `ollama.Client` and `AsyncClient`; and engines
    without a server: `vllm.LLM`, `llama_cpp.Llama`, models and text-generation pipelines of
    `transformers` (and `peft`). Returns the same object, which behaves as before: answers, chunks
    and errors are its own, unchanged. An OpenAI client's `with_options` gives recorded clients.

    `provider` names who answers (`gen_ai.provider.name`, e.g. `vllm`); known services and engines
    are recognised. `ask_usage` asks streams of OpenAI's protocol for token counts where the
    application did not, and keeps the extra chunk from it; without it such streams have none.
    Each request over the network carries `x-request-id` and `traceparent`, unless the application
    sets them; `propagate` sends tenant, user, session and variant along (default: only to
    addresses on this machine or in a private network). `tokenizer` turns the tokens of a bare
    `transformers` model into text for the record. `perplexity` measures it where the engine lets
    its probabilities be seen (`transformers`, `llama_cpp`; `vllm` gives it when asked for
    `logprobs`), at the cost of one more pass over the logits of each token.
    """
    with contained("wrapping a client"):
        given = WrapArguments(provider, ask_usage, propagate, tokenizer, perplexity)
        engine = _engine_of(client)
        if engine is None:
            wrap_openai(client, given)
        elif mark_wrapped(client):
            import_module(f"tachograph._internal.engines.{engine}").wrap_engine(client, given)
    return client


_ENGINES: Final = {
    "llama_cpp": "llama_cpp",
    "ollama": "ollama",
    "peft": "transformers",
    "transformers": "transformers",
    "vllm": "vllm",
}
"""Package that a class comes from -> module that wraps its objects. All others have OpenAI's
shape, or nothing to record."""


def _engine_of(client: object) -> str | None:
    """By the package that the class or one of its bases comes from; none is imported for it."""
    for kind in type(client).__mro__:
        engine = _ENGINES.get(kind.__module__.partition(".")[0])
        if engine is not None:
            return engine
    return None
