"""What the columns of a span say only together: tokens, first chunks, what follows from what."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tachograph_collector.translate.columns import ENGINES
from tachograph_collector.translate.dialects.table import (
    ENGINE_NAME,
    FIRST_CHUNK_AT,
    STREAMED_CHUNK_TIME,
    STREAMED_FIRST_CHUNK,
)
from tachograph_collector.translate.limits import NANOSECONDS
from tachograph_collector.translate.tokens import settle_tokens


def settle(columns: dict[str, Any], scope_name: str, start_time: int, end_time: int) -> None:
    """Turn what is not a column into columns, in place. Times in ns since the epoch."""
    first_chunk_at = columns.pop(FIRST_CHUNK_AT, None)
    if first_chunk_at is not None:
        note_first_chunk(columns, first_chunk_at, start_time, end_time)
    streamed = (
        ("time_to_first_chunk_s", columns.pop(STREAMED_FIRST_CHUNK, None)),
        ("time_per_output_chunk_s", columns.pop(STREAMED_CHUNK_TIME, None)),
    )
    if columns.get("is_streaming"):
        for name, seconds in streamed:
            if seconds:  # 0: OpenLIT's word for unknown
                columns.setdefault(name, seconds)
    engine = columns.pop(ENGINE_NAME, None)
    if engine is not None:
        _settle_engine(columns, scope_name, engine)
    settle_tokens(columns, scope_name)


def _settle_engine(columns: dict[str, Any], scope_name: str, engine: str) -> None:
    """Which engine it is, and what it means by the names that are another one's."""
    other = ENGINES.get(scope_name)
    columns.setdefault("provider", other.provider if other else engine)
    for column in other.otherwise if other else ():
        columns.pop(column, None)


def note_first_chunk(columns: dict[str, Any], at: int, start_time: int, end_time: int) -> None:
    """Time to first chunk from the span's start, where the moment lies inside the span."""
    if start_time <= at <= end_time:
        columns.setdefault("time_to_first_chunk_s", (at - start_time) / NANOSECONDS)


def note_chunks(columns: dict[str, Any], times: Sequence[int]) -> None:
    """The gaps of a stream from the times of all its chunks, in ns."""
    columns.setdefault("chunk_count", len(times))
    gaps = sorted((later - earlier) / NANOSECONDS for earlier, later in pairwise(times))
    if not gaps or gaps[0] < 0:
        return
    columns.setdefault("time_per_output_chunk_s", sum(gaps) / len(gaps))
    columns.setdefault("gap_p50_s", gaps[math.ceil(0.5 * len(gaps)) - 1])
    columns.setdefault("gap_p95_s", gaps[math.ceil(0.95 * len(gaps)) - 1])
    columns.setdefault("gap_max_s", gaps[-1])
