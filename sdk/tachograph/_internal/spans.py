"""A span being recorded: what applications hold in `with tachograph.span(...)`."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from tachograph._internal.client import Client, current_client
from tachograph._internal.delivery import AttributeValue
from tachograph._internal.errors import contained
from tachograph._internal.facts import current_facts, lowest
from tachograph._internal.fitting import fitted_json, map_texts
from tachograph._internal.jsonable import to_jsonable
from tachograph._internal.tracing import Activation, deactivate
from tachograph._internal.truncate import truncated, well_formed
from tachograph.semconv import attributes
from tachograph.semconv.values import Observer
from tachograph.types import CaptureMode, Ids

MASK_FAILED: Final = "[withheld: the mask failed]"
"""Stands for a text whose mask raised an error or gave no text."""

MAX_NAME_CHARACTERS: Final = 256
"""Longest name of a span or of an own attribute."""

MAX_NAMES_LEFT_OUT: Final = 32
"""Own attributes beyond the limit that are named in `tachograph.truncated`."""


class Span:
    """One timed piece of work. Use it in a `with` statement.

    Nothing here raises into the application, and without `init` nothing is recorded.
    """

    _kind = SpanKind.INTERNAL

    def __init__(self, name: str, *, capture: CaptureMode | None = None) -> None:
        self._name = well_formed(name)[:MAX_NAME_CHARACTERS]
        self._capture_argument = capture
        self._capture: CaptureMode = "off"
        self._client: Client | None = None
        self._otel: trace.Span = trace.INVALID_SPAN
        self._activation: Activation | None = None
        self._facts: dict[str, AttributeValue] = {}
        self._own: dict[str, AttributeValue] = {}
        self._truncated: list[str] = []
        self._is_ended = False

    # --- what applications use

    @property
    def ids(self) -> Ids | None:
        """Trace and span id, for `score` and for logs; None when nothing is recorded."""
        context = self._otel.get_span_context()
        if not context.is_valid:
            return None
        return Ids(f"{context.trace_id:032x}", f"{context.span_id:016x}")

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute of your own. Other types than str, bool, int, float and lists of them
        are stored as JSON."""
        with contained("setting an attribute"):
            if self._client is None:
                return
            name = well_formed(name)[:MAX_NAME_CHARACTERS]
            if name not in self._own and len(self._own) >= self._limits.max_attributes:
                if len(self._truncated) < MAX_NAMES_LEFT_OUT:
                    self._mark_truncated(name)
                return
            self._own[name] = self._plain(name, value)

    def set_input(self, value: object) -> None:
        """What the work was given (recorded under `capture="full"`)."""
        with contained("recording an input"):
            self._put_json(attributes.FUNCTION_INPUT, value)

    def set_output(self, value: object) -> None:
        """What the work gave (recorded under `capture="full"`)."""
        with contained("recording an output"):
            self._put_json(attributes.FUNCTION_OUTPUT, value)

    def error(self, error: BaseException) -> None:
        """Mark the span as failed. Leaving the `with` block by an exception does this itself."""
        with contained("recording an error"):
            kind = type(error)
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            self._facts[attributes.ERROR_TYPE] = f"{module}{kind.__qualname__}"
            text = ""
            if self._capture == "full":  # an error's text often quotes the prompt
                text = self._text(str(error), "status", 4096)
            self._otel.set_status(Status(StatusCode.ERROR, text or None))

    def __enter__(self) -> Self:
        with contained("starting a span"):
            self._start()
            if self._client is not None:
                self._activation = self._client.tracing.activate(self._otel)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contained("ending a span"):
            if self._activation is not None:
                deactivate(self._activation)
                self._activation = None
            if error is not None and not isinstance(error, GeneratorExit):
                self.error(error)
            self._end()

    # --- for the rest of the SDK

    @contextmanager
    def _active(self) -> Iterator[None]:
        """The span is current inside: for work that runs in slices, as generators do."""
        activation = None
        with contained("resuming a span"):
            if self._client is not None:
                activation = self._client.tracing.activate(self._otel)
        try:
            yield
        finally:
            with contained("suspending a span"):
                if activation is not None:
                    deactivate(activation)

    def _start(self) -> None:
        client = current_client()
        if client is None or self._client is not None:
            return
        facts = current_facts()
        mode = client.settings.capture
        for wish in (facts.capture, self._capture_argument):
            mode = mode if wish is None else lowest(wish, mode)
        self._capture = mode
        self._otel = client.tracing.start(
            self._name,
            self._kind,
            {
                attributes.OBSERVER: Observer.CLIENT,
                attributes.CONTENT_CAPTURE: mode,
                **facts.attributes(mode),
                **self._facts,
            },
        )
        if self._otel.is_recording():
            self._client = client

    def _end(self) -> None:
        if self._is_ended or self._client is None:
            return
        self._is_ended = True
        try:
            self._finish()
        finally:
            if self._capture == "off":
                self._own.clear()
            if self._truncated:
                self._facts[attributes.TRUNCATED] = self._truncated
            self._otel.set_attributes({**self._own, **_clean(self._facts)})
            self._otel.end()

    def _finish(self) -> None:
        """Turn what a subclass gathered into attributes; called once, before the end."""

    @property
    def _limits(self) -> Any:
        assert self._client is not None
        return self._client.settings.limits

    @property
    def _records_content(self) -> bool:
        return self._client is not None and self._capture == "full"

    def _put_text(self, name: str, text: str) -> None:
        """Record content under `name`: only in full capture, masked, cut to the limit."""
        if self._records_content:
            self._facts[name] = self._text(text, name, self._limits.max_attribute_bytes)

    def _put_json(self, name: str, value: object) -> None:
        if self._records_content:
            self._facts[name] = self._json(value, name)

    def _json(self, value: object, name: str) -> str:
        plain = to_jsonable(value)
        if self._has_mask:
            plain = map_texts(plain, self._masked)
        text, is_cut = fitted_json(plain, self._limits.max_attribute_bytes)
        if is_cut:
            self._mark_truncated(name)
        return text

    def _text(self, text: str, name: str, max_bytes: int) -> str:
        kept, is_cut = truncated(well_formed(self._masked(text)), max_bytes)
        if is_cut:
            self._mark_truncated(name)
        return kept

    @property
    def _has_mask(self) -> bool:
        return self._client is not None and self._client.settings.mask is not None

    def _masked(self, text: str) -> str:
        mask = None if self._client is None else self._client.settings.mask
        if mask is None:
            return text
        masked: object = MASK_FAILED
        with contained("masking a text"):
            masked = mask(text)
        return masked if isinstance(masked, str) else MASK_FAILED

    def _plain(self, name: str, value: object) -> AttributeValue:
        if isinstance(value, bool | int | float):
            return value
        limit = self._limits.max_attribute_bytes
        if isinstance(value, str):
            return self._text(value, name, limit)
        if isinstance(value, list | tuple) and len({type(item) for item in value}) == 1:
            if isinstance(value[0], bool | int | float):
                return value
            if isinstance(value[0], str):
                share = limit // len(value)
                return [self._text(item, name, share) for item in value]
        return self._json(value, name)

    def _mark_truncated(self, name: str) -> None:
        if name not in self._truncated:
            self._truncated.append(name)


def _clean(facts: dict[str, AttributeValue]) -> dict[str, AttributeValue]:
    """Facts that UTF-8 can hold. Ids and models come from callers and engines as they are; one
    lone surrogate would cost the whole attribute. Content was cleaned when it was recorded."""
    return {
        name: well_formed(value) if isinstance(value, str) and len(value) < 4096 else value
        for name, value in facts.items()
    }


def span(name: str, *, capture: CaptureMode | None = None) -> Span:
    """Time a piece of work.

        with tachograph.span("rerank") as s:
            s.set("documents", len(documents))

    `capture` can only lower what is recorded of this span.
    """
    return Span(name, capture=capture)
