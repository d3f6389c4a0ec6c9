"""The decorator that turns a function's calls into spans."""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, Final, ParamSpec, TypeVar, cast, overload

from tachograph._internal.client import current_client
from tachograph._internal.errors import contained
from tachograph._internal.spans import Span
from tachograph.types import CaptureMode

P = ParamSpec("P")
R = TypeVar("R")

_MAX_ITEMS: Final = 1000
"""Yielded items of a generator that are kept for the record of its output."""


@overload
def observe(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def observe(
    *, name: str | None = None, capture: CaptureMode | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def observe(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    capture: CaptureMode | None = None,
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Record each call of a function as a span, named after it.

        @tachograph.observe
        def answer(question: str) -> str: ...

    Works on functions, coroutine functions, generators and asynchronous generators; a generator's
    span lasts from its first item to its last. Arguments and result are recorded under
    `capture="full"`. The function behaves exactly as without the decorator.
    """
    if function is None:
        return lambda decorated: _observed(decorated, name, capture)
    return _observed(function, name, capture)


def _observed(
    function: Callable[P, R], name: str | None, capture: CaptureMode | None
) -> Callable[P, R]:
    call = _Call(function, name or function.__qualname__, capture)
    wrapper: Callable[..., Any]
    if inspect.isasyncgenfunction(function):
        wrapper = call.async_generator
    elif inspect.isgeneratorfunction(function):
        wrapper = call.generator
    elif inspect.iscoroutinefunction(function):
        wrapper = call.coroutine
    else:
        wrapper = call.plain

    # A function of its own and not the bound method, so that it binds to instances as methods do.
    if inspect.iscoroutinefunction(wrapper):

        @functools.wraps(function)
        async def observed_coroutine(*args: Any, **kwargs: Any) -> Any:
            return await wrapper(args, kwargs)

        return cast(Callable[P, R], observed_coroutine)

    @functools.wraps(function)
    def observed(*args: Any, **kwargs: Any) -> Any:
        return wrapper(args, kwargs)

    return cast(Callable[P, R], observed)


class _Call:
    """How calls of one function are recorded."""

    def __init__(
        self, function: Callable[..., Any], name: str, capture: CaptureMode | None
    ) -> None:
        self._function = function
        self._name = name
        self._capture = capture
        self._signature: inspect.Signature | None = None
        with contained("reading a signature"):
            self._signature = inspect.signature(function)

    def plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if current_client() is None:
            return self._function(*args, **kwargs)
        with self._span() as span:
            self._note_input(span, args, kwargs)
            result = self._function(*args, **kwargs)
            span.set_output(result)
            return result

    async def coroutine(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if current_client() is None:
            return await self._function(*args, **kwargs)
        with self._span() as span:
            self._note_input(span, args, kwargs)
            result = await self._function(*args, **kwargs)
            span.set_output(result)
            return result

    def generator(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Generator[Any, Any, Any]:
        inner: Generator[Any, Any, Any] = self._function(*args, **kwargs)
        span, items = self._begin(args, kwargs)
        step: Callable[[], Any] = functools.partial(next, inner)
        try:
            while True:
                try:
                    with span._active():
                        item = step()
                except StopIteration as stop:
                    return stop.value
                _keep(items, item)
                try:
                    step = functools.partial(inner.send, (yield item))
                except GeneratorExit:
                    with span._active():
                        inner.close()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in: it is the inner one's
                    step = functools.partial(inner.throw, error)
        except GeneratorExit:
            raise
        except BaseException as error:
            span.error(error)
            raise
        finally:
            _finish(span, items)

    async def async_generator(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> AsyncGenerator[Any, Any]:
        inner: AsyncGenerator[Any, Any] = self._function(*args, **kwargs)
        span, items = self._begin(args, kwargs)
        step: Callable[[], Any] = inner.__anext__
        try:
            while True:
                try:
                    with span._active():
                        item = await step()
                except StopAsyncIteration:
                    return
                _keep(items, item)
                try:
                    step = functools.partial(inner.asend, (yield item))
                except GeneratorExit:
                    with span._active():
                        await inner.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - thrown in: it is the inner one's
                    step = functools.partial(inner.athrow, error)
        except GeneratorExit:
            raise
        except BaseException as error:
            span.error(error)
            raise
        finally:
            _finish(span, items)

    def _span(self) -> Span:
        return Span(self._name, capture=self._capture)

    def _begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Span, list[Any]]:
        span = self._span()
        with contained("starting a span"):
            span._start()
        self._note_input(span, args, kwargs)
        return span, []

    def _note_input(self, span: Span, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        with contained("recording arguments"):
            if self._signature is None or not span._records_content:
                return
            arguments = dict(self._signature.bind(*args, **kwargs).arguments)
            for own in ("self", "cls"):
                arguments.pop(own, None)
            span.set_input(arguments)


def _keep(items: list[Any], item: Any) -> None:
    if len(items) < _MAX_ITEMS:
        items.append(item)


def _finish(span: Span, items: list[Any]) -> None:
    with contained("ending a span"):
        is_text = bool(items) and all(isinstance(item, str) for item in items)
        span.set_output("".join(items) if is_text else items)
        span._end()
