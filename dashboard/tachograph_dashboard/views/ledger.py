"""Ledger: the books. What was received is accepted or rejected, and every loss has a reason."""

from collections import defaultdict
from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.cards import card, empty
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import toolbar
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.ledger import LedgerEntry

OUTCOMES = (
    "received",
    "accepted",
    "rejected",
    "stored",
    "duplicate",
    "waiting",
    "quarantined",
    "dropped",
)
BOOK_COLUMNS = {
    "source": Column("Source"),
    "signal": Column("Signal", width="small"),
    **{outcome: Column(outcome.capitalize(), "number", "%d") for outcome in OUTCOMES},
    "balance": Column("Balance"),
}
REASON_COLUMNS = {
    "source": Column("Source"),
    "signal": Column("Signal", width="small"),
    "outcome": Column("Outcome"),
    "reason": Column("Reason"),
    "count": Column("Records", "number", "%d"),
    "last_time": Column("Last", "time"),
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Ledger", identity.project, with_filters=False)
    entries = data.ledger_entries(identity.project, scope.window.since, scope.window.until)
    if not entries:
        empty(
            "The books are empty for this time range",
            ["The collector writes a line for every batch: send a span, or widen the range."],
        )
        return
    _tiles(entries)
    with card("Books", "received = accepted + rejected, per source"):
        table(_books(entries), BOOK_COLUMNS, zone=scope.zone, key="books")
    with card("Reasons", "records that did not reach the store, and why"):
        lost = [entry for entry in entries if entry.reason or entry.outcome == "dropped"]
        if lost:
            table(
                [{name: getattr(entry, name) for name in REASON_COLUMNS} for entry in lost],
                REASON_COLUMNS,
                zone=scope.zone,
                key="reasons",
            )
        else:
            st.caption("Nothing was rejected or dropped.")


def _tiles(entries: Sequence[LedgerEntry]) -> None:
    sums = _sums(entries)
    tiles(
        [
            Tile("Received", formats.count(sums["received"]), "spans, data points, log records"),
            Tile("Accepted", formats.count(sums["accepted"]), "kept in the journal or the store"),
            Tile("Rejected", formats.count(sums["rejected"]), "by the collector, with a reason"),
            Tile("Dropped", formats.count(sums["dropped"]), "by clients, before they were sent"),
        ]
    )


def _books(entries: Sequence[LedgerEntry]) -> list[dict[str, object]]:
    groups: dict[tuple[str, str], list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        groups[(entry.source, entry.signal)].append(entry)
    rows: list[dict[str, object]] = []
    for (source, signal), members in sorted(groups.items()):
        sums = _sums(members)
        seen = {entry.outcome for entry in members}
        rows.append(
            {
                "source": source,
                "signal": signal,
                **{outcome: sums[outcome] if outcome in seen else None for outcome in OUTCOMES},
                "balance": _balance(sums, seen),
            }
        )
    return rows


def _balance(sums: dict[str, int], seen: set[str]) -> str:
    if "received" not in seen:
        return "not received here"
    difference = sums["received"] - sums["accepted"] - sums["rejected"]
    return "balanced" if difference == 0 else f"{difference:+,} not accounted for"


def _sums(entries: Sequence[LedgerEntry]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for entry in entries:
        sums[entry.outcome] += entry.count
    return sums
