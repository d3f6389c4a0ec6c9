"""Finds subcommands by the entry point group `tachograph.commands` and loads them one at a time."""

import argparse
import ast
import importlib.util
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final, Protocol, cast

from tachograph_cli.errors import EXIT_USAGE, CommandError

GROUP: Final = "tachograph.commands"

EXTRAS: Final = {
    "up": "all",
    "doctor": "cli",
    "demo": "demo",
    "sidecar": "sidecar",
    "store": "embedded",
    "migrate": "store",
    "keys": "store",
    "ledger": "store",
    "retention": "store",
    "export": "store",
    "import": "collector",
    "forget": "collector",
    "collector": "collector",
    "worker": "evaluators",
    "beat": "evaluators",
    "alerts": "evaluators",
    "dashboard": "dashboard",
}
"""Command -> the extra that brings what it imports."""


class CommandModule(Protocol):
    """What an entry point of the group must name: a module of this shape.

    `add_arguments` may set `parser.epilog` to examples; its line breaks are kept.
    """

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


@dataclass(frozen=True)
class Command:
    """One subcommand that some installed distribution registered."""

    name: str
    entry_point: EntryPoint

    @property
    def requirement(self) -> str:
        """What pip must install for this command to work."""
        distribution = self.entry_point.dist
        if distribution is None or distribution.name == "tachograph":
            return f"tachograph[{EXTRAS.get(self.name, 'all')}]"
        return distribution.name

    def load(self) -> CommandModule:
        """Imports the module; a missing third-party module becomes the pip command to run."""
        try:
            return cast(CommandModule, self.entry_point.load())
        except ModuleNotFoundError as error:
            raise self.missing(error) from error

    def missing(self, error: ModuleNotFoundError) -> CommandError:
        """The error that says which extra brings the module that could not be imported."""
        return CommandError(
            f"`tachograph {self.name}` needs the Python module {error.name!r}, "
            "which is not installed.",
            remedy=f'pip install "{self.requirement}"',
            exit_code=EXIT_USAGE,
        )

    def summary(self) -> str:
        """The module's HELP, read without importing the module, so that `--help` stays fast."""
        try:
            spec = importlib.util.find_spec(self.entry_point.module)
        except ImportError:
            spec = None
        if spec is None or spec.origin is None:
            return f'not installed: pip install "{self.requirement}"'
        return _constant(Path(spec.origin), "HELP") or ""


def _constant(path: Path, name: str) -> str | None:
    """The value of a string constant at the top level of a Python file."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Constant(value=str(value))):
                pass
            case ast.AnnAssign(target=ast.Name(id=found), value=ast.Constant(value=str(value))):
                pass
            case _:
                continue
        if found == name:
            return value
    return None


def commands() -> dict[str, Command]:
    """Every registered subcommand by name, ours first in the order of EXTRAS, then plugins."""
    found = {point.name: Command(point.name, point) for point in entry_points(group=GROUP)}
    ours = [name for name in EXTRAS if name in found]
    return {name: found[name] for name in [*ours, *sorted(found.keys() - EXTRAS.keys())]}
