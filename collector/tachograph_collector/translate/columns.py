"""The tables of all dialects as the dictionaries that translation looks names up in.

One lookup an attribute, whatever the number of dialects. Where several names fill one column, the
line that stands first wins and the value of the other stays in the attributes map. A value that
its column cannot hold stays in the map too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from tachograph.semconv import attributes as a
from tachograph_collector.translate.convert import as_object
from tachograph_collector.translate.dialects import DIALECTS
from tachograph_collector.translate.dialects.table import (
    Content,
    Engine,
    EventContent,
    EventMessage,
    Exclusive,
    Indexed,
)
from tachograph_collector.translate.values import Value

Line = TypeVar("Line")
_TOKEN_PARTS: Final = frozenset({"cache_read_tokens", "cache_write_tokens", "reasoning_tokens"})


@dataclass(frozen=True, slots=True)
class Column:
    """A target column, how a value is made fit for it, and which of two names wins (lower)."""

    name: str
    convert: Callable[[Value], object]
    rank: int
    keep: bool = False
    """The attribute stays in the map as well."""
    settles: bool = False
    """The column alone does not say it all: `settle` has to look at it."""
    follows: tuple[tuple[str, object], ...] = ()
    """Columns that have this value when the attribute is there."""
    also: tuple[str, ...] = ()
    """Further columns that the value fills."""
    members: Mapping[str, str] | None = None
    """Of a JSON object: member -> the attribute that it is. Such a line fills no column."""


def _columns() -> Iterator[tuple[str, Column]]:
    rank = 0
    for dialect in DIALECTS:
        for line in dialect.typed:
            rank += 1
            yield (
                line.attribute,
                Column(
                    name=line.column,
                    convert=line.convert,
                    rank=rank,
                    keep=line.keep,
                    settles=line.column in _TOKEN_PARTS
                    or any(name.startswith("_") for name in (line.column, *line.implies)),
                    follows=tuple(line.implies.items()),
                    also=line.also,
                ),
            )
        for blob in dialect.blobs:
            yield blob.attribute, Column("", as_object, 0, keep=True, members=blob.members)


def _first(lines: Iterable[tuple[str, Line]]) -> dict[str, Line]:
    """Of lines with the same name the one that stands first."""
    table: dict[str, Line] = {}
    for name, line in lines:
        table.setdefault(name, line)
    return table


TYPED_COLUMNS: Final[Mapping[str, Column]] = _first(_columns())

_CONTENTS: Final = [
    (rank, line)
    for rank, line in enumerate(line for dialect in DIALECTS for line in dialect.contents)
]
CONTENT_COLUMNS: Final[Mapping[str, tuple[int, Content]]] = {
    line.attribute: (rank, line) for rank, line in _CONTENTS if isinstance(line, Content)
}
"""Attributes that hold what people wrote: own columns, own size limit, own expiry."""

INDEXED_COLUMNS: Final[Mapping[str, tuple[int, Indexed]]] = {
    line.prefix: (rank, line) for rank, line in _CONTENTS if isinstance(line, Indexed)
}
"""Prefixes of content spread over attributes, `gen_ai.prompt.0.role` and so on."""

SCORE_PREFIXES: Final = tuple(prefix for dialect in DIALECTS for prefix in dialect.scores)
"""Prefixes of scores spread over attributes."""

PREFIXES: Final = (*INDEXED_COLUMNS, *SCORE_PREFIXES)

RENAMED: Final[Mapping[str, str]] = _first(
    pair for dialect in DIALECTS for pair in dialect.renamed.items()
)
"""Attributes that stay in the map under the name that OTel GenAI has for them."""

EVENT_MESSAGES: Final[Mapping[str, EventMessage]] = {
    line.name: line for dialect in DIALECTS for line in dialect.event_messages
}
EVENT_CONTENTS: Final[Mapping[str, tuple[EventContent, ...]]] = {
    name: tuple(
        line for dialect in DIALECTS for line in dialect.event_contents if line.name == name
    )
    for name in {line.name for dialect in DIALECTS for line in dialect.event_contents}
}
CHUNK_EVENTS: Final = frozenset(name for dialect in DIALECTS for name in dialect.chunk_events)
FIRST_CHUNK_EVENTS: Final = frozenset(
    name for dialect in DIALECTS for name in dialect.first_chunk_events
)
ENGINES: Final[Mapping[str, Engine]] = {
    line.scope_name: line for dialect in DIALECTS for line in dialect.engines
}
"""By scope, engines that write the names of another one."""

EXCLUSIVE: Final[tuple[Exclusive, ...]] = tuple(
    line for dialect in DIALECTS for line in dialect.exclusive
)

LONG_ATTRIBUTES: Final = frozenset({a.SYSTEM_INSTRUCTIONS, a.TOOL_DEFINITIONS})
"""Kept in the map, but with the size limit of content."""

MAX_TYPED_TEXT_BYTES: Final = 1024
"""Of a model, tenant or other name in a typed column; more is cut and marked."""

MAX_TYPED_LIST_ITEMS: Final = 128
"""Of a list in a typed column."""
