"""`tachograph evaluation`: check the rules, see the backlog, look at what was given up."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.commands.how_far import HowFar, follow, of_project
from tachograph_evaluators.leases import LEASED, Wanted, lease
from tachograph_store.client import Store, connect
from tachograph_store.queries.backlog import evaluation_backlog, evaluation_parked
from tachograph_store.queries.evaluation import AnswerKey
from tachograph_store.writer import Writer

HELP = "check the evaluation rules, show how far judging is, list or retry what was given up"

EXAMPLES = """examples:
  tachograph evaluation check                    is evaluation.toml right?
  tachograph evaluation status --project shop    what waits, how long, what was left out
  tachograph evaluation status --watch           bars until all is judged, after an upgrade say
  tachograph evaluation parked                   evaluations that failed too often, with the reason
  tachograph evaluation parked --retry           try them again
"""
_EXAMPLES_OF = {
    "check": """examples:
  tachograph evaluation check
  tachograph evaluation check --rules ./evaluation.toml         before it is put in its place
""",
    "status": """examples:
  tachograph evaluation status
  tachograph evaluation status --project shop
  tachograph evaluation status --watch          until the day and the backfills are judged
""",
    "parked": """examples:
  tachograph evaluation parked --project shop
  tachograph evaluation parked --retry
""",
}
_MOST_PARKED = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|status|parked")
    check = actions.add_parser("check", help="say what is wrong with the rule file")
    check.add_argument(
        "--rules",
        type=Path,
        help="file (TACHOGRAPH_EVALUATORS_RULES, else evaluation.toml in TACHOGRAPH_HOME)",
    )
    status = actions.add_parser("status", help="backlog, lag and sampling of a project")
    parked = actions.add_parser("parked", help="evaluations that were given up, with the reason")
    for action in (status, parked):
        action.add_argument("--project", default="default", help="whose (default)")
    status.add_argument(
        "--watch", action="store_true", help="show how far judging is until nothing waits"
    )
    parked.add_argument("--retry", action="store_true", help="try them again, with fresh attempts")
    for name, action in actions.choices.items():
        action.formatter_class = argparse.RawDescriptionHelpFormatter
        action.epilog = _EXAMPLES_OF[name]


def run(args: argparse.Namespace) -> int:
    """0 when all is well, 1 when the rule file is not."""
    if args.action == "check":
        return _check(args.rules)
    with connect(role="reader") as reader:
        if args.action == "status":
            return _watch(reader, args.project) if args.watch else _status(reader, args.project)
        return _parked(reader, args.project, args.retry)


def _check(path: Path | None) -> int:
    # Deferred: evaluators bring heavy libraries that `status` need not wait for.
    from tachograph_evaluators import registry
    from tachograph_evaluators.rules.rule_file import load_rules, rules_path
    from tachograph_evaluators.settings import EvaluatorSettings

    settings = EvaluatorSettings()
    file = path or rules_path(settings)
    if path is not None and not path.exists():
        print(f"{path}: is not there; name another with --rules", file=sys.stderr)
        return 1
    try:
        book = load_rules(file, list(registry.installed(settings.enabled)))
    except RuleFileError as error:
        print(error, file=sys.stderr)
        return 1
    for rule in book.rules:
        judges = ", ".join(rule.evaluators) or "all evaluators"
        print(
            f"{rule.name}: {judges}, {rule.sample_rate:.4g} of the answers, priority {rule.priority}"
        )
    print(
        f"behind by more than {book.behind.after_s:g} s fewer are judged, "
        f"at least {book.behind.least_rate:g}"
    )
    return 0


def _status(reader: Store, project: str) -> int:
    found = evaluation_backlog(reader, project)
    if found.undecided is None:
        print("the planner has not looked at this project yet: run `tachograph worker` and `beat`")
    else:
        print(f"undecided answers   {found.undecided:,}")
    print(f"open evaluations    {found.open:,}")
    lag_s = found.lag_s
    print(f"lag                 {'none' if lag_s is None else f'{lag_s:.0f} s'}")
    if found.sampling_factor is not None:
        print(f"behind: judging     {100 * found.sampling_factor:.1f} % of what the rules want")
    for one in of_project(reader, project):
        print(one)
    for left in found.skipped:
        print(f"left out in 24 h    {left.evaluations:,}: {left.reason}")
    for left in found.parked:
        print(f"given up            {left.evaluations:,}: {left.reason}")
    return 0


def _watch(reader: Store, project: str) -> int:
    def look() -> tuple[list[HowFar], bool]:
        shown = of_project(reader, project)
        return shown, all(one.is_over for one in shown)

    try:
        follow(look)
    except KeyboardInterrupt:
        print("judging goes on without you")
    return 0


def _parked(reader: Store, project: str, is_retry: bool) -> int:
    found = evaluation_parked(reader, project, _MOST_PARKED)
    for one in found:
        print(
            f"{one.parked_at:%Y-%m-%d %H:%M:%S}  trace {one.trace_id}  span {one.span_id}  "
            f"{one.evaluator}@{one.evaluator_version}  {one.error or ''!a}"
        )
    if not found:
        print("nothing was given up")
    if is_retry and found:
        rows = [
            lease(
                one.project,
                AnswerKey(trace_id=one.trace_id, span_id=one.span_id, start_us=one.created_us),
                Wanted(f"{one.evaluator}@{one.evaluator_version}", one.sample_rate),
                state=LEASED,
                attempt=1,
                due_at=datetime.now(UTC),
            )
            for one in found
        ]
        with connect(role="writer") as store:
            Writer(store).write("jobs", rows)
        print(f"{len(rows):,} will be tried again with the next sweep")
    return 0
