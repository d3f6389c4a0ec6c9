"""Finding the rows that the engine refuses for their content."""

from collections.abc import Callable, Sequence
from typing import Final

from tachograph_store.errors import QueryRefused, QueryTooLarge, RowRefused, StoreError

Blaming = tuple[type[StoreError], ...]
"""Errors that are taken for the fault of a row."""
CONTENT: Final[Blaming] = (RowRefused,)
"""Error codes that are known to be about a row's content."""
ANY_REFUSAL: Final[Blaming] = (RowRefused, QueryRefused)
"""Unknown codes too."""


def send_bisecting(
    indexes: Sequence[int],
    send: Callable[[Sequence[int]], object],
    blaming: Blaming = CONTENT,
) -> list[tuple[int, str]]:
    """Send all rows but those that the engine refuses for their content; these, with its words.

    A block too large for the engine's memory is halved likewise, but no row is blamed for that.
    The halves are the same whenever the same rows come again. Raises other `StoreError`s.
    """
    if not indexes:
        return []
    try:
        send(indexes)
    except blaming as error:
        if len(indexes) == 1:
            return [(indexes[0], str(error))]
    except QueryTooLarge:
        if len(indexes) == 1:
            raise  # not the row's fault: its size is bounded, the engine is short of memory
    else:
        return []
    middle = len(indexes) // 2
    return [
        *send_bisecting(indexes[:middle], send, blaming),
        *send_bisecting(indexes[middle:], send, blaming),
    ]
