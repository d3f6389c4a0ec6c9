"""llama-cpp-python: calls of a `Llama` in this process."""

import functools
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any, Final, Literal, TypeAlias

from tachograph._internal.client import current_client
from tachograph._internal.engines.local import (
    LocalGeneration,
    arguments_of,
    current_state,
    inside,
    is_recordable,
    note_times,
)
from tachograph._internal.errors import contained
from tachograph._internal.generation import note_perplexity
from tachograph._internal.openai.assembly import Assembly
from tachograph._internal.openai.reading import note_answer, note_identity, note_usage, read
from tachograph._internal.openai.streams import RecordedStream, StreamRecord
from tachograph._internal.wrap_arguments import WrapArguments
from tachograph.semconv import attributes

Operation: TypeAlias = Literal["chat", "text_completion", "embeddings"]

_METHODS: Final[tuple[tuple[str, Operation, str], ...]] = (
    ("create_chat_completion", "chat", "messages"),
    ("create_completion", "text_completion", "prompt"),
    ("create_embedding", "embeddings", "input"),
)


def wrap_engine(llm: Any, given: WrapArguments) -> None:
    """Record the calls of one `llama_cpp.Llama`."""
    for name, operation, content in _METHODS:
        original = getattr(llm, name, None)
        if callable(original):
            how = _How(llm, operation, content, given)
            setattr(llm, name, _recording(original, how))
    llm.generate = _metered(llm.generate)


class _How:
    """How calls of one method are recorded."""

    def __init__(self, llm: Any, operation: Operation, content: str, given: WrapArguments) -> None:
        self.llm = llm
        self.operation = operation
        self.content = content
        self.provider = given.provider or "llama_cpp"
        self.measures_perplexity = given.perplexity
        self.model = PurePath(str(llm.model_path)).name


class _Meter:
    """What the engine did for one call, noted where it makes its tokens."""

    def __init__(self, llm: Any, measures_perplexity: bool) -> None:
        self._llm = llm
        self._measures_perplexity = measures_perplexity
        self._started_at = 0.0
        self._first_at = 0.0
        self._last_at = 0.0
        self._last_token = -1
        self._count = 0
        self.input_tokens: int | None = None
        self.log_probability: float | None = None

    def begin(self, prompt: Any) -> None:
        self.input_tokens = len(prompt)
        self._started_at = self._last_at = time.perf_counter()

    def token(self, token: int) -> None:
        self._last_at = time.perf_counter()
        if self._count == 0:
            self._first_at = self._last_at
        self._count += 1
        self._last_token = token
        if self._measures_perplexity:
            with contained("reading log-probabilities"):
                self.log_probability = (self.log_probability or 0.0) + self._log_probability(token)

    def _log_probability(self, token: int) -> float:
        engine, numpy = sys.modules["llama_cpp"], sys.modules["numpy"]  # one brings the other
        pointer = engine.llama_get_logits_ith(self._llm.ctx, -1)
        logits = numpy.ctypeslib.as_array(pointer, shape=(self._llm.n_vocab(),))
        highest = float(logits.max())
        total = float(numpy.exp(logits - highest, dtype=numpy.float64).sum())
        return float(logits[token]) - highest - float(numpy.log(total))

    @property
    def made_tokens(self) -> int:
        """Tokens made, the one that ends the answer included."""
        return self._count

    @property
    def output_tokens(self) -> int | None:
        """Tokens of the answer as the engine counts them: without the one that ends it."""
        if self.input_tokens is None:
            return None
        is_end = False
        if self._count:
            with contained("asking which tokens end an answer"):
                engine = sys.modules["llama_cpp"]
                is_end = engine.llama_vocab_is_eog(self._llm._model.vocab, self._last_token)
        return self._count - bool(is_end)

    def times(self) -> tuple[float | None, float | None]:
        """Seconds of prefill and decode."""
        if not self._count:
            return None, None
        return self._first_at - self._started_at, self._last_at - self._first_at


def _metered(generate: Callable[..., Iterator[int]]) -> Callable[..., Iterator[int]]:
    @functools.wraps(generate)
    def metered(tokens: Any, *args: Any, **kwargs: Any) -> Iterator[int]:
        meter = current_state()
        if not isinstance(meter, _Meter):
            return generate(tokens, *args, **kwargs)
        return _count(meter, tokens, generate(tokens, *args, **kwargs))

    return metered


def _count(meter: _Meter, tokens: Any, made: Any) -> Iterator[int]:
    """A generator as `Llama.generate` is: tokens out, draft tokens in."""
    meter.begin(tokens)
    sent = None
    try:
        while True:
            try:
                token = next(made) if sent is None else made.send(sent)
            except StopIteration:
                return
            meter.token(token)
            sent = yield token
    finally:
        made.close()


def _recording(original: Callable[..., Any], how: _How) -> Callable[..., Any]:
    @functools.wraps(original)
    def recording(*args: Any, **kwargs: Any) -> Any:
        if not is_recordable():
            return original(*args, **kwargs)
        generation = _begin(how, arguments_of(original, args, kwargs))
        meter = _Meter(how.llm, how.measures_perplexity)
        try:
            with inside(meter):
                answer = original(*args, **kwargs)
        except BaseException as error:
            generation.error(error)
            generation._end()
            raise
        with contained("recording an answer"):
            if isinstance(answer, Iterator):
                return _recorded_stream(generation, meter, answer)
            if how.operation == "embeddings":
                note_identity(generation, answer)
                note_usage(generation, read(answer, "usage"))
            else:
                note_answer(generation, answer)
            _finish(generation, meter)
        return answer

    return recording


def _begin(how: _How, arguments: dict[str, Any]) -> LocalGeneration:
    model = arguments.get("model")
    generation = LocalGeneration(
        model if isinstance(model, str) else how.model,
        operation=how.operation,
        provider=how.provider,
        parameters=arguments,
    )
    if how.operation != "embeddings":
        if isinstance(is_streaming := arguments.get("stream"), bool):
            generation._facts[attributes.REQUEST_STREAM] = is_streaming
        content = arguments.get(how.content)
        if isinstance(content, str) or how.operation == "chat":
            generation.messages = content or ()
    with contained("starting a call"):
        generation._start()
    return generation


def _finish(generation: LocalGeneration, meter: _Meter) -> None:
    with contained("ending a call"):
        facts = generation._facts
        answered = facts.get(attributes.RESPONSE_MODEL)
        if isinstance(answered, str):  # the file's whole path, where the caller named no model
            facts[attributes.RESPONSE_MODEL] = PurePath(answered).name
        if meter.input_tokens is not None:
            facts.setdefault(attributes.USAGE_INPUT_TOKENS, meter.input_tokens)
        output_tokens = meter.output_tokens
        if output_tokens is not None:
            facts.setdefault(attributes.USAGE_OUTPUT_TOKENS, output_tokens)
        prefill_s, decode_s = meter.times()
        note_times(generation, prefill_s=prefill_s, decode_s=decode_s)
        note_perplexity(generation, meter.log_probability, meter.made_tokens)
        generation._end()


class _Steps:
    """A stream of the engine's, every step of it inside the call that is recorded."""

    def __init__(self, stream: Iterator[Any], meter: _Meter) -> None:
        self._stream = stream
        self._meter = meter

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if current_client() is None:
            return next(self._stream)
        with inside(self._meter):
            return next(self._stream)

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


def _recorded_stream(
    generation: LocalGeneration, meter: _Meter, answer: Iterator[Any]
) -> RecordedStream:
    def ended(error: BaseException | None, is_abandoned: bool) -> None:
        if error is not None:
            generation.error(error)
        if is_abandoned:
            generation._facts[attributes.CLIENT_DISCONNECTED] = True
        _finish(generation, meter)

    assembly = Assembly(
        generation,
        keeps_text=generation._records_content,
        max_characters=generation._max_attribute_bytes,
    )
    record = StreamRecord(generation, generation._timing, assembly, ended, withholds_usage=False)
    return RecordedStream(_Steps(answer, meter), record)
