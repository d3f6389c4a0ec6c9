"""The body of a webhook: a CloudEvents 1.0 event in structured JSON."""

import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlencode

from tachograph_evaluators.alerts.conditions import Reading
from tachograph_evaluators.alerts.rules import Rule
from tachograph_evaluators.alerts.state import Event, Notice
from tachograph_store.rows import IncidentRow

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TRIAL_EVENT_TYPE: Final = "io.tachograph.alert.test.v1"


def event_type(event: Event) -> str:
    """The CloudEvents type, e.g. `io.tachograph.alert.firing.v1`."""
    return f"io.tachograph.{event}.v1"


def alert_body(
    message_id: str,
    rule: Rule,
    incident: IncidentRow,
    notice: Notice,
    reading: Reading,
    now: datetime,
    dashboard_url: str | None,
) -> str:
    """The event of a notice. Holds names and numbers only, never captured content."""
    data = {
        "incident_id": incident.incident_id,
        "state": incident.state,
        "is_reminder": notice.is_reminder,
        "project": rule.project,
        "rule": rule.name,
        "severity": incident.severity,
        "summary": incident.summary,
        "metric": rule.metric.name,
        "unit": rule.metric.unit,
        "value": reading.value,
        "threshold": rule.condition.threshold,
        "condition": rule.condition.describe(),
        "samples": reading.samples,
        "window": {
            "since": _time(reading.window.since),
            "until": _time(reading.window.until),
            "seconds": (reading.window.until - reading.window.since).total_seconds(),
        },
        "segment": rule.segment.facts(),
        "pending_at": _time(incident.pending_at),
        "fired_at": _time(incident.fired_at),
        "resolved_at": _time(incident.resolved_at),
        "link": _link(dashboard_url, incident),
    }
    return _envelope(
        message_id,
        event_type(notice.event),
        f"/projects/{quote(rule.project, safe='')}/rules/{quote(rule.name, safe='')}",
        incident.incident_id,
        now,
        data,
    )


def trial_body(message_id: str, channel: str, now: datetime) -> str:
    """An event that only shows that a webhook works."""
    data = {"message": f"Tachograph can reach the webhook {channel}", "webhook": channel}
    return _envelope(message_id, TRIAL_EVENT_TYPE, "/webhooks/" + channel, channel, now, data)


def _envelope(
    message_id: str, kind: str, source: str, subject: str, now: datetime, data: object
) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": message_id,
            "source": "/tachograph" + source,
            "type": kind,
            "subject": subject,
            "time": _time(now),
            "datacontenttype": "application/json",
            "data": data,
        },
        ensure_ascii=False,
        allow_nan=False,
    )


def _time(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _link(dashboard_url: str | None, incident: IncidentRow) -> str | None:
    if dashboard_url is None:
        return None
    query = urlencode({"project": incident.project, "incident": incident.incident_id})
    return f"{dashboard_url}/alerts?{query}"
