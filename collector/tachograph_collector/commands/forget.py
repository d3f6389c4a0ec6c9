"""`tachograph forget`: take a user, or a session, out of everything that a stack keeps."""

import argparse
import logging
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tachograph_collector.forgetting.journals import drain_journals
from tachograph_collector.forgetting.steps import DEADLINE_S, StepProgress, forget_everything
from tachograph_collector.forgetting.turn import turn
from tachograph_collector.settings import CollectorSettings
from tachograph_store import forget
from tachograph_store.client import connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.forget import Subject
from tachograph_store.forget_markers import SESSION, USER
from tachograph_store.settings import StoreSettings

HELP = "delete a user or a session from the store, the journals and the files on disk"

EXAMPLES = """examples:
  tachograph forget --user ada@example.com --dry-run             only say what would go
  tachograph forget --user ada@example.com --project shop --yes
  tachograph forget --session 7f3a --project shop

Whole traces go: every trace of which any span names the user, with its scores, jobs and alerts, and
the scores that the user gave. What arrives later and began before is dropped. Interrupted, the same
command goes on. It works with the store's own credentials: whoever may read the stack's directory
may run it; an admin key does the same by `POST /api/v1/forgets`.
"""

_LOGGER = logging.getLogger("tachograph.forget")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", help="the user's id, as spans have it")
    who.add_argument("--session", help="a session's id")
    parser.add_argument("--project", default="default", help="whose rows (default: default)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    parser.add_argument(
        "--timeout-s",
        type=float,
        default=DEADLINE_S,
        help="seconds to wait for journals, books and replaced files each (default: 900)",
    )
    add_home_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with a message on standard error when not everything is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        use_home(args)
        name = args.user if args.user is not None else args.session
        if not name:
            raise ValueError("an empty name is nobody's")
        subject = Subject(args.project, USER if args.user is not None else SESSION, name)
        return _run(args, subject)
    except (StoreError, OSError, ValueError) as error:
        print(f"tachograph forget: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace, subject: Subject) -> int:
    settings, store_settings = CollectorSettings(), StoreSettings()
    with (
        connect(store_settings, "writer") as store,
        connect(store_settings, "migrator") as migrator,
    ):
        counts = forget.count_rows(store, subject)
        for table, count in counts.items():
            print(f"{table}: {count:,}")
        if args.dry_run:
            return 0
        if not args.yes and not _confirmed(subject):
            print("nothing was deleted", file=sys.stderr)
            return 1
        with turn(subject.project) as is_ours:
            if not is_ours:
                raise StoreError(
                    f"project {subject.project} is forgetting somebody already: wait for its end"
                )
            request = forget.enter_found(store, forget.begin(store, subject), counts)
            _LOGGER.info(
                "request %s: forgetting the %s with hash %s in project %s",
                request.request_id,
                subject.kind,
                request.subject_hash,
                subject.project,
            )
            _show(
                forget_everything(
                    store,
                    migrator,
                    subject,
                    request,
                    settings,
                    lambda: drain_journals(settings, store_settings, args.timeout_s),
                    args.timeout_s,
                )
            )
            forget.end(store, request)
        _LOGGER.info("request %s: everything is deleted", request.request_id)
        print(f"request {request.request_id}: done")
    return 0


def _confirmed(subject: Subject) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("there is nobody to ask: say --yes")
    answer = input(f"delete all this of project {subject.project} for good? [yes/no] ")
    return answer.strip().lower() == "yes"


def _show(steps: Iterable[StepProgress]) -> None:
    """A progress bar for each step that has something to do."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}
        for step in steps:
            if step.total and step.step not in tasks:
                tasks[step.step] = progress.add_task(step.step, total=step.total)
            if step.step in tasks:
                total = max(step.total, 1)
                progress.update(tasks[step.step], completed=step.done, total=total)
