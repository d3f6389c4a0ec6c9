"""`tachograph retention`: how long each project's rows are kept."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from tachograph_store.client import Store, connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.mutations import MutationProgress
from tachograph_store.retention import Retention, checked_days, effective, read_override
from tachograph_store.retention_rewrite import rewrite_expiry
from tachograph_store.rows import RetentionRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

HELP = "show and change how long a project's rows are kept"

EXAMPLES = """examples:
  tachograph retention show --project shop
  tachograph retention set --project shop --content-days 7
  tachograph retention set --project shop --spans-days 365 --rollups-days default
  tachograph retention apply --project shop      finish a change that was interrupted, or give
                                                 stored rows the days of changed settings

A change holds for new rows within 5 s, and for stored ones when the command ends; what is older than
the new days is gone then. Interrupted, it is finished by `apply` or by the same command.
"""

_EXAMPLES_OF = {
    "show": "examples:\n  tachograph retention show --project shop",
    "set": "examples:\n"
    "  tachograph retention set --project shop --content-days 7\n"
    "  tachograph retention set --project shop --spans-days 365 --rollups-days default",
    "apply": "examples:\n  tachograph retention apply --project shop",
}

_KINDS = {
    "spans": "spans and their scores",
    "content": "prompts, answers and contexts",
    "readings": "readings of GPUs and engines",
    "rollups": "totals by minute",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", required=True)
    for action, text in (
        ("show", "the days that hold"),
        ("set", "change days, of stored rows too"),
        ("apply", "give stored rows the days that hold"),
    ):
        sub = actions.add_parser(
            action,
            help=text,
            epilog=_EXAMPLES_OF[action],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.add_argument("--project", required=True, help="whose rows")
        add_home_argument(sub)
        if action == "set":
            for kind, rows in _KINDS.items():
                sub.add_argument(
                    f"--{kind}-days", type=_days, help=f"{rows}: days, or `default` for the setting"
                )


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with a message on standard error when it cannot be done."""
    try:
        use_home(args)
        with connect(StoreSettings(), "writer") as store:
            if args.action == "set":
                _set(store, args)
            if args.action != "show":
                _show_progress(rewrite_expiry(store, args.project, effective(store, args.project)))
            Console().print(_table(store, args.project))
    except (StoreError, ValueError) as error:
        print(f"tachograph retention: {error}", file=sys.stderr)
        return 1
    return 0


def _set(store: Store, args: argparse.Namespace) -> None:
    names = [f"{kind}_days" for kind in _KINDS]
    given: dict[str, Any] = {
        name: getattr(args, name) or None for name in names if getattr(args, name) is not None
    }
    if not given:
        raise ValueError("nothing to set: name at least one of --spans-days, --content-days, …")
    row = read_override(store, args.project) or RetentionRow(project=args.project)
    Writer(store).write("retention", [replace(row, **given)])


def _show_progress(progress: Iterator[MutationProgress]) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks = {}
        for step in progress:
            if step.parts and step.table not in tasks:
                tasks[step.table] = bars.add_task(f"{step.table}: parts", total=step.parts)
            if step.table in tasks:
                bars.update(tasks[step.table], completed=step.parts_done, total=step.parts)


def _table(store: Store, project: str) -> Table:
    override = read_override(store, project)
    days = Retention.of(store.settings, override)
    table = Table(title=f"project {escape(project)}")
    for title in ("rows", "days kept", "from"):
        table.add_column(title, overflow="fold")
    for field in fields(Retention):
        is_own = override is not None and getattr(override, field.name) is not None
        kind = field.name.removesuffix("_days")
        origin = "this project" if is_own else "the settings"
        table.add_row(_KINDS[kind], str(getattr(days, field.name)), origin)
    return table


def _days(text: str) -> int:
    """Days, 0 for `default`."""
    if text == "default":
        return 0
    try:
        return checked_days(int(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
