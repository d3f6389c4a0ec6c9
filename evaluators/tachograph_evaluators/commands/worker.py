"""`tachograph worker`: judges answers, plans, evaluates alerts and delivers webhooks.

Two processes do it, so that slow scoring never delays an alert: `light` (threads: planning and
alerts) and `scoring` (a process pool that holds the models). Without `--only` this command starts
both and ends both.
"""

import argparse
import os

HELP = "judge answers, evaluate alert rules and deliver webhooks"

EXAMPLES = """examples:
  tachograph worker                      everything, one scoring process
  tachograph worker --concurrency 4      four scoring processes, 1.3 GB each
  tachograph worker --only scoring       another machine that only scores
  tachograph worker --ping               is a worker alive, and are its models loaded?
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--concurrency",
        type=int,
        metavar="N",
        help="scoring processes (TACHOGRAPH_EVALUATORS_CONCURRENCY, 1)",
    )
    parser.add_argument("--only", choices=("scoring", "light"), help="run one of the two parts")
    parser.add_argument("--ping", action="store_true", help="exit 0 when a worker answers")
    parser.add_argument(
        "--timeout", type=float, default=5.0, metavar="S", help="seconds to wait for a ping"
    )
    parser.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")
    )


def run(args: argparse.Namespace) -> int:
    """Work until SIGTERM or SIGINT; with `--ping` 0 when a worker answered, 1 when none did."""
    if args.concurrency is not None:
        if args.concurrency < 1:
            raise SystemExit("--concurrency must be at least 1")
        os.environ["TACHOGRAPH_EVALUATORS_CONCURRENCY"] = str(args.concurrency)
    # Deferred: Celery costs half a second that `tachograph --help` need not wait for.
    if args.ping:
        return _ping(args.timeout)
    if args.only is None:
        from tachograph_evaluators.commands.pair import run_pair

        return run_pair(args.log_level)
    from tachograph_evaluators.commands.part import run_part

    return run_part(args.only, args.log_level)


def _ping(timeout_s: float) -> int:
    from tachograph_evaluators.app import app
    from tachograph_evaluators.ping import ask

    state = ask(app, timeout_s)
    if state is None:
        print(f"no worker answered within {timeout_s:g} s")
        return 1
    details = [f"models {state.get('state')}"]
    if state.get("seconds"):
        details.append(f"loaded in {state['seconds']} s")
    if state.get("error"):
        details.append(str(state["error"]))
    print("worker answered: " + ", ".join(details))
    return 0
