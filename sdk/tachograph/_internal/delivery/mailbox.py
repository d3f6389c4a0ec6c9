"""The bounded queues between the application's threads and the delivery thread."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tachograph._internal.delivery.books import Counts
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import SIGNALS, Record, Signal
from tachograph.semconv.values import DropReason


@dataclass(slots=True)
class _Lane:
    """One signal. `held_*` cover records that wait and records that are under way."""

    queue: deque[tuple[Record, int]] = field(default_factory=deque)
    queued_bytes: int = 0
    held_records: int = 0
    held_bytes: int = 0
    oldest_at: float = 0.0  # time.monotonic() when the queue last became non-empty
    submitted: int = 0
    accepted: int = 0  # of the submitted
    settled: int = 0  # of the accepted: delivered or lost; they settle in order
    delivered: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class Mailbox:
    """Thread-safe, bounded, counted; `offer` never blocks on anything but a short lock.

    The lock is re-entrant because a finaliser (an abandoned stream ends its span in `__del__`)
    may run inside a critical section of the same thread. Such an offer is put aside and made when
    the section ends, so that it can neither deadlock nor see half-made changes.
    """

    def __init__(self, options: DeliveryOptions) -> None:
        self._options = options
        self._changed = threading.Condition(threading.RLock())
        self._lanes: dict[Signal, _Lane] = {signal: _Lane() for signal in SIGNALS}
        self._is_inside = False
        self._put_aside: deque[tuple[Signal, Record, int]] = deque()
        self._is_closed = False
        self._hurry = 0

    def offer(self, signal: Signal, record: Record, size: int) -> bool:
        """Queue one record; False when it was dropped (and counted)."""
        with self._changed:
            if self._is_inside:
                self._put_aside.append((signal, record, size))
                return True
            with self._section():
                return self._offer(signal, record, size)

    def _offer(self, signal: Signal, record: Record, size: int) -> bool:
        lane = self._lanes[signal]
        lane.submitted += 1
        if self._is_closed:
            lane.dropped[DropReason.SHUTDOWN] += 1
            return False
        if lane.held_records >= self._options.max_records:
            lane.dropped[DropReason.QUEUE_FULL] += 1
            return False
        if lane.held_bytes + size > self._options.max_bytes:
            lane.dropped[DropReason.QUEUE_BYTES] += 1
            return False
        if not lane.queue:
            lane.oldest_at = time.monotonic()
        was_ready = self._is_batch(lane)
        was_empty = not lane.queue
        lane.queue.append((record, size))
        lane.queued_bytes += size
        lane.accepted += 1
        lane.held_records += 1
        lane.held_bytes += size
        # Waking the delivery thread for every record would make it fight the caller for the
        # interpreter: it is woken to set its timer and when a batch is full, not in between.
        if was_empty or (not was_ready and self._is_batch(lane)):
            self._changed.notify_all()
        return True

    def take(self, signal: Signal) -> list[tuple[Record, int]]:
        """Remove and return up to one batch; its room stays reserved until `resolve`."""
        with self._section():
            lane = self._lanes[signal]
            batch: list[tuple[Record, int]] = []
            size = 0
            while lane.queue and len(batch) < self._options.batch_records:
                if batch and size + lane.queue[0][1] > self._options.batch_bytes:
                    break
                item = lane.queue.popleft()
                size += item[1]
                batch.append(item)
            lane.queued_bytes -= size
            if lane.queue:
                lane.oldest_at = time.monotonic()
            return batch

    def resolve(
        self, signal: Signal, records: int, size: int, *, lost: int = 0, reason: str = ""
    ) -> None:
        """Settle the fate of records that were taken: `lost` of them dropped, the rest
        delivered."""
        with self._section():
            if self._is_closed and not self._lanes[signal].held_records:
                return  # the deadline of a shutdown passed: they were counted as lost already
            lane = self._lanes[signal]
            lane.held_records -= records
            lane.held_bytes -= size
            lane.settled += records
            lane.delivered += records - lost
            if lost:
                lane.dropped[reason] += lost
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more records and hurry to send what is there."""
        with self._section():
            self._is_closed = True
            self._hurry += 1
            self._changed.notify_all()

    def abandon(self) -> int:
        """Count everything that is still held as lost to the shutdown; returns how many."""
        with self._section():
            lost = 0
            for lane in self._lanes.values():
                if lane.held_records:
                    lane.dropped[DropReason.SHUTDOWN] += lane.held_records
                    lane.settled += lane.held_records
                    lost += lane.held_records
                lane.queue.clear()
                lane.queued_bytes = lane.held_records = lane.held_bytes = 0
            self._changed.notify_all()
            return lost

    def hurry(self) -> None:
        """Ask the delivery thread to send what is there without waiting for more."""
        with self._section():
            self._hurry += 1
            self._changed.notify_all()

    @property
    def hurries(self) -> int:
        """How often `hurry` was called."""
        return self._hurry

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def held(self) -> int:
        """Records that wait or are under way, all signals."""
        with self._section():
            return sum(lane.held_records for lane in self._lanes.values())

    def accepted(self) -> dict[Signal, int]:
        """How many records of each signal were ever queued: a mark for `has_settled`."""
        with self._section():
            return {signal: lane.accepted for signal, lane in self._lanes.items()}

    def has_settled(self, mark: Mapping[Signal, int]) -> bool:
        """Is everything delivered or lost that was queued when `mark` was taken?"""
        with self._section():
            return all(lane.settled >= mark[signal] for signal, lane in self._lanes.items())

    def due_at(self, signal: Signal, delay_s: float) -> float | None:
        """When the next batch should leave (`time.monotonic`, 0 is now); None: nothing waits."""
        with self._section():
            lane = self._lanes[signal]
            if not lane.queue:
                return None
            return 0.0 if self._is_batch(lane) else lane.oldest_at + delay_s

    def wait(self, is_ready: Callable[[], bool], until: float | None) -> bool:
        """Sleep until `is_ready()` or the instant `until` (`time.monotonic`); is it ready?"""
        with self._changed:
            return self._changed.wait_for(
                is_ready, None if until is None else max(0.0, until - time.monotonic())
            )

    def counts(self) -> Counts:
        """A consistent snapshot of the books."""
        with self._section():
            return Counts(
                submitted={signal: lane.submitted for signal, lane in self._lanes.items()},
                delivered={signal: lane.delivered for signal, lane in self._lanes.items()},
                waiting={signal: lane.held_records for signal, lane in self._lanes.items()},
                dropped={
                    (signal, reason): count
                    for signal, lane in self._lanes.items()
                    for reason, count in lane.dropped.items()
                },
            )

    def _is_batch(self, lane: _Lane) -> bool:
        return (
            len(lane.queue) >= self._options.batch_records
            or lane.queued_bytes >= self._options.batch_bytes
        )

    @contextmanager
    def _section(self) -> Iterator[None]:
        with self._changed:
            was_inside, self._is_inside = self._is_inside, True
            try:
                yield
                if not was_inside:
                    while self._put_aside:
                        self._offer(*self._put_aside.popleft())
            finally:
                self._is_inside = was_inside
