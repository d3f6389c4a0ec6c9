"""The `ollama` client: chat, generate and embeddings over Ollama's own protocol."""

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal, TypeAlias

from tachograph._internal.client import current_client
from tachograph._internal.engines.local import arguments_of, note_times
from tachograph._internal.engines.ollama_answer import OllamaAnswer
from tachograph._internal.errors import contained
from tachograph._internal.facts import current_facts
from tachograph._internal.generation import Generation, note_perplexity
from tachograph._internal.openai.endpoints import endpoint_of
from tachograph._internal.openai.headers import joining_headers
from tachograph._internal.openai.reading import read
from tachograph._internal.openai.streams import RecordedAsyncStream, RecordedStream, StreamRecord
from tachograph._internal.wrap_arguments import WrapArguments
from tachograph.semconv import attributes, headers

Operation: TypeAlias = Literal["chat", "text_completion", "embeddings"]

_METHODS: Final[tuple[tuple[str, Operation], ...]] = (
    ("chat", "chat"),
    ("generate", "text_completion"),
    ("embed", "embeddings"),
    ("embeddings", "embeddings"),
)


def wrap_engine(client: Any, given: WrapArguments) -> None:
    """Record the calls of one `ollama.Client` or `ollama.AsyncClient`."""
    http = client._client
    is_async = inspect.iscoroutinefunction(http.request)
    endpoint = endpoint_of(http.base_url)
    propagates = endpoint.is_own if given.propagate is None else given.propagate
    for name, operation in _METHODS:
        original = getattr(client, name, None)
        if callable(original):
            how = _How(operation, given.provider or "ollama", endpoint.host, endpoint.port)
            setattr(client, name, _recording(original, how))
    # The client has no argument for headers; the HTTP client below it calls these.
    sent, came = _hooks(propagates)
    hooks = http.event_hooks
    hooks["request"].append(_awaitable(sent) if is_async else sent)
    hooks["response"].append(_awaitable(came) if is_async else came)
    http.event_hooks = hooks


class _How:
    def __init__(
        self, operation: Operation, provider: str, host: str | None, port: int | None
    ) -> None:
        self.operation = operation
        self.provider = provider
        self.host = host
        self.port = port


_current: ContextVar["_Call | None"] = ContextVar("tachograph_ollama_call", default=None)


def _hooks(propagates: bool) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    def sent(request: Any) -> None:
        call = _current.get()
        if call is not None:
            with contained("adding request headers"):
                call.add_headers(request.headers, propagates)

    def came(response: Any) -> None:
        call = _current.get()
        if call is not None and response.headers.get(headers.COUNTED_BY):
            call.generation._facts[attributes.COUNTED] = False

    return sent, came


def _awaitable(hook: Callable[[Any], None]) -> Callable[[Any], Awaitable[None]]:
    async def awaitable(about: Any) -> None:
        hook(about)

    return awaitable


class _Call:
    """The recording of one call."""

    def __init__(self, how: _How, arguments: Mapping[str, Any]) -> None:
        self._how = how
        options = arguments.get("options")
        parameters = {name: read(options, name) for name in _OPTIONS} if options else {}
        parameters["max_tokens"] = parameters.pop("num_predict", None)
        self.generation = Generation(
            str(arguments.get("model", "unknown")),
            operation=how.operation,
            provider=how.provider,
            parameters=parameters,
        )
        facts = self.generation._facts
        if how.host is not None:
            facts[attributes.SERVER_ADDRESS] = how.host
        if how.port is not None:
            facts[attributes.SERVER_PORT] = how.port
        if how.operation != "embeddings":
            facts[attributes.REQUEST_STREAM] = arguments.get("stream") is True
            if arguments.get("format"):
                facts[attributes.OUTPUT_TYPE] = "json"
            self.generation.messages = _asked(how.operation, arguments)
        self.generation._start()
        if arguments.get("tools"):
            tools = [tool for tool in arguments["tools"] if not callable(tool)]
            self.generation._put(attributes.TOOL_DEFINITIONS, "json", tools)
        self.answer = OllamaAnswer(self.generation)

    def add_headers(self, sent: Any, propagates: bool) -> None:
        added, request_id = joining_headers(
            sent,
            (),
            span_context=self.generation._span_context,
            facts=current_facts(),
            capture=self.generation._capture,
            is_own=propagates,
        )
        sent.update(added)
        if request_id is not None:
            self.generation._facts[attributes.REQUEST_ID] = request_id

    def fail(self, error: BaseException) -> None:
        with contained("recording a failed call"):
            self.end(error, False)

    def conclude(self, answer: Any) -> Any:
        """Record the answer; returns what the application gets."""
        with contained("recording an answer"):
            if isinstance(answer, AsyncIterator):
                return RecordedAsyncStream(_AsyncSteps(answer, self), self._stream_record())
            if isinstance(answer, Iterator):
                return RecordedStream(_Steps(answer, self), self._stream_record())
            self.answer.add(answer)
            self.answer.finish()
        with contained("ending a call"):
            self.end(None, False)
        return answer

    def _stream_record(self) -> StreamRecord:
        return StreamRecord(
            self.generation, self.generation._timing, self.answer, self.end, withholds_usage=False
        )

    def end(self, error: BaseException | None, is_abandoned: bool) -> None:
        generation = self.generation
        if error is not None:
            generation.error(error)
        if is_abandoned:
            generation._facts[attributes.CLIENT_DISCONNECTED] = True
        times = self.answer.times
        note_times(
            generation, queue_s=times.queue_s, prefill_s=times.prefill_s, decode_s=times.decode_s
        )
        note_perplexity(generation, self.answer.log_probability, self.answer.weighed_tokens)
        generation._end()


_OPTIONS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "num_predict",
    "stop",
    "presence_penalty",
    "frequency_penalty",
)


def _asked(operation: Operation, arguments: Mapping[str, Any]) -> Any:
    if operation == "chat":
        return arguments.get("messages") or ()
    prompt, system = arguments.get("prompt") or "", arguments.get("system")
    if not system:
        return prompt
    return [{"role": "system", "content": system}, {"role": "user", "content": prompt}]


def _recording(original: Callable[..., Any], how: _How) -> Callable[..., Any]:
    @functools.wraps(original)
    def recording(*args: Any, **kwargs: Any) -> Any:
        call = None
        if current_client() is not None:
            with contained("beginning a call"):
                call = _Call(how, arguments_of(original, args, kwargs))
        if call is None:
            return original(*args, **kwargs)
        if inspect.iscoroutinefunction(original):
            return _finish_async(call, original(*args, **kwargs))
        try:
            with _active(call):
                answer = original(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        return call.conclude(answer)

    return recording


async def _finish_async(call: _Call, pending: Awaitable[Any]) -> Any:
    try:
        with _active(call):
            answer = await pending
    except BaseException as error:
        call.fail(error)
        raise
    return call.conclude(answer)


@contextmanager
def _active(call: _Call) -> Iterator[None]:
    """The hooks of the HTTP client find the call, and its span is the current one."""
    token = _current.set(call)
    try:
        with call.generation._active():
            yield
    finally:
        _current.reset(token)


class _Steps:
    """A stream whose every step finds the call: the request is sent by the first of them."""

    def __init__(self, stream: Any, call: _Call) -> None:
        self._stream = stream
        self._call = call

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        with _active(self._call):
            return next(self._stream)

    def close(self) -> None:
        self._stream.close()


class _AsyncSteps:
    def __init__(self, stream: Any, call: _Call) -> None:
        self._stream = stream
        self._call = call

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        with _active(self._call):
            return await self._stream.__anext__()

    async def close(self) -> None:
        await self._stream.aclose()

    aclose = close
