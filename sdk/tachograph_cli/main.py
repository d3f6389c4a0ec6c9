"""Entry point of the `tachograph` command. Exit status: 0 success, 1 failure, 2 wrong usage or a
missing extra, 130 interrupted.
"""

import argparse
import difflib
import os
import sys
from collections.abc import Sequence

from tachograph.version import __version__
from tachograph_cli.errors import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, CommandError
from tachograph_cli.registry import Command, commands

_DESCRIPTION = "Flight recorder and quality monitor for language models served on your own GPUs."

_EXAMPLES = """\
examples:
  tachograph up                                     start the stack and print its addresses
  tachograph sidecar --upstream http://127.0.0.1:8080
                                                    record every request to an engine
  tachograph keys create --project default --role ingest
                                                    make an API key for a service
  tachograph doctor                                 what is wrong, and how to mend it
  tachograph demo                                   the whole stack with a real local model

`tachograph COMMAND --help` shows the options of one command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand and returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _dispatch(arguments)
    except CommandError as error:
        _complain(str(error), error.remedy)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`tachograph … | head`); the interpreter would complain
        # once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK


def _dispatch(arguments: list[str]) -> int:
    if arguments and not arguments[0].startswith("-"):
        found = commands()
        command = found.get(arguments[0])
        if command is None:
            raise _unknown(arguments[0], list(found))
        return _run(command, arguments[1:])
    parser = argparse.ArgumentParser(
        prog="tachograph",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="tachograph COMMAND [OPTIONS]",
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="version", version=f"tachograph {__version__}")
    asked = parser.parse_args(arguments)
    print(_overview())
    return EXIT_OK if asked.help else EXIT_USAGE


def _overview() -> str:
    lines = [f"  {name:<12}{command.summary()}" for name, command in commands().items()]
    return "\n".join(
        [
            "usage: tachograph COMMAND [OPTIONS]",
            "",
            _DESCRIPTION,
            "",
            "commands:",
            *lines,
            "",
            "options:",
            "  -h, --help  show this text",
            "  --version   show the version",
            "",
            _EXAMPLES,
        ]
    )


def _unknown(name: str, known: list[str]) -> CommandError:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean `tachograph {close[0]}`?" if close else "see `tachograph --help`"
    return CommandError(
        f"there is no command {name!r}; commands: {', '.join(known)}",
        remedy=hint,
        exit_code=EXIT_USAGE,
    )


def _run(command: Command, arguments: list[str]) -> int:
    module = command.load()
    parser = argparse.ArgumentParser(
        prog=f"tachograph {command.name}",
        description=module.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    try:
        return module.run(parsed)
    except ModuleNotFoundError as error:
        # Commands import their heavy parts inside run(); a module of ours that is missing is a
        # defect and keeps its traceback.
        if (error.name or "").split(".")[0].startswith("tachograph"):
            raise
        raise command.missing(error) from error
    except CommandError:
        raise
    except Exception as error:
        # Errors of the services know their remedy; they cannot share our class across packages.
        remedy = getattr(error, "remedy", None)
        if not isinstance(remedy, str):
            raise
        raise CommandError(str(error), remedy=remedy) from error


def _complain(message: str, remedy: str) -> None:
    print(f"tachograph: {message}\n  next step: {remedy}", file=sys.stderr)
