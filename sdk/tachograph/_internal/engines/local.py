"""What wrappers of engines share: spans of calls, nested calls recorded once, an engine's times."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Generic, TypeVar

from tachograph._internal import clock
from tachograph._internal.client import current_client
from tachograph._internal.errors import contained
from tachograph._internal.generation import Generation
from tachograph._internal.spans import INTERNAL
from tachograph.semconv import attributes

T = TypeVar("T")
_WRAPPED = "_tachograph_is_wrapped"

_inside: ContextVar[object | None] = ContextVar("tachograph_engine_call", default=None)


class LocalGeneration(Generation):
    """A model call that never leaves this process."""

    __slots__ = ()
    _kind = INTERNAL


class inside(Generic[T]):
    """The engine works on a call that is being recorded: what it calls of itself is not another.

    `state` is what hooks in the depth of the engine find by `current_state`.
    """

    def __init__(self, state: T) -> None:
        self._state = state

    def __enter__(self) -> T:
        self._token = _inside.set(self._state)
        return self._state

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _inside.reset(self._token)


def current_state() -> object | None:
    """The state of the call being recorded around the caller; None: none is."""
    return _inside.get()


def is_recordable() -> bool:
    """Is the SDK recording, and this not a call that a recorded one makes inside?"""
    return current_client() is not None and _inside.get() is None


def mark_wrapped(target: object) -> bool:
    """Mark an engine as wrapped; False when it was already."""
    if getattr(target, _WRAPPED, False):
        return False
    setattr(target, _WRAPPED, True)
    return True


def arguments_of(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Arguments by name, as far as they can be told."""
    with contained("reading arguments"):
        bound = inspect.signature(function).bind_partial(*args, **kwargs)
        found = dict(bound.arguments)
        for name, parameter in bound.signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                found |= found.pop(name, {})
        return found
    return dict(kwargs)


def note_times(
    generation: Generation,
    *,
    queue_s: float | None = None,
    prefill_s: float | None = None,
    decode_s: float | None = None,
) -> None:
    """What a request waited, read and wrote on the engine's own clock, seconds. The time to the
    first token counts from its scheduling: it is that of the prefill."""
    stated = {
        attributes.ENGINE_TIME_TO_FIRST_TOKEN: prefill_s,
        attributes.ENGINE_QUEUE_TIME: queue_s,
        attributes.ENGINE_PREFILL_TIME: prefill_s,
        attributes.ENGINE_DECODE_TIME: decode_s,
    }
    for name, value in stated.items():
        if value is not None and math.isfinite(value) and value >= 0:
            generation._facts[name] = value


def end(generation: Generation, *, duration_s: float | None = None) -> None:
    """End the span of a call. `duration_s`: what the engine says the request took, where a batch
    ends for its caller only when its slowest request does."""
    record = generation._record
    if record is not None and duration_s is not None and math.isfinite(duration_s):
        record.started_at_ns = clock.monotonic_ns() - int(max(0.0, duration_s) * 1e9)
    generation._end()


class Batch:
    """Spans of requests that an engine is given at once."""

    def __init__(self, generations: Sequence[Generation]) -> None:
        self.generations = generations
        for generation in generations:
            generation._start()

    def fail(self, error: BaseException) -> None:
        """The call raised; the caller raises it on."""
        with contained("recording a failed call"):
            for generation in self.generations:
                generation.error(error)
                generation._end()

    def end(self) -> None:
        """End what has not ended."""
        with contained("ending a call"):
            for generation in self.generations:
                generation._end()
