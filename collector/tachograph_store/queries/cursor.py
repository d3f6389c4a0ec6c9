"""Lists that are paged by time, newest first: places in them, cursors, and how far back to read."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

from tachograph_store.errors import QueryRefused

_HOUR_NS = 3_600_000_000_000
_STRETCHES_NS = (2 * _HOUR_NS, 48 * _HOUR_NS)


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


def stretches(before_ns: int, since_ns: int) -> Iterator[int]:
    """Beginnings of growing stretches of time that end at `before_ns`, the last one `since_ns`.

    Reading in order still opens every day's parts; most pages are full after the first hours.
    """
    for stretch_ns in _STRETCHES_NS:
        if before_ns - stretch_ns <= since_ns:
            break
        yield before_ns - stretch_ns
    yield since_ns
