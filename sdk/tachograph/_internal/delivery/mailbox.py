"""The bounded queues between the application's threads and the delivery thread."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from tachograph._internal.delivery.bell import Bell
from tachograph._internal.delivery.books import Counts
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import SIGNALS, PendingSpan, Record, Signal
from tachograph.semconv.values import DropReason


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of the accepted records of a signal; replaced as a whole, so that whoever reads
    it sees figures that belong together without taking a lock."""

    settled: int = 0  # delivered, spooled or lost; they settle in order
    settled_bytes: int = 0
    delivered: int = 0
    spooled: int = 0  # of the settled: on disk
    lost: Mapping[str, int] = field(default_factory=dict)


# A span of our own knows its size: a pair around it would be one object more for the collector of
# garbage, which runs on the calling thread.
_Item: TypeAlias = PendingSpan | tuple[Record, int]


class _Lane:
    """One signal. The counters are the submitting threads', `fate` is the delivery thread's."""

    __slots__ = ("accepted", "accepted_bytes", "fate", "queue", "refused", "submitted")

    def __init__(self) -> None:
        self.queue: deque[_Item] = deque()
        self.submitted = 0
        self.accepted = 0
        self.accepted_bytes = 0
        self.refused = dict.fromkeys(_REFUSALS, 0)
        self.fate = _Fate()


_REFUSALS = (
    DropReason.SHUTDOWN,
    DropReason.QUEUE_FULL,
    DropReason.QUEUE_BYTES,
    DropReason.SAMPLED_OUT,
)


class Mailbox:
    """Thread-safe, bounded, counted; `offer` never waits for the delivery thread.

    Two locks. The submitting threads' one is never taken by the delivery thread while it works:
    holding it when the interpreter takes turns, that thread would make the application wait for
    two switch intervals. It is re-entrant, and the code under it is made so that a finaliser or
    signal handler that submits in the middle of it leaves the counts right.
    """

    def __init__(self, options: DeliveryOptions) -> None:
        self._max_records = options.max_records
        self._max_bytes = options.max_bytes
        # Waking the delivery thread for every record would make it fight the caller for the
        # interpreter. It looks by itself; it is woken out of idleness and where much comes at once.
        self._ring_at = max(1, min(options.batch_records, options.max_records // 4))
        self._lock = threading.RLock()
        self._settling = threading.Condition(threading.RLock())
        self._lanes: dict[Signal, _Lane] = {signal: _Lane() for signal in SIGNALS}
        self._bell = Bell()
        self._is_idle = False
        self._is_closed = False
        self._is_abandoned = False
        self._hurry = 0

    # --- the application's threads

    def offer(self, signal: Signal, record: Record, size: int) -> bool:
        """Queue one record; False when it was dropped (and counted)."""
        lane = self._lanes[signal]
        item = record if isinstance(record, PendingSpan) else (record, size)
        # Only single statements change the counters, none of them with a call inside: that is
        # what keeps them right when a finaliser submits between two of them.
        with self._lock:
            lane.submitted += 1
            fate = lane.fate
            if self._is_closed:
                lane.refused[DropReason.SHUTDOWN] += 1
                return False
            if lane.accepted - fate.settled >= self._max_records:
                lane.refused[DropReason.QUEUE_FULL] += 1
                return False
            if lane.accepted_bytes - fate.settled_bytes + size > self._max_bytes:
                lane.refused[DropReason.QUEUE_BYTES] += 1
                return False
            lane.accepted += 1
            lane.accepted_bytes += size
            lane.queue.append(item)
        if self._is_idle or len(lane.queue) == self._ring_at:
            self._is_idle = False
            self._bell.ring()
        return True

    def leave_out(self, signal: Signal, reason: str) -> None:
        """Count a record that was never made, by why it was not."""
        lane = self._lanes[signal]
        with self._lock:
            lane.submitted += 1
            lane.refused[reason] += 1

    def hurry(self) -> None:
        """Ask the delivery thread to send what is there without waiting for more."""
        with self._lock:
            self._hurry += 1
        self._bell.ring()

    def close(self) -> None:
        """Take no more records and hurry to send what is there."""
        with self._lock:
            self._is_closed = True
        self.hurry()

    def abandon(self) -> int:
        """Count everything that is still held as lost to the shutdown; returns how many."""
        lost = 0
        with self._lock, self._settling:
            self._is_abandoned = True
            for lane in self._lanes.values():
                fate = lane.fate
                held = lane.accepted - fate.settled
                lane.queue.clear()
                if held:
                    lane.fate = _settled(
                        fate,
                        held,
                        lane.accepted_bytes - fate.settled_bytes,
                        lost=held,
                        reason=DropReason.SHUTDOWN,
                    )
                lost += held
            self._settling.notify_all()
        self._bell.ring()
        return lost

    def accepted(self) -> dict[Signal, int]:
        """How many records of each signal were ever queued: a mark for `wait_settled`."""
        with self._lock:
            return {signal: lane.accepted for signal, lane in self._lanes.items()}

    def wait_settled(self, mark: Mapping[Signal, int], until: float) -> bool:
        """Wait until everything queued when `mark` was taken is delivered or lost, or until the
        instant `until` (`time.monotonic`); is it?"""
        with self._settling:
            return self._settling.wait_for(
                lambda: all(lane.fate.settled >= mark[s] for s, lane in self._lanes.items()),
                max(0.0, until - time.monotonic()),
            )

    def counts(self) -> Counts:
        """A consistent snapshot of the books."""
        with self._lock:
            fates = {signal: lane.fate for signal, lane in self._lanes.items()}
            dropped: dict[tuple[Signal, str], int] = {}
            for signal, lane in self._lanes.items():
                for losses in (lane.refused, fates[signal].lost):
                    for reason, count in losses.items():
                        if count:
                            dropped[signal, reason] = dropped.get((signal, reason), 0) + count
            return Counts(
                submitted={signal: lane.submitted for signal, lane in self._lanes.items()},
                delivered={signal: fate.delivered for signal, fate in fates.items()},
                waiting={s: self._lanes[s].accepted - fate.settled for s, fate in fates.items()},
                dropped=dropped,
                spooled={signal: fate.spooled for signal, fate in fates.items() if fate.spooled},
            )

    # --- the delivery thread

    def take(self, signal: Signal, room: int | None = None) -> tuple[Record, int] | None:
        """Remove and return one record; None where there is none, or none of `room` estimated
        bytes at most. What it takes of the bounds stays taken until `resolve`."""
        queue = self._lanes[signal].queue
        with self._settling:  # against `abandon`
            if not queue or (room is not None and _size(queue[0]) > room):
                return None
            item = queue.popleft()
        return (item, item.size) if isinstance(item, PendingSpan) else item

    def resolve(
        self, signal: Signal, records: int, size: int, *, lost: int = 0, reason: str = ""
    ) -> None:
        """Settle the fate of records that were taken: `lost` of them dropped, the rest
        delivered."""
        with self._settling:
            if self._is_abandoned:
                return  # the deadline of a shutdown passed: they were counted as lost already
            lane = self._lanes[signal]
            lane.fate = _settled(lane.fate, records, size, lost=lost, reason=reason)
            self._settling.notify_all()

    def spool(self, signal: Signal, records: int, size: int) -> None:
        """Records that were taken are on disk now."""
        with self._settling:
            if self._is_abandoned:
                return
            lane = self._lanes[signal]
            lane.fate = replace(
                lane.fate,
                settled=lane.fate.settled + records,
                settled_bytes=lane.fate.settled_bytes + size,
                spooled=lane.fate.spooled + records,
            )
            self._settling.notify_all()

    def unspool(self, signal: Signal, records: int, *, reason: str | None) -> None:
        """Spooled records of this process were delivered, or lost for a `reason`."""
        with self._settling:
            lane = self._lanes[signal]
            fate = _settled(
                lane.fate, records, 0, lost=records if reason else 0, reason=reason or ""
            )
            lane.fate = replace(
                fate, settled=lane.fate.settled, spooled=lane.fate.spooled - records
            )

    def next_size(self, signal: Signal) -> int | None:
        """Estimated bytes of the record that `take` would give; None where the queue is empty."""
        try:
            return _size(self._lanes[signal].queue[0])
        except IndexError:
            return None

    def waiting(self, signal: Signal) -> int:
        """Records in the queue; what was taken is not among them."""
        return len(self._lanes[signal].queue)

    def is_filling(self, signal: Signal) -> bool:
        """Is half of the room for a signal taken, in records or bytes?"""
        lane = self._lanes[signal]
        fate = lane.fate
        return (
            2 * (lane.accepted - fate.settled) >= self._max_records
            or 2 * (lane.accepted_bytes - fate.settled_bytes) >= self._max_bytes
        )

    def held(self) -> int:
        """Records that wait or are under way, all signals."""
        return sum(lane.accepted - lane.fate.settled for lane in self._lanes.values())

    def sleep(self, timeout_s: float | None, *, wakes_for_records: bool) -> None:
        """Sleep until somebody hurries or closes, `timeout_s` seconds at most; with
        `wakes_for_records` also until a record comes into empty queues."""
        if wakes_for_records:
            self._is_idle = True
            if any(lane.queue for lane in self._lanes.values()):
                self._is_idle = False
                return
        self._bell.wait(timeout_s)
        self._is_idle = False

    @property
    def hurries(self) -> int:
        """How often somebody asked to hurry."""
        return self._hurry

    @property
    def is_closed(self) -> bool:
        return self._is_closed


def _size(item: _Item) -> int:
    return item.size if isinstance(item, PendingSpan) else item[1]


def _settled(fate: _Fate, records: int, size: int, *, lost: int, reason: str) -> _Fate:
    losses = fate.lost
    if lost:
        losses = {**losses, reason: losses.get(reason, 0) + lost}
    return replace(
        fate,
        settled=fate.settled + records,
        settled_bytes=fate.settled_bytes + size,
        delivered=fate.delivered + records - lost,
        lost=losses,
    )
