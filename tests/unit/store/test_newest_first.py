"""How far back a list looks: a stretch that did not do is not asked for twice."""

import pytest

from tachograph_store.queries.cursor import newest_first

HOUR_NS = 3_600_000_000_000
NOW_NS = 1_000_000 * HOUR_NS


@pytest.mark.parametrize(
    ("is_narrow", "every_hours", "expected"),
    [
        (False, 0.01, [2]),
        (False, 1, [2, 48, 102]),
        (False, 100, [2, 48, 240, 720]),
        (True, 1, [48, 102]),
        (True, 100, [48, 720]),
        (False, 10_000, [2, 48, 240, 720]),
    ],
)
def test_stretches_grow_by_what_was_found(
    is_narrow: bool, every_hours: float, expected: list[int]
) -> None:
    asked: list[int] = []

    def ask(since_ns: int) -> list[int]:
        hours = (NOW_NS - since_ns) / HOUR_NS
        asked.append(round(hours))
        return list(range(min(51, int(hours / every_hours))))

    found = newest_first(ask, NOW_NS, NOW_NS - 720 * HOUR_NS, 51, is_narrow=is_narrow)
    assert asked == expected
    assert found == list(range(min(51, int(expected[-1] / every_hours))))
