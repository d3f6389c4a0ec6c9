"""vLLM's offline `LLM`: a span for each request of a batch, with the engine's own times.

Written against vLLM's source: `RequestOutput` and its `metrics`, which were `RequestMetrics` (wall
clock) up to 0.9, `RequestStateStats` of the V1 engine first with `…_time` and then with `…_ts` (the
engine's monotonic clock) since. They are absent unless `disable_log_stats=False`.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, Literal, TypeAlias

from tachograph._internal.engines.local import (
    Batch,
    LocalGeneration,
    arguments_of,
    end,
    inside,
    is_recordable,
    note_times,
)
from tachograph._internal.errors import contained
from tachograph._internal.generation import REQUEST_ATTRIBUTES, note_perplexity
from tachograph._internal.openai.reading import items, read
from tachograph._internal.wrap_arguments import WrapArguments

Operation: TypeAlias = Literal["chat", "text_completion", "embeddings"]

_METHODS: Final[tuple[tuple[str, Operation], ...]] = (
    ("generate", "text_completion"),
    ("chat", "chat"),
    ("embed", "embeddings"),
)


def wrap_engine(llm: Any, given: WrapArguments) -> None:
    """Record the calls of one `vllm.LLM`."""
    for name, operation in _METHODS:
        original = getattr(llm, name, None)
        if callable(original):
            setattr(llm, name, _recording(llm, original, operation, given.provider or "vllm"))


def _recording(
    llm: Any, original: Callable[..., Any], operation: Operation, provider: str
) -> Callable[..., Any]:
    @functools.wraps(original)
    def recording(*args: Any, **kwargs: Any) -> Any:
        if not is_recordable():
            return original(*args, **kwargs)
        batch = None
        with contained("beginning a call"):
            arguments = arguments_of(original, args, kwargs)
            batch = Batch(_generations(llm, operation, provider, arguments))
        try:
            with inside(batch):
                outputs = original(*args, **kwargs)
        except BaseException as error:
            if batch is not None:
                batch.fail(error)
            raise
        if batch is not None:
            with contained("recording answers"):
                for generation, output in zip(batch.generations, items(outputs), strict=False):
                    assert isinstance(generation, LocalGeneration)
                    _note_output(generation, operation, output)
            batch.end()
        return outputs

    return recording


def _generations(
    llm: Any, operation: Operation, provider: str, arguments: Mapping[str, Any]
) -> list[LocalGeneration]:
    model = _model_name(llm)
    contents = _contents(operation, arguments)
    parameters = arguments.get("sampling_params")
    if parameters is None and operation != "embeddings":
        with contained("reading default sampling parameters"):
            parameters = llm.get_default_sampling_params()
    each = parameters if isinstance(parameters, list | tuple) else [parameters] * len(contents)
    found = []
    for content, of_one in zip(contents, each, strict=False):
        generation = LocalGeneration(
            model, operation=operation, provider=provider, parameters=_parameters(of_one)
        )
        if content is not None and operation != "embeddings":
            generation.messages = content
        found.append(generation)
    return found


def _model_name(llm: Any) -> str:
    config = getattr(llm, "model_config", None) or getattr(llm.llm_engine, "model_config", None)
    name = str(getattr(config, "served_model_name", None) or getattr(config, "model", "unknown"))
    return PurePath(name).name if PurePath(name).is_absolute() else name


def _contents(operation: Operation, arguments: Mapping[str, Any]) -> list[Any]:
    """What each request of a batch asks; None where only its tokens are known."""
    if operation == "chat":
        messages = arguments.get("messages")
        if not isinstance(messages, Sequence):
            return [messages]
        is_batch = bool(messages) and isinstance(messages[0], list | tuple)
        return list(messages) if is_batch else [messages]
    prompts = arguments.get("prompts")
    if prompts is None:  # older releases: tokens in an argument of their own
        prompts = arguments.get("prompt_token_ids")
    if not isinstance(prompts, list | tuple) or (prompts and isinstance(prompts[0], int)):
        return [_text(prompts)]
    return [_text(prompt) for prompt in prompts]


def _text(prompt: Any) -> str | None:
    text = prompt.get("prompt") if isinstance(prompt, Mapping) else prompt
    return text if isinstance(text, str) else None


def _parameters(sampling: object) -> dict[str, Any]:
    """Fields of a `SamplingParams`; `top_k` of 0 or less means that none is set."""
    found = {name: read(sampling, name) for name in (*REQUEST_ATTRIBUTES, "stop")}
    top_k = found["top_k"]
    if isinstance(top_k, int) and top_k <= 0:
        found["top_k"] = None
    return found


def _note_output(generation: LocalGeneration, operation: Operation, output: object) -> None:
    prompt = read(output, "prompt_token_ids")
    generation.usage(
        input_tokens=None if prompt is None else len(prompt),
        cached_input_tokens=read(output, "num_cached_tokens"),
    )
    identity = read(output, "request_id")
    generation.response(id=identity if isinstance(identity, str) else None)
    duration_s = None
    if operation != "embeddings":
        _note_choices(generation, read(output, "outputs"))
        duration_s = _note_metrics(generation, read(output, "metrics"))
    end(generation, duration_s=duration_s)


def _note_choices(generation: LocalGeneration, choices: object) -> None:
    made, weighed, messages, reasons = 0, 0, [], []
    log_probability: float | None = None
    for choice in items(choices):
        count = len(read(choice, "token_ids") or ())
        made += count
        reason = read(choice, "finish_reason")
        if isinstance(reason, str):
            reasons.append(reason)
        messages.append(
            {"role": "assistant", "content": read(choice, "text"), "finish_reason": reason}
        )
        cumulative = read(choice, "cumulative_logprob")
        if isinstance(cumulative, int | float):
            log_probability = (log_probability or 0.0) + cumulative
            weighed += count
    generation.usage(output_tokens=made)
    generation.response(finish_reasons=reasons)
    note_perplexity(generation, log_probability, weighed)
    if messages:
        generation.completion = messages


def _note_metrics(generation: LocalGeneration, metrics: object) -> float | None:
    """The engine's times of a request; returns how long it took in all, seconds."""
    if metrics is None:
        return None
    queued = _first(metrics, "queued_ts", "arrival_time")
    scheduled = _first(metrics, "scheduled_ts", "first_scheduled_time")
    first = _first(metrics, "first_token_ts", "first_token_time")
    last = _first(metrics, "last_token_ts", "finished_time", "last_token_time")
    if read(metrics, "scheduled_ts") is not None and not read(metrics, "queued_ts"):
        queued = None  # the arrival is on another clock
    note_times(
        generation,
        queue_s=_between(queued, scheduled),
        prefill_s=_between(scheduled, first),
        decode_s=_between(first, last),
    )
    return _between(queued, last)


def _first(metrics: object, *names: str) -> float | None:
    """The first of these that is set; an unset one is None or 0."""
    for name in names:
        value = read(metrics, name)
        if isinstance(value, int | float) and value > 0:
            return float(value)
    return None


def _between(start: float | None, stop: float | None) -> float | None:
    return None if start is None or stop is None else stop - start
