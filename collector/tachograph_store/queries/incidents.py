"""Incidents of alert rules and the messages sent about them, as the Alerts page lists them."""

from dataclasses import dataclass
from datetime import datetime

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    """One episode of one rule."""

    incident_id: str
    rule: str
    segment: str
    state: str
    severity: str
    summary: str  # first 500 characters
    value: float | None
    threshold: float | None
    samples: int
    pending_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    notified_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One message to one webhook; the body is not read."""

    delivery_id: str
    incident_id: str
    event: str
    channel: str
    target: str
    state: str
    attempt: int
    http_status: int | None
    error: str | None  # first 300 characters
    next_attempt_at: datetime
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSeen:
    """A rule that opened at least one incident."""

    rule: str
    incidents: int
    fired: int
    firing: int
    pending: int
    last_fired_at: datetime | None
    severity: str
    threshold: float | None
    last_value: float | None


def incidents_list(store: Store, selection: Selection, limit: int = 200) -> list[IncidentLine]:
    """Incidents touched in the range, firing ones first."""
    parameters = {**selection.range_parameters(), "limit": limit}
    return [IncidentLine(**row) for row in store.rows("incidents_list", parameters)]


def deliveries_list(store: Store, selection: Selection, limit: int = 200) -> list[DeliveryLine]:
    """Messages of the range, the latest first."""
    parameters = {**selection.range_parameters(), "limit": limit}
    return [DeliveryLine(**row) for row in store.rows("deliveries_list", parameters)]


def rules_seen(store: Store, project: str, limit: int = 200) -> list[RuleSeen]:
    """Every rule that ever opened an incident in the project."""
    rows = store.rows("rules_seen", {"project": project, "limit": limit})
    return [RuleSeen(**row) for row in rows]
