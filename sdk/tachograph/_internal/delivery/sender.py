"""The delivery thread: takes batches, sends them, retries, reports the books."""

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.sdk.resources import Resource

from tachograph._internal.delivery.books import Counts, report_points
from tachograph._internal.delivery.encode import encode, rejected_records
from tachograph._internal.delivery.mailbox import Mailbox
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import SIGNALS, Record, Signal
from tachograph._internal.delivery.transport import Answer, Transport, Verdict
from tachograph.semconv.values import DropReason

_log = logging.getLogger("tachograph")

_PATHS: Mapping[Signal, str] = {
    "spans": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
}


@dataclass(slots=True)
class _Batch:
    """Records under way; kept until the collector has taken or refused them."""

    records: list[tuple[Record, int]]
    body: bytes
    attempts: int = 0
    not_before: float = 0.0  # time.monotonic()
    is_told_to_wait: bool = False  # by Retry-After: a flush does not override that
    hurries: int = 0  # Mailbox.hurries at the last attempt

    @property
    def size(self) -> int:
        return sum(size for _, size in self.records)


class Sender:
    """Moves records from a mailbox to the collector until the mailbox is closed and empty.

    Everything but the constructor runs on the delivery thread.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        transport: Transport,
        resource: Resource,
        options: DeliveryOptions,
    ) -> None:
        self._mailbox = mailbox
        self._transport = transport
        self._resource = resource
        self._options = options
        self._batches: dict[Signal, list[_Batch]] = {signal: [] for signal in SIGNALS}
        self._hurries_done = 0
        self._started_at_ns = time.time_ns()
        self._was_reached = False
        self._has_sent = False
        self._is_failing = False
        self._reported: Counts | None = None
        self._reported_at = 0.0

    def run(self) -> None:
        """The thread's main function."""
        while not (self._mailbox.is_closed and self._mailbox.held() == 0):
            try:
                if not self._step():
                    self._pause()
            except Exception:  # noqa: BLE001 - a defect here must not end delivery for good
                _log.exception("tachograph: delivery failed; what was under way is dropped")
                self._drop_under_way()
        if self._was_reached:
            self._report(is_final=True)
        self._transport.close()

    def _step(self) -> bool:
        """Send what is due; False when nothing was."""
        was_sent = False
        hurries = self._mailbox.hurries
        for signal in SIGNALS:
            if not self._batches[signal] and self._due_at(signal) <= time.monotonic():
                self._load(signal)
            if self._batches[signal] and self._is_due(self._batches[signal][0]):
                self._send(signal, self._batches[signal][0])
                was_sent = True
        if not was_sent:
            self._hurries_done = hurries  # what a flush found waiting has left, or may not leave
        elif not self._is_failing:
            self._report(is_final=False)
        return was_sent

    def _due_at(self, signal: Signal) -> float:
        delay_s = self._options.delay_s if self._has_sent else self._options.first_delay_s
        due_at = self._mailbox.due_at(signal, delay_s)
        if due_at is None:
            return float("inf")
        is_hurried = self._mailbox.is_closed or self._mailbox.hurries > self._hurries_done
        return 0.0 if is_hurried else due_at

    def _is_due(self, batch: _Batch) -> bool:
        if batch.not_before <= time.monotonic():
            return True
        is_hurried = self._mailbox.hurries > batch.hurries
        return is_hurried and not batch.is_told_to_wait

    def _pause(self) -> None:
        """Sleep until something is due, comes in or is asked for."""
        mailbox = self._mailbox
        hurries, was_closed = mailbox.hurries, mailbox.is_closed
        idle = [s for s in SIGNALS if not self._batches[s]]
        dues = [self._due_at(signal) for signal in idle]
        dues += [self._batches[s][0].not_before for s in SIGNALS if self._batches[s]]
        until = min(dues)

        def has_news() -> bool:
            return (
                mailbox.hurries > hurries
                or mailbox.is_closed > was_closed
                or (mailbox.is_closed and mailbox.held() == 0)
                or any(self._due_at(signal) < until for signal in idle)
            )

        mailbox.wait(has_news, None if until == float("inf") else until)

    def _load(self, signal: Signal) -> None:
        records = self._mailbox.take(signal)
        if records:
            self._add(signal, records)

    def _add(self, signal: Signal, records: list[tuple[Record, int]]) -> None:
        try:
            body = encode(signal, [record for record, _ in records], self._resource)
        except Exception as error:  # noqa: BLE001 - an application may put anything into a span
            if len(records) == 1:
                _log.warning("tachograph: a record of %s has no OTLP form: %s", signal, error)
                self._settle(signal, records, lost=1, reason=DropReason.INTERNAL_ERROR)
            else:
                self._split(signal, records)
            return
        self._batches[signal].append(_Batch(records, body))

    def _split(self, signal: Signal, records: list[tuple[Record, int]]) -> None:
        middle = len(records) // 2
        self._add(signal, records[:middle])
        self._add(signal, records[middle:])

    def _send(self, signal: Signal, batch: _Batch) -> None:
        batch.hurries = self._mailbox.hurries
        batch.attempts += 1
        self._has_sent = True
        answer = self._transport.post(_PATHS[signal], batch.body)
        self._was_reached = self._was_reached or answer.status is not None
        if answer.verdict in (Verdict.RETRY, Verdict.UNREACHABLE):
            self._postpone(batch, answer)
            return
        self._note_recovery()
        self._batches[signal].remove(batch)
        if answer.verdict is Verdict.ACCEPTED:
            rejected, message = rejected_records(signal, answer.body)
            if rejected:
                _log.warning(
                    "tachograph: the collector rejected %d %s: %s", rejected, signal, message[:500]
                )
            self._settle(
                signal,
                batch.records,
                lost=min(max(rejected, 0), len(batch.records)),
                reason=DropReason.EXPORT_REJECTED,
            )
        elif answer.verdict is Verdict.TOO_LARGE and len(batch.records) > 1:
            self._split(signal, batch.records)
        else:
            _log.warning(
                "tachograph: %s refused %d %s with HTTP %s%s",
                self._transport.address,
                len(batch.records),
                signal,
                answer.status,
                ": check the API key (TACHOGRAPH_API_KEY)" if answer.status in (401, 403) else "",
            )
            self._settle(
                signal,
                batch.records,
                lost=len(batch.records),
                reason=DropReason.EXPORT_REJECTED,
            )

    def _postpone(self, batch: _Batch, answer: Answer) -> None:
        if not self._is_failing:
            self._is_failing = True
            _log.warning(
                "tachograph: %s does not take telemetry now (%s); it waits in memory and is sent "
                "when the collector is back",
                self._transport.address,
                answer.error or f"HTTP {answer.status}",
            )
        if self._mailbox.is_closed and not self._was_reached:
            self._mailbox.abandon()  # there is no collector here: do not hold up the exit
            return
        ceiling = min(
            self._options.backoff_max_s,
            self._options.backoff_initial_s * 2.0 ** min(batch.attempts - 1, 30),
        )
        pause_s = random.uniform(ceiling / 2, ceiling)
        batch.is_told_to_wait = answer.retry_after_s is not None
        if answer.retry_after_s is not None:
            pause_s += min(answer.retry_after_s, self._options.retry_after_max_s)
        batch.not_before = time.monotonic() + pause_s

    def _note_recovery(self) -> None:
        if self._is_failing:
            self._is_failing = False
            _log.info("tachograph: %s takes telemetry again", self._transport.address)

    def _settle(
        self, signal: Signal, records: list[tuple[Record, int]], *, lost: int, reason: str
    ) -> None:
        size = sum(size for _, size in records)
        self._mailbox.resolve(signal, len(records), size, lost=lost, reason=reason)

    def _drop_under_way(self) -> None:
        for signal, batches in self._batches.items():
            for batch in batches:
                self._settle(
                    signal,
                    batch.records,
                    lost=len(batch.records),
                    reason=DropReason.INTERNAL_ERROR,
                )
            batches.clear()

    def _report(self, *, is_final: bool) -> None:
        """Send the client report when it has news. It is cumulative: a lost one does no harm."""
        now = time.monotonic()
        is_time = is_final or now - self._reported_at >= self._options.report_interval_s
        counts = self._mailbox.counts()
        if not is_time or (
            self._reported is not None
            and counts.submitted == self._reported.submitted
            and counts.dropped == self._reported.dropped
        ):
            return
        points = report_points(
            counts, start_time_unix_nano=self._started_at_ns, time_unix_nano=time.time_ns()
        )
        answer = self._transport.post(_PATHS["metrics"], encode("metrics", points, self._resource))
        self._reported_at = now
        if answer.verdict is Verdict.ACCEPTED:
            self._reported = counts
