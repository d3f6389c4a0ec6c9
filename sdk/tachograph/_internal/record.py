"""A span of our own while it is recorded: plain facts, gathered on the calling thread."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from tachograph._internal import clock
from tachograph._internal.delivery.records import AttributeValue, PendingSpan
from tachograph.types import CaptureMode, Ids

if TYPE_CHECKING:
    from tachograph._internal.building import Builder

Form: TypeAlias = Literal[
    "text", "texts", "paragraphs", "json", "user_messages", "assistant_messages"
]
"""How a piece of content becomes an attribute."""


class SpanRecord(PendingSpan):
    """Facts of one span. Attributes are built from it later, on the delivery thread.

    Slots and as few objects as can be: thousands of these wait in a queue, and the interpreter's
    collector of garbage walks through every one that holds others.
    """

    __slots__ = (
        "_context",
        "around",
        "builder",
        "capture",
        "contents",
        "error_text",
        "facts",
        "is_sampled",
        "otel",
        "own",
        "started_at_ns",
        "truncated",
    )

    otel: trace.Span | None
    """The span of a shared provider; None for an isolated one."""
    around: Mapping[str, AttributeValue]
    """Attributes from the surroundings: tenant, user and so on; shared, not to be changed."""
    facts: dict[str, AttributeValue]
    """What the conventions define: never pushed out by own attributes."""
    own: dict[str, object] | None
    """Attributes of the application's own."""
    contents: list[Any] | None
    """Attribute name, `Form`, content as it was at the call; the next name, and so on. Flat: each
    object that waits here brings the interpreter's next collection of garbage nearer."""
    truncated: list[str] | None
    """Names of attributes that were cut or left out."""
    error_text: str
    started_at_ns: int
    """`clock.monotonic_ns()` at the start: durations do not jump with the clock of the day."""

    def __init__(
        self,
        name: str,
        kind: int,
        trace_id: int,
        span_id: int,
        parent_span_id: int,
        is_sampled: bool,
        facts: dict[str, AttributeValue],
        builder: "Builder",
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = span_id
        self.parent_span_id = parent_span_id
        self.is_sampled = is_sampled
        self.facts = facts
        self.otel = None
        self.own = None
        self.contents = None
        self.truncated = None
        self.is_failed = False
        self.error_text = ""
        self.size = 0
        self.started_at_ns = clock.monotonic_ns()
        self.start_time_unix_nano = clock.wall_ns()
        self.capture: CaptureMode = "off"
        self.builder = builder
        self._context: SpanContext | None = None

    @property
    def ids(self) -> Ids:
        return Ids(f"{self.trace_id:032x}", f"{self.span_id:016x}")

    @property
    def span_context(self) -> SpanContext:
        """In OpenTelemetry's form."""
        if self._context is None:
            flags = TraceFlags.SAMPLED if self.is_sampled else TraceFlags.DEFAULT
            self._context = SpanContext(
                self.trace_id, self.span_id, is_remote=False, trace_flags=TraceFlags(flags)
            )
        return self._context

    def put(self, name: str, form: Form, content: object) -> None:
        """Keep a piece of content, in place of an earlier one of that name."""
        contents = self.contents
        if contents is None:
            self.contents = [name, form, content]
            return
        for position in range(0, len(contents), 3):
            if contents[position] == name:
                contents[position + 1] = form
                contents[position + 2] = content
                return
        contents += (name, form, content)

    def mark_truncated(self, name: str) -> None:
        """Note that the attribute `name` was cut or left out."""
        if self.truncated is None:
            self.truncated = [name]
        elif name not in self.truncated:
            self.truncated.append(name)

    def build(self) -> tuple[Mapping[str, AttributeValue], str]:
        return self.builder.attributes(self), self.builder.error_text(self)
