"""The door of delivery: submit, flush, shut down, count."""

import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.delivery import process
from tachograph._internal.delivery.books import Counts
from tachograph._internal.delivery.mailbox import Mailbox
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.records import (
    SIGNALS,
    LogEvent,
    MetricPoint,
    PendingSpan,
    Record,
    Signal,
    estimated_bytes,
)
from tachograph._internal.delivery.sender import Sender
from tachograph._internal.delivery.transport import Transport
from tachograph.semconv.attributes import SERVICE_INSTANCE_ID
from tachograph.semconv.values import DropReason
from tachograph.version import __version__

if TYPE_CHECKING:
    from tachograph._internal.delivery.spool import Spool

_TRYING_SHARE = 0.7
"""Of the time for a shutdown: for the collector; the rest is for the spool."""

_log = logging.getLogger("tachograph")


class Delivery:
    """Sends spans, metric points and log events to a collector and counts every loss.

    `submit_*` may be called from any thread, never block on the network and never raise; they
    return False when a record was dropped at once. One daemon thread starts with the first
    record. What the collector cannot take now (429, 502, 503, 504, no connection) is tried again
    for as long as the process lives; meanwhile new records wait in bounded queues. What it
    refuses is dropped and counted. The books go out as `tachograph.client.submitted` and
    `tachograph.client.dropped` beside the data. A forked child starts empty, with a
    `service.instance.id` of its own.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        resource: Resource,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        options: DeliveryOptions | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._options = options or DeliveryOptions()
        self._headers = {"User-Agent": f"tachograph-python/{__version__}", **(headers or {})}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._spool = _spool(self._options)
        self._resource = resource
        if SERVICE_INSTANCE_ID not in resource.attributes:
            self._resource = _with_new_instance(resource)
        self._begin()
        process.register(self)

    def _begin(self) -> None:
        self._mailbox = Mailbox(self._options)
        self._transport = Transport(
            self._endpoint,
            headers=self._headers,
            timeout_s=self._options.request_timeout_s,
            is_compressed=self._options.is_compressed,
            ca_file=self._options.ca_file,
        )
        self._sender = Sender(
            self._mailbox, self._transport, self._resource, self._options, self._spool
        )
        self._thread: threading.Thread | None = None
        self._thread_lock = threading.RLock()

    def reset_after_fork(self) -> None:
        """Start afresh in a forked child: the parent delivers what it had queued."""
        self._transport.forget()
        self._resource = _with_new_instance(self._resource)
        self._begin()

    @property
    def resource(self) -> Resource:
        """What the data of this process is stamped with, `service.instance.id` included."""
        return self._resource

    def submit_span(self, span: ReadableSpan | PendingSpan) -> bool:
        """Queue one ended span; False when it was dropped (and counted)."""
        return self._submit("spans", span)

    def leave_out_span(self, reason: str = DropReason.SAMPLED_OUT) -> None:
        """Count a span that was never made: sampling decided against it, unless `reason` says else."""
        self._mailbox.leave_out("spans", reason)

    def submit_metrics(self, points: Sequence[MetricPoint]) -> bool:
        """Queue metric points; False when any of them was dropped (and counted)."""
        is_queued = True
        for point in points:
            is_queued = self._submit("metrics", point) and is_queued
        return is_queued

    def submit_log(self, event: LogEvent) -> bool:
        """Queue one log event; False when it was dropped (and counted)."""
        return self._submit("logs", event)

    def counts(self) -> Counts:
        """The books of this process."""
        return self._mailbox.counts()

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send everything submitted so far; True when the collector has taken all of it.

        Returns within `timeout_s` seconds; what was not sent by then stays queued.
        """
        deadline = time.monotonic() + timeout_s
        mailbox = self._mailbox
        before = mailbox.counts()
        mark = mailbox.accepted()
        mailbox.hurry()
        if not mailbox.wait_settled(mark, deadline):
            return False
        after = mailbox.counts()
        if any(after.spooled.get(s, 0) > before.spooled.get(s, 0) for s in SIGNALS):
            return False
        return all(
            after.dropped.get((signal, reason), 0) == before.dropped.get((signal, reason), 0)
            for signal in SIGNALS
            for reason in (
                DropReason.EXPORT_REJECTED,
                DropReason.RETRIES_EXHAUSTED,
                DropReason.INTERNAL_ERROR,
                DropReason.SHUTDOWN,
            )
        )

    def shutdown(self, timeout_s: float = 5.0) -> bool:
        """Send what is queued, end the thread, take no more records.

        Returns within `timeout_s` seconds. What could not be sent by then is dropped and counted
        (`shutdown`); with a spool it goes there. True when nothing was lost to the shutdown. Where no collector was ever
        reached, it does not wait for one. Safe to call twice.
        """
        deadline = time.monotonic() + timeout_s
        self._mailbox.close()
        with self._thread_lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            room_s = max(0.0, deadline - time.monotonic())
            thread.join(room_s if self._spool is None else room_s * _TRYING_SHARE)
            if self._spool is not None and thread.is_alive():
                self._transport.abort()  # what it holds goes to the disk in the time that is left
                self._mailbox.hurry()
                thread.join(max(0.0, deadline - time.monotonic()))
        self._mailbox.abandon()
        if thread is not None and thread.is_alive():
            self._transport.abort()
        counts = self._mailbox.counts()
        return not any(reason == DropReason.SHUTDOWN for _, reason in counts.dropped)

    def retire(self) -> None:
        """Take no more records and deliver what is queued in the background."""
        self._mailbox.close()

    def _submit(self, signal: Signal, record: Record) -> bool:
        is_queued = self._mailbox.offer(signal, record, estimated_bytes(record))
        if is_queued and self._thread is None:
            self._start()
        return is_queued

    def _start(self) -> None:
        with self._thread_lock:
            if self._thread is not None or self._mailbox.is_closed:
                return
            self._thread = threading.Thread(
                target=self._run, name="tachograph-delivery", daemon=True
            )
            process.before_first_delivery(self)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is exiting; shutdown() counts what waits
                self._thread = None
                _log.warning("tachograph: the interpreter is exiting; telemetry is not delivered")

    def _run(self) -> None:
        # A method of this object, so that the running thread keeps it alive and with it the
        # delivery of what is queued at the end of the process.
        self._sender.run()


def _spool(options: DeliveryOptions) -> "Spool | None":
    if options.spool_folder is None:
        return None
    from tachograph._internal.delivery.spool import Spool  # needs fcntl, which not all systems have

    try:
        return Spool(options.spool_folder, options.spool_max_bytes)
    except OSError as error:
        _log.error("tachograph: nothing is spooled: %s", error)
        return None


def _with_new_instance(resource: Resource) -> Resource:
    return resource.merge(Resource({SERVICE_INSTANCE_ID: str(uuid.uuid4())}))
