"""Requests share writes, and each learns its own fate."""

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tachograph_collector.group_commit import GroupCommit


def test_requests_that_wait_together_share_one_write() -> None:
    groups: list[list[int]] = []
    first_is_running = threading.Event()
    release = threading.Event()

    def write(entries: Sequence[int]) -> None:
        groups.append(list(entries))
        first_is_running.set()
        release.wait(10)

    async def run() -> None:
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_bytes=3)
            first = asyncio.create_task(group.commit(1, 1))
            while not first_is_running.is_set():
                await asyncio.sleep(0)
            others = [asyncio.create_task(group.commit(entry, 1)) for entry in (2, 3, 4, 5)]
            await asyncio.sleep(0)
            release.set()
            await asyncio.gather(first, *others)

    asyncio.run(run())
    assert groups == [[1], [2, 3, 4], [5]]


def test_an_entry_beyond_the_bound_is_written_alone() -> None:
    groups: list[list[int]] = []

    async def run() -> None:
        with ThreadPoolExecutor() as executor:
            group: GroupCommit[int] = GroupCommit(
                lambda entries: groups.append(list(entries)), executor, max_bytes=10
            )
            await asyncio.gather(*(group.commit(entry, 60) for entry in range(3)))

    asyncio.run(run())
    assert groups == [[0], [1], [2]]


def test_a_disk_that_fails_fails_its_group_and_not_the_next() -> None:
    is_full = True

    def write(entries: Sequence[int]) -> None:
        if is_full:
            raise OSError("full")

    async def run() -> None:
        nonlocal is_full
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_bytes=10)
            results = await asyncio.gather(
                group.commit(1, 1), group.commit(2, 1), return_exceptions=True
            )
            assert [type(result) for result in results] == [OSError] * 2
            is_full = False
            await group.commit(3, 1)

    asyncio.run(run())


def test_a_request_whose_client_went_does_not_hurt_its_neighbours() -> None:
    release = threading.Event()

    def write(entries: Sequence[int]) -> None:
        release.wait(10)

    async def run() -> None:
        with ThreadPoolExecutor() as executor:
            group = GroupCommit(write, executor, max_bytes=10)
            gone = asyncio.create_task(group.commit(1, 1))
            stays = asyncio.create_task(group.commit(2, 1))
            await asyncio.sleep(0)
            gone.cancel()
            release.set()
            await stays

    asyncio.run(run())
