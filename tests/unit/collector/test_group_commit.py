"""Requests share inserts, each learns its own fate, and a bad row goes alone."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tachograph_collector.group_commit import GroupCommit, write_bisecting
from tachograph_store.errors import QueryTooLarge, RowRefused, StoreUnavailable


def test_requests_that_wait_together_share_one_block() -> None:
    blocks: list[list[int]] = []
    first_is_running = threading.Event()
    release = threading.Event()

    def write(rows: Sequence[int]) -> list[bool]:
        blocks.append(list(rows))
        first_is_running.set()
        release.wait(10)
        return [row >= 0 for row in rows]

    async def run() -> list[list[bool]]:
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_rows=4, max_bytes=1000)
            first = asyncio.create_task(group.commit([1], 1))
            while not first_is_running.is_set():
                await asyncio.sleep(0)
            rows = ([2, -3], [4], [5, 6], [7])
            others = [asyncio.create_task(group.commit(part, 1)) for part in rows]
            await asyncio.sleep(0)
            release.set()
            return [await task for task in (first, *others)]

    fates = asyncio.run(run())
    assert blocks == [[1], [2, -3, 4], [5, 6, 7]]
    assert fates == [[True], [True, False], [True], [True, True], [True]]


def test_blocks_are_bounded_in_bytes_but_one_request_is_never_split() -> None:
    blocks: list[list[int]] = []

    def write(rows: Sequence[int]) -> list[bool]:
        blocks.append(list(rows))
        return [True] * len(rows)

    async def run() -> None:
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_rows=100, max_bytes=10)
            await asyncio.gather(*(group.commit([i, i], 6) for i in range(3)))
            assert await group.commit([], 0) == []

    asyncio.run(run())
    assert blocks == [[0, 0], [1, 1], [2, 2]]


def test_a_store_that_is_away_fails_its_block_and_not_the_next() -> None:
    is_away = True

    def write(rows: Sequence[int]) -> list[bool]:
        if is_away:
            raise StoreUnavailable("away")
        return [True] * len(rows)

    async def run() -> None:
        nonlocal is_away
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_rows=10, max_bytes=10)
            results = await asyncio.gather(
                group.commit([1], 1), group.commit([2], 1), return_exceptions=True
            )
            assert [type(result) for result in results] == [StoreUnavailable] * 2
            is_away = False
            assert await group.commit([3], 1) == [True]

    asyncio.run(run())


def test_a_request_whose_client_went_does_not_hurt_its_neighbours() -> None:
    release = threading.Event()

    def write(rows: Sequence[int]) -> list[bool]:
        release.wait(10)
        return [True] * len(rows)

    async def run() -> None:
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_rows=10, max_bytes=10)
            gone = asyncio.create_task(group.commit([1], 1))
            stays = asyncio.create_task(group.commit([2], 1))
            await asyncio.sleep(0)
            gone.cancel()
            release.set()
            assert await stays == [True]

    asyncio.run(run())


def test_bisection_finds_every_bad_row() -> None:
    kept: list[int] = []

    def write(rows: Sequence[int]) -> None:
        if any(row < 0 for row in rows):
            raise RowRefused("negative")
        kept.extend(rows)

    assert write_bisecting([1, -2, 3, 4, 5, -6], write) == [True, False, True, True, True, False]
    assert kept == [1, 3, 4, 5]


def test_a_block_too_large_is_halved_but_no_row_is_blamed() -> None:
    sizes: list[int] = []

    def write(rows: Sequence[int]) -> None:
        if len(rows) > 2:
            raise QueryTooLarge("memory")
        sizes.append(len(rows))

    assert all(write_bisecting(range(8), write))
    assert sizes == [2, 2, 2, 2]

    def never(rows: Sequence[int]) -> None:
        raise QueryTooLarge("memory")

    with pytest.raises(QueryTooLarge):
        write_bisecting([1], never)
