"""The life of an incident: pending, firing, resolved. Pure: rows in, rows and a notice out.

The row in the store is the whole state. `resolved_at` on a firing row is the instant since which
the condition has been clear; it becomes final when that lasted `resolve_after_s`. A pending
incident that never fired is closed without a word, and its id is used by the next one.

Ids follow from what the store holds, so a pass that was killed and repeated, or made by two
evaluators at once, writes the same rows again instead of others beside them.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from tachograph_evaluators.alerts.conditions import Reading, Verdict
from tachograph_evaluators.alerts.rules import NoData, Rule
from tachograph_store.rows import IncidentRow

RETENTION_DAYS: Final = 400
"""How long incidents and deliveries are kept after they last changed."""


class State(StrEnum):
    """`incidents.state`. A rule that is fine has no open incident."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Event(StrEnum):
    """`deliveries.event`."""

    FIRING = "alert.firing"
    RESOLVED = "alert.resolved"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people must be told of an incident.

    `key` tells this notice of the incident from its others; `is_reminder` marks a repetition.
    """

    event: Event
    key: str
    is_reminder: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one evaluation: the row to write, if any changed, and a notice, if due."""

    incident: IncidentRow | None = None
    notice: Notice | None = None


def advance(
    rule: Rule, previous: IncidentRow | None, verdict: Verdict, reading: Reading, now: datetime
) -> Step:
    """Advance a rule's incident by one evaluation.

    `previous` is the rule's latest incident, open or not; None if it never had one.
    """
    no_data = verdict is Verdict.NO_DATA
    is_bad = verdict is Verdict.BREACHED or (no_data and rule.no_data is NoData.FIRING)
    is_good = verdict is Verdict.CLEAR or (no_data and rule.no_data is NoData.RESOLVED)
    if previous is None or previous.state == State.RESOLVED:
        if not is_bad:
            return Step()
        opened = IncidentRow(
            project=rule.project,
            incident_id=_next_id(rule, previous, now),
            rule=rule.name,
            segment=str(rule.segment),
            state=State.PENDING,
            pending_at=now,
            expires_on=_expires_on(now),
        )
        return _fire_if_due(rule, _observed(rule, opened, reading, now), now)
    current = _observed(rule, previous, reading, now)
    if previous.state == State.PENDING:
        if is_bad:
            return _fire_if_due(rule, current, now)
        return Step(replace(current, state=State.RESOLVED, resolved_at=now))
    if not is_good:
        return _remind_if_due(rule, replace(current, resolved_at=None), now)
    clear_since = previous.resolved_at or now
    current = replace(current, resolved_at=clear_since)
    if now - clear_since < timedelta(seconds=rule.resolve_after_s):
        return _remind_if_due(rule, current, now)
    return Step(
        replace(current, state=State.RESOLVED, notified_at=now),
        Notice(Event.RESOLVED, key="resolved"),
    )


def abandon(incident: IncidentRow, now: datetime) -> IncidentRow:
    """Close an open incident whose rule is no longer in the rule file; nobody is told."""
    return replace(
        incident,
        state=State.RESOLVED,
        summary=f"{incident.rule}: the rule is no longer in the rule file",
        resolved_at=now,
        version=0,
        expires_on=_expires_on(now),
    )


def delivery_id(incident: IncidentRow, notice: Notice, channel: str) -> str:
    """The `webhook-id` of a notice to one webhook: the same however often it is computed."""
    return "msg_" + _digest(
        incident.project, incident.incident_id, notice.event, notice.key, channel
    )


def _fire_if_due(rule: Rule, incident: IncidentRow, now: datetime) -> Step:
    if now - incident.pending_at < timedelta(seconds=rule.for_s):
        return Step(incident)
    fired = replace(incident, state=State.FIRING, fired_at=now, notified_at=now)
    return Step(fired, Notice(Event.FIRING, key="firing"))


def _remind_if_due(rule: Rule, incident: IncidentRow, now: datetime) -> Step:
    last = incident.notified_at
    is_due = (
        rule.renotify_s is not None
        and incident.acknowledged_by is None
        and last is not None
        and now - last >= timedelta(seconds=rule.renotify_s)
    )
    if not is_due or last is None:
        return Step(incident)
    notice = Notice(Event.FIRING, key=f"reminder after {last.isoformat()}", is_reminder=True)
    return Step(replace(incident, notified_at=now), notice)


def _observed(rule: Rule, incident: IncidentRow, reading: Reading, now: datetime) -> IncidentRow:
    return replace(
        incident,
        severity=rule.severity,
        summary=_summary(rule, reading),
        value=reading.value,
        threshold=rule.condition.threshold,
        samples=reading.samples,
        version=0,  # the writer gives the new version
        expires_on=_expires_on(now),
    )


def _summary(rule: Rule, reading: Reading) -> str:
    value = "no value" if reading.value is None else f"{reading.value:.4g}"
    part = f" [{rule.segment}]" if rule.segment.facts() else ""
    return (
        f"{rule.name}{part}: {rule.metric.name} is {value} from {reading.samples} samples"
        f" (fires {rule.condition.describe()})"
    )


def _next_id(rule: Rule, previous: IncidentRow | None, now: datetime) -> str:
    if previous is not None and previous.fired_at is None:
        return previous.incident_id
    # The day stands in for a predecessor that has expired: its successor must not take its id.
    before = now.date().isoformat() if previous is None else previous.incident_id
    return "inc_" + _digest(rule.project, *rule.key, before)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _expires_on(now: datetime) -> date:
    return (now + timedelta(days=RETENTION_DAYS)).date()
