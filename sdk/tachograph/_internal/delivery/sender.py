"""The delivery thread: encodes records, sends batches, retries, reports the books."""

import gzip
import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource

from tachograph._internal.delivery import otlp
from tachograph._internal.delivery.books import Counts, report_points
from tachograph._internal.delivery.circuit import Circuit
from tachograph._internal.delivery.mailbox import Mailbox
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.pace import Pace
from tachograph._internal.delivery.records import SIGNALS, Signal
from tachograph._internal.delivery.transport import Answer, Transport, Verdict
from tachograph.semconv.values import DropReason

if TYPE_CHECKING:
    from tachograph._internal.delivery.spool import Spool

_log = logging.getLogger("tachograph")

_PATHS: Mapping[Signal, str] = {
    "spans": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
}


_LOSS_REPORT_INTERVAL_S = 1.0
_SPOOL_PAUSE_S = 0.01


@dataclass(slots=True)
class _Batch:
    """Encoded records under way; kept until the collector has taken or refused them."""

    pieces: list[otlp.Piece]
    body: bytes
    first_tried_at: float | None = None  # time.monotonic()
    hurries: int = -1  # Mailbox.hurries at the last attempt

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)


@dataclass(slots=True)
class _Outbox:
    """What of one signal was taken from the mailbox: a batch that grows, and full ones."""

    pieces: list[otlp.Piece] = field(default_factory=list)
    size: int = 0
    since: float = 0.0  # time.monotonic() of the first piece
    ready: deque[_Batch] = field(default_factory=deque)


class Sender:
    """Moves records from a mailbox to the collector until the mailbox is closed and empty.

    Everything but the constructor runs on the delivery thread, in small steps with pauses between
    them (see `Pace`), because that thread shares the interpreter with the application.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        transport: Transport,
        resource: Resource,
        options: DeliveryOptions,
        spool: "Spool | None" = None,
    ) -> None:
        self._mailbox = mailbox
        self._transport = transport
        self._resource = resource
        self._options = options
        self._outboxes: dict[Signal, _Outbox] = {signal: _Outbox() for signal in SIGNALS}
        self._circuit = Circuit(options)
        self._pace = Pace(options.max_records)
        self._hurries_done = 0
        self._started_at_ns = time.time_ns()
        self._was_reached = False
        self._has_sent = False
        self._spool = spool
        self._own_files: dict[str, int] = {}  # name -> records: of this process's books
        self._has_spooled = spool is not None and not spool.is_empty
        self._reported: Counts | None = None
        self._reported_at = 0.0

    def run(self) -> None:
        """The thread's main function."""
        while not (self._mailbox.is_closed and self._mailbox.held() == 0):
            try:
                self._step()
            except Exception:  # noqa: BLE001 - a defect here must not end delivery for good
                _log.exception("tachograph: delivery failed; what was under way is dropped")
                self._drop_under_way()
        if self._was_reached:
            self._report(is_final=True)
        self._transport.close()

    def _step(self) -> None:
        """Encode a little, send what is due, sleep when there is nothing to do."""
        hurries = self._mailbox.hurries
        is_hurried = self._mailbox.is_closed or hurries > self._hurries_done
        encoded, was_sent = 0, False
        for signal, outbox in self._outboxes.items():
            if not outbox.ready:
                encoded += self._encode_some(signal, outbox)
                if self._is_due(signal, outbox, is_hurried):
                    self._close_batch(outbox)
            if outbox.ready and self._may_try(outbox.ready[0]):
                self._send(signal, outbox, outbox.ready[0])
                was_sent = True
        if was_sent:
            if not self._circuit.is_failing:
                self._report(is_final=False)
            return
        if self._has_spooled and self._was_reached and self._circuit.until <= time.monotonic():
            self._send_spooled()
            return
        if is_hurried and encoded:
            return
        if not encoded:
            self._hurries_done = hurries  # what a flush found waiting has left, or may not leave
        self._sleep(encoded)

    # --- from records to batches

    def _encode_some(self, signal: Signal, outbox: _Outbox) -> int:
        """Encode for as long as one step may last; returns how many records were taken."""
        taken = 0
        self._pace.begin(self._mailbox.waiting(signal))
        while len(outbox.pieces) < self._options.batch_records and not self._pace.is_over:
            item = self._mailbox.take(
                signal, self._options.batch_bytes - outbox.size if outbox.pieces else None
            )
            if item is None:
                break
            taken += 1
            record, size = item
            try:
                piece = otlp.encode(record, size)
            except Exception as error:  # noqa: BLE001 - an application may put anything there
                _log.warning("tachograph: a record of %s has no OTLP form: %s", signal, error)
                self._mailbox.resolve(signal, 1, size, lost=1, reason=DropReason.INTERNAL_ERROR)
                continue
            if not outbox.pieces:
                outbox.since = time.monotonic()
            outbox.pieces.append(piece)
            outbox.size += size
        return taken

    def _is_due(self, signal: Signal, outbox: _Outbox, is_hurried: bool) -> bool:
        if not outbox.pieces:
            return False
        following = self._mailbox.next_size(signal)
        is_full = len(outbox.pieces) >= self._options.batch_records or (
            following is not None and outbox.size + following > self._options.batch_bytes
        )
        if is_full or (is_hurried and following is None):
            return True
        return outbox.since + self._delay_s <= time.monotonic()

    @property
    def _delay_s(self) -> float:
        return self._options.delay_s if self._has_sent else self._options.first_delay_s

    def _close_batch(self, outbox: _Outbox) -> None:
        pieces, outbox.pieces, outbox.size = outbox.pieces, [], 0
        outbox.ready.append(self._batch(pieces))

    def _batch(self, pieces: list[otlp.Piece]) -> _Batch:
        return _Batch(pieces, self._transport.packed(otlp.body(pieces, self._resource)))

    def _sleep(self, encoded: int) -> None:
        """Until something is due, comes in or is asked for."""
        mailbox, now = self._mailbox, time.monotonic()
        if any(outbox.ready for outbox in self._outboxes.values()):
            # One circuit for all signals: what comes in meanwhile can wait as long.
            mailbox.sleep(self._circuit.until - now, wakes_for_records=False)
            return
        until: list[float] = []
        is_empty = True
        for signal, outbox in self._outboxes.items():
            waiting = mailbox.waiting(signal)
            if outbox.pieces or waiting:
                is_empty = False
                until.append(now + self._pace.pause_s(encoded, waiting))
            if outbox.pieces:
                until.append(outbox.since + self._delay_s)
        if self._has_spooled and self._was_reached:
            until.append(max(self._circuit.until, now + _SPOOL_PAUSE_S))
        mailbox.sleep(min(until) - now if until else None, wakes_for_records=is_empty)

    # --- from batches to the collector

    def _may_try(self, batch: _Batch) -> bool:
        if self._transport.is_aborted or self._circuit.until <= time.monotonic():
            return True
        return self._mailbox.hurries > batch.hurries and not self._circuit.is_told_to_wait

    def _send(self, signal: Signal, outbox: _Outbox, batch: _Batch) -> None:
        batch.hurries = self._mailbox.hurries
        if batch.first_tried_at is None:
            batch.first_tried_at = time.monotonic()
        self._has_sent = True
        answer = self._transport.post(_PATHS[signal], batch.body)
        self._was_reached = self._was_reached or answer.status is not None
        if answer.verdict in (Verdict.RETRY, Verdict.UNREACHABLE):
            self._postpone(signal, outbox, batch, answer)
            return
        self._note_recovery()
        outbox.ready.remove(batch)
        if answer.verdict is Verdict.ACCEPTED:
            rejected, message = otlp.rejected_records(answer.body)
            if rejected:
                _log.warning(
                    "tachograph: the collector rejected %d %s: %s", rejected, signal, message[:500]
                )
            lost = min(max(rejected, 0), len(batch.pieces))
            self._settle(signal, batch, lost=lost, reason=DropReason.EXPORT_REJECTED)
        elif answer.verdict is Verdict.TOO_LARGE and len(batch.pieces) > 1:
            middle = len(batch.pieces) // 2
            outbox.ready.extendleft(
                (self._batch(batch.pieces[middle:]), self._batch(batch.pieces[:middle]))
            )
        else:
            _log.warning(
                "tachograph: %s refused %d %s with HTTP %s%s",
                self._transport.address,
                len(batch.pieces),
                signal,
                answer.status,
                ": check the API key (TACHOGRAPH_API_KEY)" if answer.status in (401, 403) else "",
            )
            self._settle(signal, batch, lost=len(batch.pieces), reason=DropReason.EXPORT_REJECTED)

    def _postpone(self, signal: Signal, outbox: _Outbox, batch: _Batch, answer: Answer) -> None:
        if not self._circuit.is_failing:
            _log.warning(
                "tachograph: %s does not take telemetry now (%s); it waits in memory and is sent "
                "when the collector is back",
                self._transport.address,
                answer.error or f"HTTP {answer.status}",
            )
        self._circuit.fail(answer.retry_after_s)
        if self._mailbox.is_closed and (self._transport.is_aborted or not self._was_reached):
            # There is no collector here: do not hold up the exit.
            self._spool_all()
            self._mailbox.abandon()
            return
        if self._circuit.is_open or self._mailbox.is_filling(signal):
            self._spool_ready(signal, outbox)
            if not outbox.ready:
                return
        tried_for_s = time.monotonic() - (batch.first_tried_at or 0.0)
        if tried_for_s > self._options.retry_for_s:
            outbox.ready.remove(batch)
            self._settle(signal, batch, lost=len(batch.pieces), reason=DropReason.RETRIES_EXHAUSTED)

    def _spool_all(self) -> None:
        """Put everything that is held on disk, as far as that takes it."""
        if self._spool is None:
            return
        for signal, outbox in self._outboxes.items():
            while True:
                self._spool_ready(signal, outbox)
                if outbox.ready or not (outbox.pieces or self._mailbox.waiting(signal)):
                    break
                self._encode_some(signal, outbox)
                if outbox.pieces:
                    self._close_batch(outbox)

    def _spool_ready(self, signal: Signal, outbox: _Outbox) -> None:
        while self._spool is not None and outbox.ready:
            batch = outbox.ready[0]
            is_packed, records = self._transport.is_compressed, len(batch.pieces)
            name = self._spool.write(signal, batch.body, records=records, is_packed=is_packed)
            if name is None:
                return
            outbox.ready.popleft()
            self._own_files[name] = records
            self._has_spooled = True
            self._mailbox.spool(signal, records, batch.size)

    def _send_spooled(self) -> None:
        assert self._spool is not None
        with self._spool.oldest() as batch:
            if batch is None:
                self._has_spooled = False
                return
            body = batch.body
            if batch.is_packed != self._transport.is_compressed:  # the setting has changed since
                body = gzip.decompress(body) if batch.is_packed else self._transport.packed(body)
            answer = self._transport.post(_PATHS[batch.signal], body)
            if answer.verdict in (Verdict.RETRY, Verdict.UNREACHABLE):
                self._circuit.fail(answer.retry_after_s)
                return
            batch.remove()
            is_taken = answer.verdict is Verdict.ACCEPTED
            if not is_taken:
                _log.warning(
                    "tachograph: %s refused %d spooled %s with HTTP %s",
                    self._transport.address,
                    batch.records,
                    batch.signal,
                    answer.status,
                )
            if self._own_files.pop(batch.path.name, None) is not None:
                reason = None if is_taken else DropReason.EXPORT_REJECTED
                self._mailbox.unspool(batch.signal, batch.records, reason=reason)

    def _note_recovery(self) -> None:
        if self._circuit.is_failing:
            _log.info("tachograph: %s takes telemetry again", self._transport.address)
        self._circuit.succeed()

    def _settle(self, signal: Signal, batch: _Batch, *, lost: int, reason: str) -> None:
        self._mailbox.resolve(signal, len(batch.pieces), batch.size, lost=lost, reason=reason)

    def _drop_under_way(self) -> None:
        for signal, outbox in self._outboxes.items():
            lost = [piece for batch in outbox.ready for piece in batch.pieces] + outbox.pieces
            outbox.ready.clear()
            outbox.pieces, outbox.size = [], 0
            if lost:
                self._mailbox.resolve(
                    signal,
                    len(lost),
                    sum(piece.size for piece in lost),
                    lost=len(lost),
                    reason=DropReason.INTERNAL_ERROR,
                )

    # --- the books

    def _report(self, *, is_final: bool) -> None:
        """Send the client report when it has news: losses with the next export, the rest at
        intervals. It is cumulative, so that a lost one does no harm."""
        now = time.monotonic()
        counts, reported = self._mailbox.counts(), self._reported
        has_losses = counts.dropped != ({} if reported is None else reported.dropped)
        is_news = has_losses or reported is None or counts.submitted != reported.submitted
        interval_s = self._options.report_interval_s
        if has_losses:
            interval_s = min(interval_s, _LOSS_REPORT_INTERVAL_S)
        if not is_news or not (is_final or now - self._reported_at >= interval_s):
            return
        points = report_points(
            counts, start_time_unix_nano=self._started_at_ns, time_unix_nano=time.time_ns()
        )
        pieces = [otlp.encode(point, 0) for point in points]
        body = self._transport.packed(otlp.body(pieces, self._resource))
        answer = self._transport.post(_PATHS["metrics"], body)
        self._reported_at = now
        if answer.verdict is Verdict.ACCEPTED:
            self._reported = counts
