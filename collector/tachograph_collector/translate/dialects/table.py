"""What a dialect is: tables that say what becomes of each of its names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tachograph_collector.translate.values import Value

TOTAL_TOKENS = "_total_tokens"
"""Not a column: evidence for the token rule."""
USAGE = "_usage"
"""Not a column: token counts under names of their own, which the token rule adds up."""
FIRST_CHUNK_AT = "_first_chunk_at"
"""Not a column: when the first chunk came, ns since the epoch; `time_to_first_chunk_s` follows."""
STREAMED_FIRST_CHUNK = "_streamed_first_chunk_s"
"""Not a column: `time_to_first_chunk_s` if the call was streamed, nothing otherwise."""
STREAMED_CHUNK_TIME = "_streamed_chunk_time_s"
"""Not a column: `time_per_output_chunk_s` if the call was streamed, nothing otherwise."""
ENGINE_NAME = "_engine"
"""Not a column: `provider` where it has none, unless the scope is that of another engine."""
LEVEL = "_level"
"""Not a column: `ERROR` makes the span's status an error where it has none."""
STATUS_MESSAGE = "_status_message"
"""Not a column: the span's status message where it has none."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One attribute that fills a column, or (names beginning with `_`) feeds a rule."""

    attribute: str
    column: str
    convert: Callable[[Value], object]
    keep: bool = False
    """Whether the attribute stays in the map too, because the column says less than it did."""
    implies: Mapping[str, object] = field(default_factory=dict)
    """Columns whose value follows from the attribute being there."""
    also: tuple[str, ...] = ()
    """Further columns that the same value fills."""


@dataclass(frozen=True, slots=True)
class Content:
    """One attribute with what people wrote, and how it becomes text."""

    attribute: str
    column: str
    convert: Callable[[Value], str]


@dataclass(frozen=True, slots=True)
class Indexed:
    """Attributes `{prefix}0.…`, `{prefix}1.…` that together make one text.

    `convert` is given what follows the prefix; it returns the text (None: there is none) and those
    that are not part of it.
    """

    prefix: str
    column: str
    convert: Callable[[Mapping[str, Value]], tuple[str | None, Mapping[str, Value]]]


@dataclass(frozen=True, slots=True)
class Blob:
    """An attribute holding a JSON object; some of its members are facts with names of ours.

    The attribute itself stays in the map.
    """

    attribute: str
    members: Mapping[str, str]
    """Member -> the OTel GenAI attribute that it is."""


@dataclass(frozen=True, slots=True)
class EventMessage:
    """A span event, or a log record, that is one message of the conversation."""

    name: str
    column: str
    role: str


@dataclass(frozen=True, slots=True)
class EventContent:
    """A span event one of whose attributes is content."""

    name: str
    attribute: str
    column: str


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that writes the names of another one."""

    scope_name: str
    provider: str
    otherwise: tuple[str, ...] = ()
    """Columns that its values do not fit, because it measures something else under the name."""


@dataclass(frozen=True, slots=True)
class Exclusive:
    """Spans whose `input_tokens` leave cached tokens out, against the convention."""

    scope_prefix: str
    providers: frozenset[str]
    source: str
    """Where this can be read."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """All tables of one dialect. Of several names for one column the one that stands first wins."""

    name: str
    source: str
    """What the tables were read from."""
    typed: tuple[Typed, ...] = ()
    contents: tuple[Content | Indexed, ...] = ()
    blobs: tuple[Blob, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Attributes that stay in the map under the name that OTel GenAI has for them."""
    event_messages: tuple[EventMessage, ...] = ()
    event_contents: tuple[EventContent, ...] = ()
    chunk_events: tuple[str, ...] = ()
    """Span events of which there is one for each chunk of a stream."""
    first_chunk_events: tuple[str, ...] = ()
    """Span events that mark the first chunk."""
    exclusive: tuple[Exclusive, ...] = ()
    engines: tuple[Engine, ...] = ()
    scores: tuple[str, ...] = ()
    """Prefixes of scores spread over attributes: `{prefix}0.…name`, `….score`, `….label`."""
