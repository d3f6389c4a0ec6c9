"""Let a client of the `openai` package record its calls."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from tachograph._internal.client import current_client
from tachograph._internal.errors import contained
from tachograph._internal.openai.calls import Call, Shape, WrapOptions
from tachograph._internal.openai.endpoints import endpoint_of
from tachograph._internal.wrap_arguments import WrapArguments

_METHODS: tuple[tuple[str, str, Shape], ...] = (
    ("chat.completions", "create", "chat"),
    ("chat.completions", "parse", "chat"),
    ("completions", "create", "text_completion"),
    ("embeddings", "create", "embeddings"),
    ("responses", "create", "responses"),
    ("responses", "parse", "responses"),
)
_MARK = "_tachograph_is_wrapped"


def wrap_openai(client: Any, given: WrapArguments) -> None:
    """Record the calls of a client that has the shape of `openai.OpenAI` or `AsyncOpenAI`; one
    that has not, or is wrapped already, is left alone."""
    if getattr(client, _MARK, False):
        return
    options = _options(client, given)
    for path, method, shape in _METHODS:
        _patch(client, path, method, shape, options)
    for name in ("copy", "with_options"):
        make = getattr(client, name, None)
        if callable(make):
            setattr(client, name, _wrapping_result(make, given))
    setattr(client, _MARK, True)


def _options(client: Any, given: WrapArguments) -> WrapOptions:
    endpoint = endpoint_of(getattr(client, "base_url", ""))
    if given.provider is not None:
        endpoint = replace(endpoint, provider=given.provider)
    names: frozenset[str] = frozenset()
    with contained("reading the client's default headers"):
        names = frozenset(str(name).lower() for name in getattr(client, "default_headers", {}))
    return WrapOptions(
        endpoint=endpoint,
        default_header_names=names,
        asks_usage=given.ask_usage,
        propagates=endpoint.is_own if given.propagate is None else given.propagate,
    )


def _wrapping_result(make: Callable[..., Any], given: WrapArguments) -> Callable[..., Any]:
    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        client = make(*args, **kwargs)
        with contained("wrapping a client"):
            wrap_openai(client, given)
        return client

    return made


def _patch(client: Any, path: str, method: str, shape: Shape, options: WrapOptions) -> None:
    resource = client
    for name in path.split("."):
        resource = getattr(resource, name, None)
    original = getattr(resource, method, None)
    if not callable(original):
        return
    raw = getattr(getattr(resource, "with_raw_response", None), method, None)
    setattr(resource, method, _recording(original, raw, shape, options))
    # The raw variants are built from the method and cached: forget them, so that the next use
    # builds them from the recording method.
    for name in ("with_raw_response", "with_streaming_response"):
        vars(resource).pop(name, None)


def _recording(
    original: Callable[..., Any],
    raw: Callable[..., Any] | None,
    shape: Shape,
    options: WrapOptions,
) -> Callable[..., Any]:
    @functools.wraps(original)
    def recording(*args: Any, **kwargs: Any) -> Any:
        call = _begin(shape, kwargs, options)
        if call is None:
            return original(*args, **kwargs)
        uses_raw = raw is not None and not call.app_wants_raw
        make = raw if raw is not None and uses_raw else original
        try:
            with call.generation._active():
                answer = make(*args, **call.arguments)
                if not inspect.isawaitable(answer) and uses_raw:
                    call.note_raw(answer)
                    answer = answer.parse()
        except BaseException as error:
            call.fail(error)
            raise
        if inspect.isawaitable(answer):
            return _finish_async(call, answer, uses_raw)
        return _conclude(call, answer, is_async=False)

    return recording


async def _finish_async(call: Call, pending: Awaitable[Any], uses_raw: bool) -> Any:
    try:
        with call.generation._active():
            answer = await pending
            if uses_raw:
                call.note_raw(answer)
                answer = answer.parse()
                if inspect.isawaitable(answer):  # announced for the client's next major version
                    answer = await answer
    except BaseException as error:
        call.fail(error)
        raise
    return _conclude(call, answer, is_async=True)


def _begin(shape: Shape, kwargs: dict[str, Any], options: WrapOptions) -> Call | None:
    with contained("beginning a call"):
        if current_client() is not None:
            return Call(shape, kwargs, options)
    return None


def _conclude(call: Call, answer: Any, *, is_async: bool) -> Any:
    if not call.app_wants_raw:
        return call.conclude(answer, is_async=is_async)
    with contained("recording a raw answer"):
        call.note_raw(answer)
        # Only a body that was read already can be parsed without taking it from the application.
        is_complete = getattr(answer, "is_closed", False)
        is_readable = is_complete and call.arguments.get("stream") is not True
        call.note_answer(answer.parse() if is_readable else None)
    return answer
