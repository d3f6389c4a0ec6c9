"""Ledger: the books. What was received, what became of it, and what did not get to be live."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.cards import card, empty, lacks
from tachograph_dashboard.components.ledger_flow import flow
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import toolbar
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.ledger import LedgerBalance, LedgerEntry, equations

COUNTS = (
    "received",
    "accepted",
    "rejected",
    "stored",
    "duplicate",
    "waiting",
    "quarantined",
    "live",
    "expired",
    "forgotten",
    "dropped",
)
SOURCE_COLUMNS = {
    "balance": Column("Balance"),
    "source": Column("Source"),
    "signal": Column("Signal", width="small"),
    **{name: Column(name.capitalize(), "number", "%d") for name in COUNTS},
    "last_time": Column("Last line", "time"),
}
LOSS_COLUMNS = {
    "source": Column("Source"),
    "signal": Column("Signal", width="small"),
    "outcome": Column("What became of them"),
    "reason": Column("Reason"),
    "count": Column("Records", "number", "%d"),
}
ENTRY_COLUMNS = {**LOSS_COLUMNS, "last_time": Column("Last", "time")}
MEANINGS = {
    "rejected": "never acknowledged",
    "quarantined": "kept in files for people",
    "dropped": "by the client, never received",
    "duplicate": "sent again",
    "waiting": "acknowledged, in a journal",
    "expired": "older than the retention",
    "forgotten": "on request",
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Ledger", identity.project, with_filters=False)
    lines = data.ledger_balance(identity.project)
    entries = data.ledger_entries(identity.project, scope.window.since, scope.window.until)
    if not lines and not entries:
        empty(
            "The books are empty",
            ["The collector writes lines within seconds: send a span, and come again."],
        )
        return
    _verdict(lines)
    _tiles(lines)
    with card("From received to live", "since the books began; tiny parts are drawn wider"):
        flow(equations(lines))
        lacks(
            _said(sum(line.not_entered for line in lines), "stored since the last lines"),
            _said(sum(line.outside for line in lines), "outside the books: imported, or old"),
        )
    with card("By source", "since the books began; live is counted for spans"):
        table([_row(line) for line in lines], SOURCE_COLUMNS, zone=scope.zone, key="sources")
    with card("Not live, and why", "since the books began"):
        lost = [row for line in lines for row in _losses(line)]
        if lost:
            table(lost, LOSS_COLUMNS, zone=scope.zone, key="losses")
        else:
            st.caption("Nothing was lost, dropped or deleted, and nothing waits.")
    with card("In this time range", "in whole minutes"):
        if entries:
            table(
                [_entry(entry) for entry in entries], ENTRY_COLUMNS, zone=scope.zone, key="entries"
            )
        else:
            st.caption("Nothing came in this time range.")


def _verdict(lines: Sequence[LedgerBalance]) -> None:
    wrong = [line for line in lines if not line.is_balanced]
    with st.container(key="verdict"):
        if not wrong:
            st.badge(
                "balanced: every record is accounted for", icon=":material/check:", color="green"
            )
        else:
            st.badge(
                f"not balanced: {len(wrong)} of {len(lines)} lines have records that are not "
                "accounted for",
                icon=":material/error:",
                color="red",
            )


def _tiles(lines: Sequence[LedgerBalance]) -> None:
    def total(*names: str) -> str:
        return formats.count(sum(getattr(line, name) for line in lines for name in names))

    tiles(
        [
            Tile("Received", total("received"), "spans, data points, scores"),
            Tile("Live spans", total("live"), "to be found and counted"),
            Tile("Waiting", total("waiting"), "acknowledged, not in the store yet"),
            Tile("Refused", total("rejected", "quarantined"), "by the collector or the engine"),
            Tile("Dropped", total("dropped"), "by clients, before they were sent"),
        ]
    )


def _row(line: LedgerBalance) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(line, name) for name in COUNTS}
    if line.stored_difference is None:  # not counted for this signal: not 0
        row.update(dict.fromkeys(("live", "expired", "forgotten")))
    return {
        **row,
        "balance": _balance(line),
        "source": line.source or "(outside the books)",
        "signal": line.signal,
        "last_time": line.last_time if line.last_time.year > 1970 else None,
    }


def _balance(line: LedgerBalance) -> str:
    if line.is_balanced:
        return "balanced"
    differences = (line.received_difference, line.accepted_difference, line.stored_difference)
    return ", ".join(f"{number:+,}" for number in differences if number) + " not accounted for"


def _losses(line: LedgerBalance) -> list[dict[str, object]]:
    counts: dict[tuple[str, str], int] = {}
    for key, count in line.reasons.items():
        outcome, _, reason = key.partition(":")
        counts[outcome, reason] = count
    for outcome, meaning in MEANINGS.items():
        named = sum(count for (of, _), count in counts.items() if of == outcome)
        counts[outcome, meaning] = getattr(line, outcome) - named
    return [
        {
            "source": line.source,
            "signal": line.signal,
            "outcome": outcome,
            "reason": reason,
            "count": count,
        }
        for (outcome, reason), count in sorted(counts.items())
        if count > 0 and outcome in MEANINGS
    ]


def _entry(entry: LedgerEntry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in ENTRY_COLUMNS}


def _said(count: int, what: str) -> str | None:
    return f"{count:,} spans {what}" if count else None
