"""`tachograph ledger`: what became of everything that was sent."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tachograph_store.client import connect
from tachograph_store.errors import StoreError
from tachograph_store.queries.ledger import (
    Equation,
    LedgerBalance,
    LedgerEntry,
    equations,
    ledger_balance,
    ledger_entries,
)
from tachograph_store.settings import StoreSettings, home

HELP = "show the books: what was received, and what became of it"

EXAMPLES = """examples:
  tachograph ledger                        the books of project default
  tachograph ledger --project shop --since 1h
                                           and what the last hour brought, by reason
  tachograph ledger --check                exit status 1 when an equation does not hold
  tachograph ledger --json | jq '.lines[] | {source, received, live}'

  received = accepted + rejected           rejected: refused with a reason, never acknowledged
  accepted = stored + duplicate + waiting + quarantined
                                           waiting: acknowledged, still in a journal
  stored   = live + expired + forgotten    spans only
"""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_JOURNAL_DIR = "TACHOGRAPH_COLLECTOR_JOURNAL_DIR"


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """Rows that the engine refused, or a damaged stretch of a journal."""

    path: str
    bytes: int
    modified: datetime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("--project", default="default", help="whose books (default: default)")
    parser.add_argument(
        "--since", type=_moment, help="30m, 12h, 7d or a time like 2027-01-31T12:00: what came then"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument(
        "--check", action="store_true", help="exit status 1 when an equation does not hold"
    )


def run(args: argparse.Namespace) -> int:
    """0; 1 with a message when the store does not answer, or `--check` finds a difference."""
    now = datetime.now(UTC)
    try:
        with connect(StoreSettings(), "reader") as store:
            lines = ledger_balance(store, args.project)
            entries = ledger_entries(store, args.project, args.since, now) if args.since else []
    except (StoreError, ValueError) as error:
        print(f"tachograph ledger: {error}", file=sys.stderr)
        return 1
    files = quarantine_files()
    is_balanced = all(line.is_balanced for line in lines)
    if args.json:
        print(json.dumps(_document(args.project, lines, entries, files), default=_plain))
    else:
        _show(Console(), args.project, lines, entries if args.since else None, files)
    return 1 if args.check and not is_balanced else 0


def quarantine_files() -> list[QuarantineFile]:
    """What this machine's collectors set aside, over all projects; newest first."""
    configured = os.environ.get(_JOURNAL_DIR)
    folder = (Path(configured) if configured else home() / "journal") / "quarantine"
    if not folder.is_dir():
        return []
    found = [(path, path.stat()) for path in folder.iterdir() if path.is_file()]
    files = [
        QuarantineFile(str(path), stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
        for path, stat in found
    ]
    return sorted(files, key=lambda file: file.modified, reverse=True)


def _document(
    project: str,
    lines: Sequence[LedgerBalance],
    entries: Sequence[LedgerEntry],
    files: Sequence[QuarantineFile],
) -> dict[str, Any]:
    return {
        "project": project,
        "is_balanced": all(line.is_balanced for line in lines),
        "equations": [{**asdict(e), "difference": e.difference} for e in equations(lines)],
        "lines": [asdict(line) for line in lines],
        "entries": [asdict(entry) for entry in entries],
        "quarantine": [asdict(file) for file in files],
    }


def _show(
    console: Console,
    project: str,
    lines: Sequence[LedgerBalance],
    entries: Sequence[LedgerEntry] | None,
    files: Sequence[QuarantineFile],
) -> None:
    if not lines:
        console.print(f"The books of project {escape(project)} are empty: nothing was received.")
    else:
        is_balanced = all(line.is_balanced for line in lines)
        verdict = "[green]balanced[/]" if is_balanced else "[red bold]NOT BALANCED[/]"
        console.print(f"The books of project [bold]{escape(project)}[/]: {verdict}\n")
        for equation in equations(lines):
            console.print(_written(equation), highlight=False)
        console.print()
        console.print(_sources(lines))
        reasons = _reasons(lines)
        if reasons.row_count:
            console.print(reasons)
    if entries is not None:
        console.print(_entries(entries))
    if files:
        console.print(_files(files))


def _written(equation: Equation) -> str:
    right = " + ".join(f"{name} {count:,}" for name, count in equation.right.items())
    line = f"  {equation.left} {equation.left_count:,} = {right}"
    if equation.difference:
        line += f"  [red bold]{equation.difference:+,} not accounted for[/]"
    return line


def _sources(lines: Sequence[LedgerBalance]) -> Table:
    table = Table(title="By source", title_justify="left")
    table.add_column("source", overflow="fold")
    table.add_column("signal")
    for title in ("received", "accepted", "stored", "live"):
        table.add_column(title, justify="right")
    table.add_column("balance", overflow="fold")
    for line in lines:
        live = f"{line.live:,}" if line.stored_difference is not None else "–"
        counts = [f"{line.received:,}", f"{line.accepted:,}", f"{line.stored:,}", live]
        table.add_row(
            escape(line.source) or "(outside the books)", line.signal, *counts, _balance(line)
        )
    return table


def _balance(line: LedgerBalance) -> str:
    if line.is_balanced:
        beside = [
            f"{count:,} {what}"
            for count, what in (
                (line.not_entered, "on their way"),
                (line.outside, "imported or old"),
            )
            if count
        ]
        return ", ".join(beside) or "balanced"
    differences = (line.received_difference, line.accepted_difference, line.stored_difference)
    return "[red bold]" + ", ".join(f"{number:+,}" for number in differences if number) + "[/]"


def _reasons(lines: Sequence[LedgerBalance]) -> Table:
    table = Table(title="Not live, and why", title_justify="left")
    for title in ("source", "signal", "what became of them", "reason"):
        table.add_column(title, overflow="fold")
    table.add_column("records", justify="right")
    for line in lines:
        for outcome in ("waiting", "expired", "forgotten"):
            count = getattr(line, outcome)
            if count:
                table.add_row(escape(line.source), line.signal, outcome, "", f"{count:,}")
        named = {key: count for key, count in line.reasons.items() if count}
        for key, count in sorted(named.items()):
            outcome, _, reason = key.partition(":")
            table.add_row(escape(line.source), line.signal, outcome, escape(reason), f"{count:,}")
        again = line.duplicate - sum(n for key, n in named.items() if key.startswith("duplicate:"))
        if again:
            table.add_row(escape(line.source), line.signal, "duplicate", "sent again", f"{again:,}")
    return table


def _entries(entries: Sequence[LedgerEntry]) -> Table:
    table = Table(title="What came in that time", title_justify="left")
    for title in ("source", "signal", "outcome", "reason"):
        table.add_column(title, overflow="fold")
    table.add_column("records", justify="right")
    for entry in entries:
        cells = (entry.source, entry.signal, entry.outcome, entry.reason)
        table.add_row(*map(escape, cells), f"{entry.count:,}")
    return table


def _files(files: Sequence[QuarantineFile]) -> Table:
    total = sum(file.bytes for file in files)
    table = Table(
        title=f"Quarantine of this machine: {len(files):,} files, {total:,} bytes, all projects",
        title_justify="left",
    )
    table.add_column("file", overflow="fold")
    table.add_column("bytes", justify="right")
    table.add_column("since", no_wrap=True)
    for file in files[:20]:
        table.add_row(escape(file.path), f"{file.bytes:,}", f"{file.modified:%Y-%m-%d %H:%M}")
    return table


def _moment(text: str) -> datetime:
    unit = _UNITS.get(text[-1:])
    try:
        if unit is not None and text[:-1].isdigit():
            return datetime.now(UTC) - timedelta(**{unit: int(text[:-1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a duration like 30m, 12h or 7d nor a time like 2027-01-31T12:00"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
