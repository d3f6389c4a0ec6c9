"""Alerts: what fired, who was told, and whether the message arrived."""

from collections.abc import Mapping, Sequence

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.cards import card, empty
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import toolbar
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.incidents import DeliveryLine, IncidentLine

INCIDENT_COLUMNS = {
    "state": Column("State", width="small"),
    "severity": Column("Severity", width="small"),
    "rule": Column("Rule"),
    "segment": Column("Segment"),
    "summary": Column("Summary", width="large"),
    "value": Column("Value", "number", "%.4g"),
    "threshold": Column("Threshold", "number", "%.4g"),
    "samples": Column("Samples", "number", "%d"),
    "pending_at": Column("Pending", "time"),
    "fired_at": Column("Fired", "time"),
    "resolved_at": Column("Resolved", "time"),
    "notified_at": Column("Notified", "time"),
    "acknowledged_by": Column("Acknowledged by"),
}
DELIVERY_COLUMNS = {
    "state": Column("State", width="small"),
    "event": Column("Event"),
    "channel": Column("Channel"),
    "target": Column("Target"),
    "attempt": Column("Attempts", "number", "%d"),
    "http_status": Column("HTTP status", "number", "%d"),
    "error": Column("Last error", width="large"),
    "created_at": Column("Created", "time"),
    "delivered_at": Column("Delivered", "time"),
    "next_attempt_at": Column("Next attempt", "time"),
    "delivery_id": Column("Message id"),
}
RULE_COLUMNS = {
    "rule": Column("Rule"),
    "severity": Column("Severity", width="small"),
    "firing": Column("Firing", "number", "%d"),
    "pending": Column("Pending", "number", "%d"),
    "incidents": Column("Incidents", "number", "%d"),
    "fired": Column("Fired", "number", "%d"),
    "last_value": Column("Last value", "number", "%.4g"),
    "threshold": Column("Threshold", "number", "%.4g"),
    "last_fired_at": Column("Last fired", "time"),
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Alerts", identity.project, with_filters=False)
    rules = data.rules_seen(identity.project)
    incidents = data.incidents_list(scope.selection)
    deliveries = data.deliveries_list(scope.selection)
    if not rules and not deliveries:
        empty(
            "No alert has ever fired in this project",
            [
                (
                    "Rules live in `alerts.toml` in Tachograph's home directory; "
                    "`tachograph worker` and `tachograph beat` evaluate them."
                ),
                "A rule appears here once it has opened an incident.",
            ],
        )
        return
    _tiles(incidents, deliveries)
    with card("Incidents", "open ones first"):
        if incidents:
            table(_rows(incidents, INCIDENT_COLUMNS), INCIDENT_COLUMNS, zone=scope.zone, key="in")
        else:
            st.caption("None in this time range.")
    with card("Deliveries", "messages to webhooks, through all attempts"):
        if deliveries:
            lines = [
                {
                    **row,
                    "next_attempt_at": row["next_attempt_at"]
                    if row["state"] == "waiting"
                    else None,
                }
                for row in _rows(deliveries, DELIVERY_COLUMNS)
            ]
            table(lines, DELIVERY_COLUMNS, zone=scope.zone, key="de")
        else:
            st.caption("None in this time range.")
    with card("Rules seen", "rules that have opened an incident"):
        table(_rows(rules, RULE_COLUMNS), RULE_COLUMNS, zone=scope.zone, key="ru")


def _tiles(incidents: list[IncidentLine], deliveries: list[DeliveryLine]) -> None:
    states = [incident.state for incident in incidents]
    waiting = sum(delivery.state == "waiting" for delivery in deliveries)
    failed = sum(delivery.state == "failed" for delivery in deliveries)
    tiles(
        [
            Tile("Firing", formats.count(states.count("firing")), "now"),
            Tile("Pending", formats.count(states.count("pending")), "not yet long enough to fire"),
            Tile("Resolved", formats.count(states.count("resolved")), "in this time range"),
            Tile(
                "Messages delivered",
                formats.count(sum(delivery.state == "delivered" for delivery in deliveries)),
                f"{waiting:,} waiting, {failed:,} failed",
            ),
        ]
    )


def _rows(lines: Sequence[object], columns: Mapping[str, Column]) -> list[dict[str, object]]:
    return [{name: getattr(line, name) for name in columns} for line in lines]
