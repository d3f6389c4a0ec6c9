"""One evaluation of all rules: measure, advance each incident, write what became of it.

Order makes it safe to die anywhere: messages are written first, then the incidents that mention
them as sent. A pass that died in between is repeated from the old incidents and arrives at the
same message ids, which are then known and not written again.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tachograph_evaluators.alerts.address import parse_target
from tachograph_evaluators.alerts.conditions import Reading
from tachograph_evaluators.alerts.event import alert_body
from tachograph_evaluators.alerts.measuring import WindowReader
from tachograph_evaluators.alerts.rules import Rule, RuleBook
from tachograph_evaluators.alerts.state import Notice, State, abandon, advance, delivery_id
from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused, QueryTooLarge
from tachograph_store.queries.alerts import (
    alerts_known_deliveries,
    alerts_latest_incidents,
)
from tachograph_store.rows import DeliveryRow, IncidentRow
from tachograph_store.writer import Writer

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Evaluation:
    """What a pass did. `failed`: rules that could not be measured, with the store's reason."""

    rules: int = 0
    firing: int = 0
    messages: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def evaluate_rules(reader: Store, writer: Writer, book: RuleBook, now: datetime) -> Evaluation:
    """Evaluate every rule once. `now` ends the rolling windows.

    A rule whose query the store refuses is skipped and named in the outcome. Raises StoreError
    when the store is away; what was not written then is done again by the next pass.
    """
    outcome = Evaluation()
    for project in book.projects:
        _evaluate_project(reader, writer, book, project, now, outcome)
    return outcome


def _evaluate_project(
    reader: Store,
    writer: Writer,
    book: RuleBook,
    project: str,
    now: datetime,
    outcome: Evaluation,
) -> None:
    latest = {(row.rule, row.segment): row for row in alerts_latest_incidents(reader, project)}
    windows = WindowReader(reader, project)
    messages: list[DeliveryRow] = []
    incidents: list[IncidentRow] = []
    rules = [rule for rule in book.rules if rule.project == project]
    for rule in rules:
        previous = latest.get(rule.key)
        try:
            readings = [windows.read(rule, window) for window in rule.condition.windows(now)]
        except (QueryRefused, QueryTooLarge) as error:
            _log.error("alert rule %s of %s was not measured: %s", rule.name, project, error)
            outcome.failed[rule.name] = str(error)
            continue
        step = advance(rule, previous, rule.condition.judge(readings), readings[0], now)
        outcome.rules += 1
        if step.incident is None:
            continue
        outcome.firing += step.incident.state == State.FIRING
        if previous is None or step.incident != replace(previous, version=0):
            incidents.append(step.incident)
        if step.notice is not None:
            messages += _messages(book, rule, step.incident, step.notice, readings[0], now)
    keys = {rule.key for rule in rules}
    incidents += [
        abandon(row, now)
        for key, row in latest.items()
        if key not in keys and row.state != State.RESOLVED
    ]
    if messages:
        outcome.messages += _write_messages(reader, writer, project, messages)
    if incidents:
        writer.write("incidents", incidents)


def _messages(
    book: RuleBook,
    rule: Rule,
    incident: IncidentRow,
    notice: Notice,
    reading: Reading,
    now: datetime,
) -> list[DeliveryRow]:
    rows = []
    for channel in rule.notify:
        message_id = delivery_id(incident, notice, channel)
        rows.append(
            DeliveryRow(
                project=rule.project,
                delivery_id=message_id,
                incident_id=incident.incident_id,
                event=notice.event,
                channel=channel,
                target=parse_target(book.webhooks[channel].url).shown,
                body=alert_body(
                    message_id, rule, incident, notice, reading, now, book.dashboard_url
                ),
                state="waiting",
                next_attempt_at=now,
                created_at=now,
                expires_on=incident.expires_on,
            )
        )
    return rows


def _write_messages(
    reader: Store,
    writer: Writer,
    project: str,
    messages: Sequence[DeliveryRow],
) -> int:
    known = alerts_known_deliveries(reader, project, [row.delivery_id for row in messages])
    new = [row for row in messages if row.delivery_id not in known]
    if new:
        writer.write("deliveries", new)
    return len(new)
