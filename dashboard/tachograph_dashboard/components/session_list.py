"""Sessions, the last active first; picking one shows its traces."""

from collections.abc import Callable
from datetime import UTC, datetime

from tachograph_dashboard import data
from tachograph_dashboard.components.cards import empty
from tachograph_dashboard.components.pager import Pager
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope
from tachograph_store.queries.sessions import SessionLine

PAGE_ROWS = 50
COLUMNS = {
    "last": Column("Last active", "time", format="MM-DD HH:mm:ss"),
    "session": Column("Session"),
    "user": Column("User"),
    "tenant": Column("Tenant"),
    "traces": Column("Traces", "number", "%d"),
    "requests": Column("Requests", "number", "%d", help="model calls, each counted once"),
    "lasted_s": Column("Lasted (s)", "number", "%.1f", help="from its first span to its last"),
    "input_tokens": Column("In", "number", "%d", help="input tokens"),
    "output_tokens": Column("Out", "number", "%d", help="output tokens"),
    "list_cost": Column("List price", "number", "%.6f"),
    "compute_cost": Column("Compute price", "number", "%.6f"),
    "errors": Column("Errors", "number", "%d"),
}


def session_list(scope: Scope, on_pick: Callable[[str], None]) -> None:
    """One page of the sessions that were active in the range."""
    selection = scope.selection
    subject = (scope.window.duration_s, selection.model, selection.tenant, selection.variant)
    pager = Pager("sessions", subject)
    page = data.list_sessions(selection, PAGE_ROWS, pager.cursor)
    lines = page.sessions
    if not lines:
        empty(
            "No session in this time range",
            ["Sessions are named by the application: `tachograph.session(…)`."],
        )
        return
    table(
        [_row(line) for line in lines],
        COLUMNS,
        zone=scope.zone,
        key=f"sessions-{pager.number}",
        on_pick=lambda row: on_pick(lines[row].session),
        height=min(780, 38 + 35 * len(lines)),
    )
    pager.draw(
        page.next_cursor,
        f"{len(lines)} sessions; sums are those of the time range. Pick a row to see its traces.",
    )


def _row(line: SessionLine) -> dict[str, object]:
    return {
        "last": datetime.fromtimestamp(line.last_active_at // 10**9, UTC),
        "session": line.session,
        "user": line.user,
        "tenant": line.tenant,
        "traces": line.trace_count,
        "requests": line.request_count,
        "lasted_s": line.duration_ns / 1e9,
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "list_cost": line.list_cost,
        "compute_cost": line.compute_cost,
        "errors": line.error_count,
    }
