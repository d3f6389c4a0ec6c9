"""Self-consistency: does the model say the same when it is asked again?

What a model knows it repeats; what it invents differs from sample to sample (SelfCheckGPT, Manakul
et al. 2023, https://aclanthology.org/2023.emnlp-main.557). Each sentence of the answer is held
against each sample as if that were its context.
"""

from collections.abc import Sequence

from tachograph_evaluators.judges.grounding_evidence import Evidence, probability
from tachograph_evaluators.judges.llm_client import ChatClient, Reply
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.support import Context
from tachograph_evaluators.judges.text import Span, is_readable

MIN_SAMPLES = 2
"""Fewer say nothing."""

_MAX_SAMPLE_TOKENS = 512
_MAX_SAMPLE_CHARS = 8000


def agreement(parts: Sequence[Span], samples: Sequence[str]) -> list[float]:
    """For each sentence, how far the samples say it too: a mean over them, in [0, 1]."""
    readable = [sample[:_MAX_SAMPLE_CHARS] for sample in samples if is_readable(sample)]
    contexts = [Context(sample, encoder()) for sample in readable]
    encoder().encode([text for context in contexts for text in context.texts(parts)])
    columns = [
        [probability(Evidence(*feature)) for feature in context.measure(parts)]
        for context in contexts
    ]
    return [sum(row) / len(row) for row in zip(*columns, strict=True)]


def ask_again(client: ChatClient, prompt: str, count: int, max_chars: int) -> list[Reply]:
    """Fresh answers of the engine to the same prompt. Raises EndpointError."""
    messages = [{"role": "user", "content": prompt[:max_chars].encode("utf-8", "replace").decode()}]
    return [
        client.chat(messages, temperature=1.0, seed=number, max_tokens=_MAX_SAMPLE_TOKENS)
        for number in range(count)
    ]
