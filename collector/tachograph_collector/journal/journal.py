"""The writing end of a journal: records in, one fsync for all that came together."""

import logging
import math
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from errno import ENOSPC
from typing import Final

from tachograph_collector.errors import ApiError
from tachograph_collector.journal.block import accepted_of, counts_of
from tachograph_collector.journal.codec import Packed
from tachograph_collector.journal.files import open_private, sync_directory, write_pieces
from tachograph_collector.journal.folder import JournalFolder
from tachograph_collector.journal.pace import Pace
from tachograph_collector.journal.record import HEADER_BYTES, Damage, Record, read_records
from tachograph_collector.journal.state import Position

Waiting = Counter[tuple[str, str, str]]
"""Accepted records by project, source and signal."""

_LOGGER = logging.getLogger(__name__)
_FAILURE_SHOWN_S: Final = 5.0
_DISK_MARGIN_BYTES: Final = 256 * 1024
"""Left free for the drain, which makes room again."""


class Journal:
    """Appends to the newest segment. `admit` and `append` may run in different threads."""

    def __init__(
        self,
        folder: JournalFolder,
        drained: Position,
        next_record: int,
        *,
        max_bytes: int,
        segment_bytes: int,
        retry_after_s: int,
        slack_rows: int,
    ) -> None:
        self.max_bytes = max_bytes
        self.pace = Pace(slack_rows)
        self._folder = folder
        self._retry_after_s = retry_after_s
        # Quarter segments: a full journal has room again when its oldest quarter is drained.
        self._segment_bytes = min(segment_bytes, max_bytes // 4)
        self._writing = threading.Lock()  # held by whoever changes the newest segment
        self._arrived = threading.Condition()  # guards the fields below
        self._waiting: Waiting = Counter()
        self._next_record = next_record
        self._older_bytes = 0  # of segments before the newest
        self._claimed_bytes = 0  # admitted and not written yet
        self._failed_until = 0.0
        self._failure = ""
        self._is_closed = False
        self._descriptor: int | None = None  # of the newest segment, once it has a record
        self._size = 0
        folder.delete_before(drained.segment)
        for number in folder.segments():
            self._count(number, drained.offset if number == drained.segment else 0)
        self._segment = max([*folder.segments(), drained.segment]) + 1

    def _count(self, number: int, start: int) -> None:
        """Count what an earlier process left in a segment; it is never appended to."""
        descriptor = os.open(self._folder.segment(number), os.O_RDONLY | os.O_CLOEXEC)
        try:
            end = os.fstat(descriptor).st_size
            self._older_bytes += end
            for found, _ in read_records(descriptor, start, end):
                record = found
                if isinstance(record, Damage):
                    if record.is_torn or record.head is None:
                        continue
                    record = record.head
                self._next_record = max(self._next_record, record.number + 1)
                self._waiting.update(_accepted(record))
        finally:
            os.close(descriptor)

    @property
    def end(self) -> Position:
        """Behind the last durable record."""
        with self._arrived:
            return Position(self._segment, self._size)

    @property
    def used_bytes(self) -> int:
        """Bytes of all segments."""
        with self._arrived:
            return self._older_bytes + self._size

    @property
    def waiting(self) -> Waiting:
        """What lies in the journal and is not in the store."""
        with self._arrived:
            return Counter(self._waiting)

    def room_problem(self) -> str | None:
        """Why nothing can be accepted now, or None."""
        if self.used_bytes >= self.max_bytes:
            return "the journal is full: is `tachograph store` running?"
        if self._free_bytes() < _DISK_MARGIN_BYTES:
            return "No space left on the disk of the journal"
        if time.monotonic() < self._failed_until:
            return f"the journal cannot be written: {self._failure}"
        return None

    def admit(self, packed: Packed) -> None:
        """Take room for a record. Raises `ApiError` 413, or 503 when it may fit later."""
        size = packed.size_bytes
        if size > self.max_bytes - self._segment_bytes:
            raise ApiError(
                413,
                "body_too_large",
                f"a request of {size} bytes does not fit into a journal of {self.max_bytes}",
                field="body",
                remedy="export smaller batches, or raise TACHOGRAPH_COLLECTOR_JOURNAL_MAX_BYTES",
            )
        with self._arrived:
            if self._older_bytes + self._size + self._claimed_bytes + size > self.max_bytes:
                raise self._full("the journal is full: the store does not take data fast enough")
            self._claimed_bytes += size

    def _full(self, message: str) -> ApiError:
        return ApiError(
            503,
            "journal_full",
            message,
            remedy="retry after the given delay; see /healthz, and raise "
            "TACHOGRAPH_COLLECTOR_JOURNAL_MAX_BYTES if the store stays behind",
            retry_after_s=self._retry_after_s,
        )

    def append(self, batch: Sequence[Packed]) -> None:
        """Write admitted records and sync them, all or none. Raises `ApiError` 503."""
        try:
            with self._writing:
                self._append(batch)
        except OSError as error:
            _LOGGER.error("the journal cannot be written: %s", error)
            self._failure = error.strerror or str(error)
            self._failed_until = time.monotonic() + _FAILURE_SHOWN_S
            raise ApiError(
                503,
                "journal_not_writable",
                f"the journal cannot be written: {self._failure}",
                remedy="make room on the collector's disk; retry after the given delay",
                retry_after_s=self._retry_after_s,
            ) from error
        finally:
            with self._arrived:
                self._claimed_bytes -= sum(packed.size_bytes for packed in batch)

    def _append(self, batch: Sequence[Packed]) -> None:
        now = time.time_ns()
        pieces = [
            piece
            for number, packed in enumerate(batch, self._next_record)
            for piece in Record(number, now, packed.rows, packed.meta, packed.payload).pieces()
        ]
        size = sum(map(len, pieces))
        if self._free_bytes() < size + _DISK_MARGIN_BYTES:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        if self._size >= self._segment_bytes:
            self._leave_segment()
        if self._descriptor is None:
            path = self._folder.segment(self._segment)
            self._descriptor = open_private(path, os.O_WRONLY | os.O_APPEND)
            sync_directory(self._folder.path)
        try:
            write_pieces(self._descriptor, pieces)
            os.fsync(self._descriptor)
        except OSError:
            # Cut off what nobody was told of, and leave the segment: its end is uncertain.
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            self._leave_segment()
            raise
        with self._arrived:
            self._size += size
            self._next_record += len(batch)
            for packed in batch:
                self._waiting.update(packed.accepted)
            self._arrived.notify_all()

    def _leave_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        with self._arrived:
            self._descriptor = None
            self._older_bytes += self._size
            self._segment += 1
            self._size = 0
            self._arrived.notify_all()

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._folder.path)
        return disk.f_bavail * disk.f_frsize

    def wait(self, behind: Position, timeout_s: float) -> None:
        """Return when there is something behind a position, or after the timeout.

        As `gather`, at once where nothing can come any more.
        """
        with self._arrived:
            self._arrived.wait_for(
                lambda: self._is_closed or Position(self._segment, self._size) > behind,
                timeout=timeout_s,
            )

    def gather(self, records: int, timeout_s: float, lull_s: float = math.inf) -> None:
        """Return when so many records wait for the store, after the timeout, or when no further ones
        came for `lull_s`."""
        end = time.monotonic() + timeout_s
        with self._arrived:
            seen = self._waiting.total()

            def has_more() -> bool:
                return self._is_closed or self._waiting.total() > seen

            while (
                seen < records
                and not self._is_closed
                and self._arrived.wait_for(has_more, timeout=min(lull_s, end - time.monotonic()))
            ):
                seen = self._waiting.total()

    def leave_if_drained(self, position: Position) -> None:
        """Begin a new segment when all of the newest is drained: prompts do not lie about."""
        with self._writing:
            if self._size and position >= Position(self._segment, self._size):
                self._leave_segment()

    def drained(self, position: Position, accepted: Waiting) -> None:
        """These records are in the store: delete the segments before the position."""
        self._folder.delete_before(position.segment)
        with self._arrived:
            self._waiting.subtract(accepted)
            if position >= Position(self._segment, self._size):
                self._waiting.clear()  # also of what was too damaged to say whose it was
            self._waiting = +self._waiting
            self._older_bytes = self._folder.size_bytes(before=self._segment)

    def close(self) -> None:
        """Close the newest segment; nothing may be appended any more."""
        with self._writing:
            self._leave_segment()
        with self._arrived:
            self._is_closed = True
            self._arrived.notify_all()


def _accepted(record: Record) -> Waiting:
    try:
        return accepted_of([counts_of(record)])
    except (ValueError, KeyError, TypeError):
        return Counter()  # of another version: the drain sets it aside


assert HEADER_BYTES < 64, "Packed.size_bytes counts 64 bytes a header"
