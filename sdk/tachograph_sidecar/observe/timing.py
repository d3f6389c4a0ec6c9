"""When the pieces of a stream arrived."""

from array import array
from dataclasses import dataclass

from tachograph._internal.stream_timing import nearest_rank

MAX_TIMES = 65_536
"""Chunks whose gaps are kept for percentiles; later ones still count and still make the maximum."""


@dataclass(frozen=True, slots=True)
class StreamTiming:
    """Timing of one stream, seconds on the proxy's monotonic clock; None needs more chunks."""

    chunk_count: int
    time_to_first_chunk_s: float | None
    time_per_chunk_s: float | None
    gap_p50_s: float | None
    gap_p95_s: float | None
    gap_max_s: float | None


class ChunkClock:
    """Collects the arrival of each chunk that carries output."""

    def __init__(self, arrival_ns: int) -> None:
        self._arrival_ns = arrival_ns
        self._first_ns: int | None = None
        self._last_ns = 0
        self._gaps = array("q")
        self._max_gap_ns = 0
        self._count = 0

    def tick(self, now_ns: int) -> None:
        """A chunk arrived."""
        self._count += 1
        if self._first_ns is None:
            self._first_ns = now_ns
        else:
            gap = now_ns - self._last_ns
            self._max_gap_ns = max(self._max_gap_ns, gap)
            if len(self._gaps) < MAX_TIMES:
                self._gaps.append(gap)
        self._last_ns = now_ns

    def result(self) -> StreamTiming:
        first = self._first_ns
        if first is None:
            return StreamTiming(0, None, None, None, None, None)
        gaps = [gap / 1e9 for gap in sorted(self._gaps)]
        return StreamTiming(
            chunk_count=self._count,
            time_to_first_chunk_s=(first - self._arrival_ns) / 1e9,
            time_per_chunk_s=(
                (self._last_ns - first) / 1e9 / (self._count - 1) if self._count > 1 else None
            ),
            gap_p50_s=nearest_rank(gaps, 0.50) if gaps else None,
            gap_p95_s=nearest_rank(gaps, 0.95) if gaps else None,
            gap_max_s=self._max_gap_ns / 1e9 if gaps else None,
        )
