"""What Ollama answers, whole or object by object, and the engine's own times in the last one."""

from dataclasses import dataclass
from typing import Any

from tachograph._internal.generation import Generation
from tachograph._internal.openai.reading import items, read


@dataclass(slots=True)
class OllamaTimes:
    """Seconds on the engine's clock; loading the model is time that the request waited."""

    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None


class OllamaAnswer:
    """Gathers the objects of one answer."""

    def __init__(self, generation: Generation) -> None:
        self._generation = generation
        self._room = generation._max_attribute_bytes if generation._records_content else -1
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls: list[Any] = []
        self._reason: str | None = None
        self.times = OllamaTimes()
        self.log_probability: float | None = None
        self.weighed_tokens = 0

    def add(self, part: object) -> bool:
        """Take one object in; True when it carries a part of the answer."""
        model = read(part, "model")
        if isinstance(model, str) and model:
            self._generation.response(model=model)
        message = read(part, "message")
        source = part if message is None else message
        text = read(source, "response" if message is None else "content")
        thinking, calls = read(source, "thinking"), items(read(source, "tool_calls"))
        self._keep(self._text, text)
        self._keep(self._reasoning, thinking)
        if self._room >= 0:
            self._tool_calls += calls
        for weighed in items(read(part, "logprobs")):
            value = read(weighed, "logprob")
            if isinstance(value, int | float):
                self.log_probability = (self.log_probability or 0.0) + value
                self.weighed_tokens += 1
        self._read_end(part)
        return bool(text or thinking or calls)

    def _read_end(self, part: object) -> None:
        reason = read(part, "done_reason")
        if isinstance(reason, str):
            self._reason = reason
        self._generation.usage(
            input_tokens=_count(read(part, "prompt_eval_count")),
            output_tokens=_count(read(part, "eval_count")),
        )
        for name, field in (
            ("queue_s", "load_duration"),
            ("prefill_s", "prompt_eval_duration"),
            ("decode_s", "eval_duration"),
        ):
            nanoseconds = _count(read(part, field))
            if nanoseconds is not None:
                setattr(self.times, name, nanoseconds / 1e9)

    def finish(self) -> None:
        """Write what was gathered into the generation."""
        if self._reason is not None:
            self._generation.response(finish_reasons=[self._reason])
        if self._text or self._reasoning or self._tool_calls:
            self._generation.completion = {
                "role": "assistant",
                "content": "".join(self._text) if self._text else None,
                "reasoning_content": "".join(self._reasoning) if self._reasoning else None,
                "tool_calls": self._tool_calls,
                "finish_reason": self._reason,
            }

    def _keep(self, pieces: list[str], piece: object) -> None:
        # One character beyond the bound is kept, so that the cut is seen and marked as one.
        if isinstance(piece, str) and piece and self._room >= 0:
            pieces.append(piece[: self._room + 1])
            self._room -= len(piece)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
