"""`tachograph forget`: take a user, or a session, out of everything that a stack keeps."""

import argparse
import logging
import sys
import time
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from tachograph_collector.forgetting.days import remove_day_rollups
from tachograph_collector.forgetting.journals import drain_journals
from tachograph_collector.forgetting.quarantine import clean_quarantine
from tachograph_collector.settings import CollectorSettings
from tachograph_store import forget
from tachograph_store.client import Store, connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.forget import Subject
from tachograph_store.forget_files import remove_masked_rows, remove_old_parts
from tachograph_store.forget_markers import CACHE_S, SESSION, USER
from tachograph_store.forget_spans import delete_spans
from tachograph_store.mutations import MutationProgress
from tachograph_store.rows import ForgetRequestRow
from tachograph_store.settings import StoreSettings

HELP = "delete a user or a session from the store, the journals and the files on disk"

EXAMPLES = """examples:
  tachograph forget --user ada@example.com --dry-run             only say what would go
  tachograph forget --user ada@example.com --project shop --yes
  tachograph forget --session 7f3a --project shop

Whole traces go: every trace of which any span names the user, with its scores, jobs and alerts, and
the scores that the user gave. What arrives later and began before is dropped. Interrupted, the same
command goes on. It works with the store's own credentials: whoever may read the stack's directory
may run it, no API key can.
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
        default=900.0,
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
        request = forget.begin(store, subject)
        _LOGGER.info(
            "request %s: forgetting the %s with hash %s in project %s",
            request.request_id,
            subject.kind,
            request.subject_hash,
            subject.project,
        )
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            steps = _Steps(store, migrator, subject, request, progress, args.timeout_s)
            steps.everything(settings, store_settings)
        forget.end(store, request)
        _LOGGER.info("request %s: everything is deleted", request.request_id)
        print(f"request {request.request_id}: done")
    return 0


def _confirmed(subject: Subject) -> bool:
    if not sys.stdin.isatty():
        raise ValueError("there is nobody to ask: say --yes")
    answer = input(f"delete all this of project {subject.project} for good? [yes/no] ")
    return answer.strip().lower() == "yes"


class _Steps:
    """One after the other; each may be done again."""

    def __init__(
        self,
        store: Store,
        migrator: Store,
        subject: Subject,
        request: ForgetRequestRow,
        progress: Progress,
        deadline_s: float,
    ) -> None:
        self._store = store
        self._migrator = migrator
        self._subject = subject
        self._request = request
        self._progress = progress
        self._deadline_s = deadline_s

    def everything(self, settings: CollectorSettings, store_settings: StoreSettings) -> None:
        """Journals first, so that nothing of them comes after the deletion."""
        time.sleep(CACHE_S)  # from now on every drain knows of the request
        self._count_down(
            "journals: segments", drain_journals(settings, store_settings, self._deadline_s)
        )
        traces = forget.find_traces(self._store, self._subject, self._request)
        _LOGGER.info("request %s: %d traces", self._request.request_id, traces)
        clean_quarantine(settings, self._subject.kind, self._subject.name, self._forgotten)
        self._mutate(forget.delete_beside_spans(self._store, self._subject, self._request))
        self._mutate(remove_masked_rows(self._migrator))
        self._mutate(delete_spans(self._store, self._request, self._deadline_s))
        forget.mark_rollups(self._store, self._request)
        self._mutate(remove_day_rollups(self._store, self._subject.project, self._deadline_s))
        self._count_down("replaced parts", remove_old_parts(self._migrator, self._deadline_s))

    def _forgotten(self, trace_ids: set[str]) -> set[str]:
        parameters = {"project": self._subject.project, "trace_ids": sorted(trace_ids)}
        return {row["trace_id"] for row in self._store.rows("forgotten_traces", parameters)}

    def _count_down(self, description: str, left: Iterable[int]) -> None:
        task: TaskID | None = None
        total = 0
        for number in left:
            total = max(total, number)
            if task is None:
                task = self._progress.add_task(description, total=total)
            self._progress.update(task, completed=total - number, total=total)

    def _mutate(self, steps: Iterable[MutationProgress]) -> None:
        tasks: dict[str, TaskID] = {}
        for step in steps:
            if step.parts and step.table not in tasks:
                tasks[step.table] = self._progress.add_task(
                    f"{step.table}: parts", total=step.parts
                )
            if step.table in tasks:
                self._progress.update(
                    tasks[step.table], completed=step.parts_done, total=max(step.parts, 1)
                )
