"""`transformers`: `generate` of a model, and text-generation pipelines, in this process."""

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from tachograph._internal.engines.decoding import Decoding
from tachograph._internal.engines.local import (
    Batch,
    LocalGeneration,
    current_state,
    inside,
    is_recordable,
    note_times,
)
from tachograph._internal.errors import contained
from tachograph._internal.generation import note_perplexity
from tachograph._internal.wrap_arguments import WrapArguments

_STOPPING_CRITERIA_POSITION: Final = 3
"""Of `generate`'s arguments after `self`; given by position it is the application's alone."""


def wrap_engine(engine: Any, given: WrapArguments) -> None:
    """Record a model's `generate`, or what a pipeline makes its model generate."""
    model = getattr(engine, "model", None)
    if callable(getattr(engine, "generate", None)):
        engine.generate = _recording(engine, given)
    elif model is not None and callable(getattr(model, "generate", None)):
        tokenizer = given.tokenizer or getattr(engine, "tokenizer", None)
        with_tokenizer = WrapArguments(
            given.provider, tokenizer=tokenizer, perplexity=given.perplexity
        )
        if not hasattr(model, "_tachograph_is_wrapped"):
            model._tachograph_is_wrapped = True
            model.generate = _recording(model, with_tokenizer)
        engine._forward = _with_prompt(engine._forward)


class _Asked:
    """What a pipeline was asked, before it became tokens."""

    def __init__(self, prompt: object) -> None:
        chat = getattr(prompt, "messages", None)
        self.is_chat = chat is not None
        self.messages: Any = chat if chat is not None else prompt


def _with_prompt(forward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(forward)
    def with_prompt(model_inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_recordable() or not isinstance(model_inputs, Mapping):
            return forward(model_inputs, *args, **kwargs)
        with inside(_Asked(model_inputs.get("prompt_text"))):
            return forward(model_inputs, *args, **kwargs)

    return with_prompt


def _recording(model: Any, given: WrapArguments) -> Callable[..., Any]:
    original = model.generate

    @functools.wraps(original)
    def generate(*args: Any, **kwargs: Any) -> Any:
        asked = current_state()
        if not (is_recordable() or isinstance(asked, _Asked)):
            return original(*args, **kwargs)
        run = None
        with contained("beginning a call"):
            run = _Run(model, given, asked if isinstance(asked, _Asked) else None, args, kwargs)
        if run is None:
            return original(*args, **kwargs)
        try:
            with inside(run), run.decoding:
                output = original(*args, **run.arguments(kwargs))
        except BaseException as error:
            run.batch.fail(error)
            raise
        with contained("recording answers"):
            run.conclude(output)
        run.batch.end()
        return output

    return generate


class _Run:
    """One call of `generate`: a span for each prompt of its batch."""

    def __init__(
        self,
        model: Any,
        given: WrapArguments,
        asked: _Asked | None,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._tokenizer = given.tokenizer
        self._config = _generation_config(model, args, kwargs)
        ids = kwargs.get("input_ids", kwargs.get("inputs", args[0] if args else None))
        self._prompts = ids if getattr(ids, "ndim", 0) == 2 else None
        mask = kwargs.get("attention_mask")
        self._mask = mask if getattr(mask, "ndim", 0) == 2 else None
        self._takes_criteria = len(args) <= _STOPPING_CRITERIA_POSITION
        self._has_prompt_in_output = not getattr(model.config, "is_encoder_decoder", False)
        self.decoding = Decoding(
            model,
            end_tokens=self._end_tokens(),
            measures_perplexity=given.perplexity and self._setting("num_beams", 1) == 1,
        )
        count = 1 if self._prompts is None else len(self._prompts)
        operation = "chat" if asked is not None and asked.is_chat else "text_completion"
        generations = [
            LocalGeneration(
                _model_name(model),
                operation=operation,
                provider=given.provider or "hugging_face",
                parameters=self._parameters(),
            )
            for _ in range(count)
        ]
        self.batch = Batch(generations)
        for row, generation in enumerate(generations):
            if generation._records_content:
                generation.messages = self._asked_of(row, asked, count)
            generation.usage(input_tokens=self._input_tokens(row))

    def arguments(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of the call, with a criterion that never stops and keeps the time."""
        if not self._takes_criteria:
            return dict(kwargs)
        from transformers import StoppingCriteriaList

        given = kwargs.get("stopping_criteria") or ()
        return {**kwargs, "stopping_criteria": StoppingCriteriaList([*given, self.decoding])}

    def conclude(self, output: Any) -> None:
        """Record what came back: token ids, alone or among other things."""
        sequences = getattr(output, "sequences", output)
        rows = len(sequences) // len(self.batch.generations)
        start = 0
        if self._has_prompt_in_output and self._prompts is not None:
            start = self._prompts.shape[1]
        prefill_s, decode_s = self.decoding.times()
        for number, generation in enumerate(self.batch.generations):
            made, reasons, messages = 0, [], []
            for row in range(number * rows, (number + 1) * rows):
                tokens, reason = self._cut(sequences[row, start:].tolist())
                made += len(tokens)
                reasons.append(reason)
                if self._tokenizer is not None and generation._records_content:
                    text = self._tokenizer.decode(tokens, skip_special_tokens=True)
                    messages.append({"role": "assistant", "content": text, "finish_reason": reason})
            generation.usage(output_tokens=made)
            generation.response(finish_reasons=reasons)
            if messages:
                generation.completion = messages
            note_times(generation, prefill_s=prefill_s, decode_s=decode_s)
            note_perplexity(
                generation, *self.decoding.log_probability(number * rows, (number + 1) * rows)
            )

    def _cut(self, tokens: list[int]) -> tuple[list[int], str]:
        """The tokens up to the one that ends the answer, and why it ended; padding follows."""
        ends = self._end_tokens()
        for position, token in enumerate(tokens):
            if token in ends:
                return tokens[: position + 1], "stop"
        most = self._max_tokens()
        return tokens, "length" if most is not None and len(tokens) >= most else "stop"

    def _asked_of(self, row: int, asked: _Asked | None, count: int) -> Any:
        if asked is not None and count == 1:
            return asked.messages
        if self._prompts is None or self._tokenizer is None:
            return ()
        tokens = self._prompts[row]
        if self._mask is not None:
            tokens = tokens[self._mask[row].bool()]
        return self._tokenizer.decode(tokens.tolist())

    def _input_tokens(self, row: int) -> int | None:
        if self._mask is not None:
            return int(self._mask[row].sum())
        return None if self._prompts is None else int(self._prompts.shape[1])

    # --- the settings in force: arguments of the call before those of the model

    def _setting(self, name: str, default: Any = None) -> Any:
        value = self._config.get(name)
        return default if value is None else value

    def _max_tokens(self) -> int | None:
        most = self._setting("max_new_tokens")
        if isinstance(most, int):
            return most
        total = self._setting("max_length")
        if not isinstance(total, int) or self._prompts is None:
            return None
        return total - (int(self._prompts.shape[1]) if self._has_prompt_in_output else 0)

    def _end_tokens(self) -> frozenset[int]:
        given = self._setting("eos_token_id")
        if hasattr(given, "tolist"):
            given = given.tolist()
        return frozenset([given] if isinstance(given, int) else given or ())

    def _parameters(self) -> dict[str, Any]:
        found = {"max_tokens": self._max_tokens()}
        if (count := self._setting("num_return_sequences", 1)) != 1:
            found["n"] = count
        if self._setting("do_sample", False):  # greedy decoding does not look at these
            found |= {name: self._setting(name) for name in ("temperature", "top_p", "top_k")}
        return found


def _generation_config(
    model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    stated = kwargs.get("generation_config", args[1] if len(args) > 1 else None)
    for source in (getattr(model, "generation_config", None), stated):
        if source is not None:
            found |= {name: value for name, value in vars(source).items() if value is not None}
    return {**found, **kwargs}


def _model_name(model: Any) -> str:
    name = str(getattr(model, "name_or_path", "") or getattr(model.config, "name_or_path", ""))
    if not name:
        return type(model).__name__
    return PurePath(name).name if os.path.isdir(name) else name
