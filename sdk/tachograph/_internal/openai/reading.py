"""Facts out of OpenAI-shaped answers, whether they are objects or dicts."""

from collections.abc import Iterable, Mapping
from typing import Any

from tachograph._internal.generation import Generation, note_perplexity


def read(value: object, name: str) -> Any:
    """Field `name` of an object or mapping; None where it has none."""
    if isinstance(value, Mapping):
        return value.get(name)
    return getattr(value, name, None)


def items(value: object) -> Iterable[Any]:
    """The items of a list field; nothing for anything else."""
    return value if isinstance(value, list | tuple) else ()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def note_usage(generation: Generation, usage: object) -> None:
    """Token counts of a `usage` object; the Responses API has names of its own. Cached and
    reasoning tokens are parts, not addends."""
    if usage is None:
        return
    is_response = read(usage, "prompt_tokens") is None and read(usage, "input_tokens") is not None
    asked, said = ("input", "output") if is_response else ("prompt", "completion")
    generation.usage(
        input_tokens=_count(read(usage, f"{asked}_tokens")),
        output_tokens=_count(read(usage, f"{said}_tokens")),
        cached_input_tokens=_count(read(read(usage, f"{asked}_tokens_details"), "cached_tokens")),
        reasoning_tokens=_count(read(read(usage, f"{said}_tokens_details"), "reasoning_tokens")),
    )


def note_identity(generation: Generation, answer: object) -> None:
    """Id and model of an answer or a chunk."""
    identity, model = read(answer, "id"), read(answer, "model")
    generation.response(
        id=identity if isinstance(identity, str) and identity else None,
        model=model if isinstance(model, str) and model else None,
    )


class LogProbabilities:
    """Sum of the natural log-probabilities of an answer's tokens, where the application asked for
    them (`logprobs`): chat completions and chunks of them."""

    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum = 0.0
        self._count = 0

    def add(self, choice: object) -> None:
        """Take those of one choice in, of a whole answer or of a chunk."""
        for token in items(read(read(choice, "logprobs"), "content")):
            value = read(token, "logprob")
            if isinstance(value, int | float):
                self._sum += value
                self._count += 1

    def note(self, generation: Generation) -> None:
        """Write the perplexity that they make into the generation."""
        note_perplexity(generation, self._sum if self._count else None, self._count)


def note_answer(generation: Generation, answer: object) -> None:
    """Everything that a complete chat or text completion says."""
    note_identity(generation, answer)
    note_usage(generation, read(answer, "usage"))
    messages: list[Any] = []
    reasons: list[str] = []
    probabilities = LogProbabilities()
    for choice in items(read(answer, "choices")):
        probabilities.add(choice)
        reason = read(choice, "finish_reason")
        if isinstance(reason, str):
            reasons.append(reason)
        message = read(choice, "message")
        if message is None:
            message = {"role": "assistant", "content": read(choice, "text")}
        messages.append(_with_reason(message, reason))
    probabilities.note(generation)
    generation.response(finish_reasons=reasons)
    if messages:
        generation.completion = messages


def _with_reason(message: object, reason: object) -> dict[str, Any]:
    fields = ("role", "content", "refusal", "reasoning_content", "reasoning", "tool_calls")
    found = {name: read(message, name) for name in fields}
    return {**found, "finish_reason": reason}
