"""What happens to the stack: kills, a full disk, an absent store."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.chaos.stack import Stack, wait_until

_FULL_DISK_S: Final = 4.0
_BACK_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something to happen; `run` returns when the stack is whole again."""

    name: str
    run: Callable[[], None]


def planned(stack: Stack, rng: random.Random, kills: int, away_s: float) -> list[Event]:
    """As many events as there are to be kills; a full disk and an absent store among them."""

    def kill_collector() -> None:
        stack.kill_one_collector(rng)
        wait_until(stack.is_up, "a collector", _BACK_S)

    def kill_collectors() -> None:
        stack.kill_collectors()
        stack.start_collectors()

    def kill_store() -> None:
        stack.kill_store()
        stack.start_store()

    def kill_all() -> None:
        stack.kill_store()
        stack.kill_collectors()
        stack.start_store()
        stack.start_collectors()

    def fill_disk() -> None:
        """Until nothing more can be written, with a kill in the middle of it."""
        stack.fill_disk()
        time.sleep(_FULL_DISK_S / 2)
        stack.kill_one_collector(rng)
        time.sleep(_FULL_DISK_S / 2)
        stack.empty_disk()
        wait_until(stack.is_up, "a collector", _BACK_S)

    def take_store_away() -> None:
        """Journals grow, to their quota if it takes long; a collector dies meanwhile."""
        stack.kill_store()
        time.sleep(away_s * 0.7)
        stack.kill_one_collector(rng)
        time.sleep(away_s * 0.3)
        stack.start_store()

    disk = "full disk, kill -9 of a collector" if stack.has_disk else "kill -9 of a collector"
    special = [
        Event(disk, fill_disk),
        Event(f"store away for {away_s:g} s, kill -9 of a collector", take_store_away),
    ]
    usual = (
        Event("kill -9 of one collector", kill_collector),
        Event("kill -9 of the store", kill_store),
        Event("kill -9 of everything", kill_all),
        Event("kill -9 of all collectors", kill_collectors),
    )
    events = special[:kills]
    begin = rng.randrange(len(usual))
    events += [usual[(begin + number) % len(usual)] for number in range(kills - len(events))]
    rng.shuffle(events)
    return events
