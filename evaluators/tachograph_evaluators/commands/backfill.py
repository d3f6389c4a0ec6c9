"""`tachograph backfill`: judge answers of a past range, new versions beside the old scores."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from tachograph_evaluators.backfill import CANCELLED, Backfill, new_backfill
from tachograph_evaluators.commands.how_far import HowFar, follow, of_backfill
from tachograph_evaluators.leases import RUNNING
from tachograph_store.client import Store, connect
from tachograph_store.queries.backfill import backfill_list
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.writer import Writer

HELP = "judge answers of any past range, with progress; it goes on where it was after a restart"

EXAMPLES = """examples:
  tachograph backfill --since 7d                          everything of the last week that lacks a score
  tachograph backfill --since 2026-11-01 --until 2026-11-08 --evaluators grounding --project shop
  tachograph backfill --since 90d --rate 0.1 --detach     one answer in ten, without waiting
  tachograph backfill --list
  tachograph backfill --cancel 20261123T101500-4f2a9c
"""
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--since", help="where answers begin: 2026-11-01, 2026-11-01T09:30, 7d, 12h"
    )
    parser.add_argument("--until", help="where they end, the same way (now)")
    parser.add_argument(
        "--evaluators", help="names, comma separated (all that run), in their installed versions"
    )
    parser.add_argument("--project", default="default", help="whose answers (default)")
    parser.add_argument(
        "--rate", type=float, default=1.0, help="share of answers to judge, above 0, at most 1 (1)"
    )
    parser.add_argument("--detach", action="store_true", help="do not wait for the end")
    parser.add_argument("--list", action="store_true", help="print the project's backfills")
    parser.add_argument("--cancel", metavar="ID", help="begin no further answers of a backfill")


def run(args: argparse.Namespace) -> int:
    """0 when all is judged (or begun, with --detach), 2 for wrong arguments."""
    with connect(role="reader") as reader, connect(role="writer") as store:
        if args.list:
            return _list(reader, args.project)
        writer = Writer(store)
        if args.cancel:
            return _cancel(reader, writer, args.project, args.cancel)
        try:
            backfill = _requested(args)
        except ValueError as error:
            print(f"tachograph backfill: {error}", file=sys.stderr)
            return 2
        writer.write("jobs", [backfill.row()])
        print(f"backfill {backfill.backfill_id}: {', '.join(backfill.evaluators)}")
        if args.detach:
            return 0
        return _wait(reader, backfill)


def _requested(args: argparse.Namespace) -> Backfill:
    if not args.since:
        raise ValueError("--since is missing: write a date, or how long ago, such as 7d")
    now = datetime.now(UTC)
    since, until = moment_of(args.since, now), moment_of(args.until or "0m", now)
    if since >= until:
        raise ValueError(f"--since {since:%Y-%m-%dT%H:%M} is not before --until: swap them")
    if not 0 < args.rate <= 1:
        raise ValueError(f"--rate {args.rate:g}: must be above 0 and at most 1")
    return new_backfill(
        args.project,
        nanoseconds(since),
        nanoseconds(until),
        _identities(args.evaluators),
        args.rate,
    )


def _identities(names: str | None) -> Sequence[str]:
    # Deferred: evaluators bring heavy libraries that `--list` and `--help` need not wait for.
    from tachograph_evaluators import registry
    from tachograph_evaluators.settings import EvaluatorSettings

    found = registry.installed(EvaluatorSettings().enabled)
    wanted = [name.strip() for name in names.split(",")] if names else list(found)
    for name in wanted:
        if name not in found:
            raise ValueError(
                f"--evaluators names {name!r}, which does not run here; "
                f"there are: {', '.join(sorted(found))}"
            )
    return [f"{name}@{found[name].version}" for name in wanted]


def moment_of(text: str, now: datetime) -> datetime:
    """A date or time in ISO 8601 (UTC unless it says), or how long ago: 30m, 12h, 7d.

    Raises ValueError.
    """
    match = re.fullmatch(r"(\d{1,6})([mhd])", text)
    if match:
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-11-01, 2026-11-01T09:30 or 7d") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _list(reader: Store, project: str) -> int:
    for row in backfill_list(reader, project):
        one = Backfill.parse(row)
        found = of_backfill(reader, one)
        print(
            f"{one.backfill_id}  {one.state:<9}  {found.settled:,} of {found.answers:,} answers  "
            f"{', '.join(one.evaluators)}"
        )
    return 0


def _cancel(reader: Store, writer: Writer, project: str, backfill_id: str) -> int:
    for row in backfill_list(reader, project):
        if row.backfill_id == backfill_id and row.state == RUNNING:
            writer.write("jobs", [replace(Backfill.parse(row), state=CANCELLED).row()])
            print(f"backfill {backfill_id} begins no further answers")
            return 0
    print(f"project {project} has no running backfill {backfill_id}", file=sys.stderr)
    return 2


def _wait(reader: Store, one: Backfill) -> int:
    def look() -> tuple[list[HowFar], bool]:
        found = of_backfill(reader, one)
        state = _state(reader, one)
        return [found], (state != RUNNING and found.is_over) or state == CANCELLED

    try:
        follow(look)
    except KeyboardInterrupt:
        print(f"it goes on without you; `tachograph backfill --cancel {one.backfill_id}` ends it")
    return 0


def _state(reader: Store, one: Backfill) -> str:
    rows = backfill_list(reader, one.project)
    return next((row.state for row in rows if row.backfill_id == one.backfill_id), RUNNING)
