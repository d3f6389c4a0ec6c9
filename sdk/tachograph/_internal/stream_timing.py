"""When the chunks of a streamed answer came."""

import math
from array import array
from typing import Final

from tachograph._internal import clock
from tachograph._internal.delivery import AttributeValue
from tachograph.semconv import attributes

MAX_GAPS: Final = 65_536
"""Gaps kept for the percentiles (512 kB); later ones still count in number, mean and maximum."""


class StreamTiming:
    """Chunk times on the monotonic clock. A chunk may carry several tokens: this counts chunks."""

    __slots__ = ("_count", "_first_at", "_gaps", "_last_at", "_max_gap", "_started_at")

    def __init__(self) -> None:
        self._started_at = clock.monotonic_ns() / 1e9
        self._count = 0
        # These are set by the first chunk: most calls are not streamed.
        self._first_at: float
        self._last_at: float
        self._max_gap: float
        self._gaps: array[float]

    def chunk(self) -> None:
        """A chunk with content has arrived."""
        now = clock.monotonic_ns() / 1e9
        if self._count == 0:
            self._first_at = now
            self._max_gap = 0.0
            self._gaps = array("d")
        else:
            gap = now - self._last_at
            self._max_gap = max(self._max_gap, gap)
            if len(self._gaps) < MAX_GAPS:
                self._gaps.append(gap)
        self._last_at = now
        self._count += 1

    @property
    def has_chunks(self) -> bool:
        return self._count > 0

    def attributes(self) -> dict[str, AttributeValue]:
        """Time to first chunk, mean time per chunk and gap percentiles, seconds; what the
        stream was too short to show is absent."""
        if self._count == 0:
            return {}
        found: dict[str, AttributeValue] = {
            attributes.RESPONSE_TIME_TO_FIRST_CHUNK: self._first_at - self._started_at,
            attributes.STREAM_CHUNK_COUNT: self._count,
        }
        if self._count > 1:
            ordered = sorted(self._gaps)
            found[attributes.STREAM_TIME_PER_CHUNK] = (self._last_at - self._first_at) / (
                self._count - 1
            )
            found[attributes.STREAM_GAP_P50] = nearest_rank(ordered, 0.50)
            found[attributes.STREAM_GAP_P95] = nearest_rank(ordered, 0.95)
            found[attributes.STREAM_GAP_MAX] = self._max_gap
        return found


def nearest_rank(ordered: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
