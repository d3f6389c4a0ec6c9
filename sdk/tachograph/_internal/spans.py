"""A span being recorded: what applications hold in `with tachograph.span(...)`."""

from types import TracebackType
from typing import Final, Self

from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext

from tachograph._internal.building import MAX_NAME_CHARACTERS
from tachograph._internal.client import current_client
from tachograph._internal.delivery import AttributeValue
from tachograph._internal.errors import contain, contained
from tachograph._internal.facts import current_facts, lowest
from tachograph._internal.record import Form, SpanRecord
from tachograph._internal.snapshot import snapshot
from tachograph._internal.tracing import Activation, Tracing
from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Ids

INTERNAL: Final = 1
CLIENT: Final = 3
"""Span kinds as OTLP numbers them."""

_MAX_NAMES_LEFT_OUT: Final = 32
"""Own attributes beyond the limit that are named in `tachograph.truncated`."""


class Span:
    """One timed piece of work. Use it in a `with` statement.

    Nothing here raises into the application, and without `init` nothing is recorded. What is
    recorded is what values were when they were given: changing them later changes nothing.
    """

    # On the calling thread every microsecond counts: slots, and `try` in place of `contained`.
    __slots__ = (
        "__weakref__",
        "_activation",
        "_capture_argument",
        "_facts",
        "_is_ended",
        "_name",
        "_record",
        "_tracing",
    )

    _kind = INTERNAL

    def __init__(self, name: str, *, capture: CaptureMode | None = None) -> None:
        self._name = str(name)[:MAX_NAME_CHARACTERS]
        self._capture_argument = capture
        self._facts: dict[str, AttributeValue] = {}
        self._record: SpanRecord | None = None
        self._tracing: Tracing | None = None
        self._activation: Activation = None
        self._is_ended = False

    # --- what applications use

    @property
    def ids(self) -> Ids | None:
        """Trace and span id, for `score` and for logs; None when nothing is recorded."""
        return None if self._record is None else self._record.ids

    def set(self, name: str, value: AttributeValue) -> None:
        """Set an attribute of your own. Other types than str, bool, int, float and lists of them
        are stored as JSON."""
        record = self._record
        if record is None or self._is_ended or not record.is_sampled:
            return
        try:
            own = record.own
            if own is None:
                own = record.own = {}
            name = name[:MAX_NAME_CHARACTERS]
            limits = record.builder.limits
            if name not in own and len(own) >= limits.max_attributes:
                if record.truncated is None or len(record.truncated) < _MAX_NAMES_LEFT_OUT:
                    record.mark_truncated(name)
                return
            kept, size = (value, 8) if type(value) in _SCALARS else snapshot(value)
            if size > limits.max_attribute_bytes:
                kept = record.builder.own(record, name, kept)
                size = limits.max_attribute_bytes
            own[name] = kept
            record.size += size + len(name)
        except Exception as error:  # noqa: BLE001 - see tachograph._internal.errors
            contain(error, "setting an attribute")

    def set_input(self, value: object) -> None:
        """What the work was given (recorded under `capture="full"`)."""
        self._put(attributes.FUNCTION_INPUT, "json", value)

    def set_output(self, value: object) -> None:
        """What the work gave (recorded under `capture="full"`)."""
        self._put(attributes.FUNCTION_OUTPUT, "json", value)

    def error(self, error: BaseException) -> None:
        """Mark the span as failed. Leaving the `with` block by an exception does this itself."""
        record = self._record
        if record is None or self._is_ended:
            return
        with contained("recording an error"):
            kind = type(error)
            module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
            record.facts[attributes.ERROR_TYPE] = f"{module}{kind.__qualname__}"
            record.is_failed = True
            if record.capture == "full":  # an error's text often quotes the prompt
                text = str(error)
                record.error_text = text[: record.builder.limits.max_attribute_bytes]
                record.size += len(record.error_text)

    def _fail(self, error_type: str) -> None:
        """Mark the span as failed for a reason that is no exception."""
        record = self._record
        if record is not None and not self._is_ended:
            record.facts[attributes.ERROR_TYPE] = error_type[:256]
            record.is_failed = True

    def __enter__(self) -> Self:
        try:
            self._start()
            if self._record is not None and self._tracing is not None:
                self._activation = self._tracing.activate(self._record)
        except Exception as error:  # noqa: BLE001 - see tachograph._internal.errors
            contain(error, "starting a span")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._tracing is None:
            return
        try:
            if self._activation is not None:
                self._tracing.deactivate(self._activation)
                self._activation = None
            if error is not None and not isinstance(error, GeneratorExit):
                self.error(error)
            self._end()
        except Exception as failure:  # noqa: BLE001 - see tachograph._internal.errors
            contain(failure, "ending a span")

    # --- for the rest of the SDK

    def _active(self) -> "_Active":
        """The span is current inside: for work that runs in slices, as generators do."""
        return _Active(self)

    def _start(self) -> None:
        client = current_client()
        if client is None or self._record is not None:
            return
        around = current_facts()
        mode = client.capture
        if around.capture is not None:
            mode = lowest(around.capture, mode)
        if self._capture_argument is not None:
            mode = lowest(self._capture_argument, mode)
        self._tracing = client.tracing
        record = self._tracing.start(self._name, self._kind, self._facts)
        record.capture = mode
        record.around = around.attributes(mode)
        self._record = record

    def _end(self) -> None:
        record, tracing = self._record, self._tracing
        if self._is_ended or record is None or tracing is None:
            return
        try:
            if record.is_sampled:
                self._finish()
        finally:
            self._is_ended = True
            if record.capture == "off":
                record.own = None
            tracing.end(record)

    def _finish(self) -> None:
        """Put what a subclass gathered into the record; called once, before the end."""

    @property
    def _capture(self) -> CaptureMode:
        return "off" if self._record is None else self._record.capture

    @property
    def _span_context(self) -> SpanContext:
        if self._record is None:
            return INVALID_SPAN_CONTEXT
        if self._record.otel is not None:
            return self._record.otel.get_span_context()
        return self._record.span_context

    @property
    def _records_content(self) -> bool:
        record = self._record
        return record is not None and record.capture == "full" and record.is_sampled

    @property
    def _max_attribute_bytes(self) -> int:
        return 0 if self._record is None else self._record.builder.limits.max_attribute_bytes

    def _put(self, name: str, form: Form, value: object) -> None:
        """Record content as the attribute `name`: only in full capture."""
        record = self._record
        if record is None or record.capture != "full" or not record.is_sampled or self._is_ended:
            return
        try:
            kept, size = snapshot(value)
            limit = record.builder.limits.max_attribute_bytes
            if size > limit:
                # Too long to wait in the queue as it is: it is cut here and now.
                record.facts[name] = record.builder.content(record, name, form, kept)
                size = limit
            else:
                if form in _MESSAGES and type(kept) is list and len(kept) == 1:
                    kept = kept[0]  # the same to `plain_messages`, and one object less
                record.put(name, form, kept)
            record.size += size
        except Exception as error:  # noqa: BLE001 - see tachograph._internal.errors
            contain(error, f"recording {name}")


class _Active:
    """Makes a span current for a while."""

    __slots__ = ("_activation", "_span")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._activation: Activation = None

    def __enter__(self) -> None:
        with contained("resuming a span"):
            span = self._span
            if span._record is not None and span._tracing is not None:
                self._activation = span._tracing.activate(span._record)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contained("suspending a span"):
            if self._activation is not None and self._span._tracing is not None:
                self._span._tracing.deactivate(self._activation)


_MESSAGES: Final = ("user_messages", "assistant_messages")
_SCALARS: Final = frozenset((bool, int, float))


def span(name: str, *, capture: CaptureMode | None = None) -> Span:
    """Time a piece of work.

        with tachograph.span("rerank") as s:
            s.set("documents", len(documents))

    `capture` can only lower what is recorded of this span.
    """
    return Span(name, capture=capture)
