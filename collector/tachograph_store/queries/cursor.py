"""Lists that are paged by time, newest first: places in them, cursors, and how far back to read."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tachograph_store.errors import QueryRefused

Line = TypeVar("Line")

_HOUR_NS = 3_600_000_000_000
_FIRST_NS = 2 * _HOUR_NS
_FIRST_NARROW_NS = 48 * _HOUR_NS
_LONGEST_NS = 240 * _HOUR_NS
_LONGEST_NARROW_NS = 720 * _HOUR_NS
_MARGIN = 2.0
_FASTEST_GROWTH = 24.0


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a list: a trace id or a session, and when its newest span that matches began."""

    name: str
    newest_ns: int


def encode(place: Place) -> str:
    """The cursor that continues behind `place`."""
    return base64.urlsafe_b64encode(f"{place.newest_ns}:{place.name}".encode()).decode()


def decode(cursor: str) -> Place:
    """The place that a cursor stands for.

    Raises:
        QueryRefused: a cursor that no page gave.
    """
    try:
        newest, _, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return Place(name, int(newest))
    except (binascii.Error, ValueError):
        raise QueryRefused("cursor: not one that this list gave; begin without a cursor") from None


def newest_first(
    ask: Callable[[int], list[Line]],
    before_ns: int,
    since_ns: int,
    limit: int,
    *,
    is_narrow: bool = False,
) -> list[Line]:
    """The first `limit` lines before `before_ns`, looked for in growing stretches of time.

    Reading in order still opens every day's parts; most pages are full after the first hours, and
    those of a narrow filter (`is_narrow`) after the first days. Each further stretch, of ten days at
    most (of thirty where the filter is narrow: little of them is read), is as long as the lines of the
    one before let expect; the fourth at the latest is the whole range. `ask` answers the first lines
    since an instant.
    """
    stretch_ns = _FIRST_NARROW_NS if is_narrow else _FIRST_NS
    longest_ns = _LONGEST_NARROW_NS if is_narrow else _LONGEST_NS
    for _ in range(3):
        if before_ns - stretch_ns <= since_ns:
            break
        found = ask(before_ns - stretch_ns)
        if len(found) >= limit:
            return found
        growth = min(_MARGIN * limit / max(len(found), 1), _FASTEST_GROWTH)
        if stretch_ns == longest_ns:
            break
        stretch_ns = int(min(stretch_ns * max(growth, _MARGIN), longest_ns))
    return ask(since_ns)
