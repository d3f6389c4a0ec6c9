"""`tachograph beat`: the clock of planner, sweep, alerts and deliveries."""

import argparse
import logging

HELP = "run the clock that tells the worker when to plan, sweep and evaluate alerts"

EXAMPLES = """examples:
  tachograph beat                        one a stack; the worker does the work
  TACHOGRAPH_EVALUATORS_BROKER_URL=redis://queue:6379/0 tachograph beat
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR")
    )


def run(args: argparse.Namespace) -> int:
    """Tick until SIGTERM or SIGINT."""
    # Deferred: Celery costs half a second that `tachograph --help` need not wait for.
    from tachograph_evaluators.app import app

    logging.getLogger("celery.beat").setLevel(logging.WARNING)  # a line a tick says nothing

    app.Beat(loglevel=args.log_level, quiet=True).run()
    return 0
