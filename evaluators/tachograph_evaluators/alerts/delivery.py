"""Sends the messages that are due, and records what came of each attempt.

A message's row was written before it is ever sent and is updated after each attempt; killed in
between, the message goes out again under the same `webhook-id`. Webhooks are served side by side,
each one's messages one after the other, and a webhook that fails is left alone for this pass.
"""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tachograph.version import __version__
from tachograph_evaluators.alerts.address import parse_target
from tachograph_evaluators.alerts.event import CONTENT_TYPE
from tachograph_evaluators.alerts.retry import next_attempt_at
from tachograph_evaluators.alerts.rules import RuleBook, Webhook
from tachograph_evaluators.alerts.signature import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    SecretError,
    read_secret,
    sign,
)
from tachograph_evaluators.alerts.state import RETENTION_DAYS
from tachograph_evaluators.alerts.transport import Answer, post
from tachograph_store.client import Store
from tachograph_store.queries.alerts import alerts_due_deliveries, alerts_gone_channels
from tachograph_store.rows import DeliveryRow
from tachograph_store.writer import Writer

MOST_WEBHOOKS_AT_ONCE: Final = 8
PASS_S: Final = 30.0
"""After this long a pass begins no further attempt: what is left is due in the next one."""

HTTP_GONE: Final = 410
_log = logging.getLogger(__name__)


class DeliveryState(StrEnum):
    """`deliveries.state`."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(slots=True)
class Outcome:
    """What a pass did, in messages: `retrying` ones failed and will be tried again."""

    delivered: int = 0
    retrying: int = 0
    failed: int = 0


def send(webhook: Webhook, message_id: str, body: str) -> Answer:
    """Sign and POST one message now; whatever fails is in the answer."""
    raw = body.encode()
    timestamp_s = int(time.time())
    try:
        signature = sign(read_secret(webhook), message_id, timestamp_s, raw)
    except SecretError as error:
        return Answer(error=f"not sent: {error}")
    headers = {
        "content-type": CONTENT_TYPE,
        "user-agent": f"tachograph/{__version__}",
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: signature,
    }
    return post(
        webhook.url,
        headers,
        raw,
        allow_private=webhook.allow_private,
        ca_file=webhook.ca_file,
    )


def deliver_due(reader: Store, writer: Writer, book: RuleBook, now: datetime) -> Outcome:
    """Send what is due in every project that rules name. Raises StoreError."""
    outcome = Outcome()
    for project in book.projects:
        rows = alerts_due_deliveries(reader, project, now)
        if rows:
            gone = alerts_gone_channels(reader, project)
            _Pass(writer, book, gone, now, outcome).run(rows)
    return outcome


class _Pass:
    """One pass over the due messages of one project."""

    def __init__(
        self,
        writer: Writer,
        book: RuleBook,
        gone: Mapping[str, datetime],
        now: datetime,
        outcome: Outcome,
    ) -> None:
        self._writer = writer
        self._book = book
        self._now = now
        self._outcome = outcome
        self._gone = {
            channel: gone_at
            for channel, gone_at in gone.items()
            if book.modified_at is None or gone_at >= book.modified_at
        }
        self._recording = threading.Lock()
        self._ends_at = time.monotonic() + PASS_S

    def run(self, rows: Sequence[DeliveryRow]) -> None:
        by_channel: dict[str, list[DeliveryRow]] = defaultdict(list)
        for row in rows:
            by_channel[row.channel].append(row)
        with ThreadPoolExecutor(MOST_WEBHOOKS_AT_ONCE, "webhook") as threads:
            for _ in threads.map(self._serve, by_channel.values()):
                pass  # asks each thread for its exception

    def _serve(self, rows: Sequence[DeliveryRow]) -> None:
        for row in rows:
            if time.monotonic() > self._ends_at:
                return
            webhook = self._book.webhooks.get(row.channel)
            if webhook is None:
                self._fail(row, "the webhook is no longer in the rule file")
            elif row.channel in self._gone:
                self._fail(
                    row,
                    f"the webhook answered 410 Gone at {self._gone[row.channel]:%Y-%m-%d %H:%M} "
                    "UTC and is switched off; mend or touch the rule file to try it again",
                )
            elif not self._attempt(row, webhook):
                return

    def _attempt(self, row: DeliveryRow, webhook: Webhook) -> bool:
        """Whether the webhook's next message may follow in this pass."""
        answer = send(webhook, row.delivery_id, row.body)
        tried = replace(
            row,
            target=parse_target(webhook.url).shown,
            attempt=row.attempt + 1,
            http_status=answer.http_status,
            error=answer.error,
        )
        if answer.error is None:
            delivered = replace(tried, state=DeliveryState.DELIVERED, delivered_at=self._now)
            self._record(delivered)
            return True
        _log.warning("webhook %s at %s: %s", row.channel, tried.target, answer.error)
        again_at = next_attempt_at(tried.attempt, self._now, answer.retry_after_s)
        if answer.http_status == HTTP_GONE:
            self._gone[row.channel] = self._now
            self._fail(tried, answer.error)
            return True  # fails the others without sending
        if again_at is None:
            self._fail(tried, answer.error)
        else:
            self._record(replace(tried, next_attempt_at=again_at))
        return False

    def _fail(self, row: DeliveryRow, error: str) -> None:
        """The end of a message; its `next_attempt_at` then says when that was."""
        failed = replace(row, state=DeliveryState.FAILED, error=error, next_attempt_at=self._now)
        self._record(failed)

    def _record(self, row: DeliveryRow) -> None:
        expires_on = (self._now + timedelta(days=RETENTION_DAYS)).date()
        with self._recording:
            self._writer.write("deliveries", [replace(row, version=0, expires_on=expires_on)])
            self._outcome.delivered += row.state == DeliveryState.DELIVERED
            self._outcome.retrying += row.state == DeliveryState.WAITING
            self._outcome.failed += row.state == DeliveryState.FAILED
