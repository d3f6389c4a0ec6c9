"""`tachograph doctor`: what is wrong, and how to mend it."""

import argparse
import json
from typing import Final

from tachograph_cli.checks.directory import check_directory, check_run
from tachograph_cli.checks.finding import Finding, Status
from tachograph_cli.checks.machine import check_machine
from tachograph_cli.checks.services import (
    check_clock,
    check_ports,
    check_schema,
    check_services,
)
from tachograph_cli.errors import EXIT_FAILED, EXIT_OK
from tachograph_cli.home import Home

HELP = "say what is wrong and how to mend it"

_EXAMPLES: Final = """\
examples:
  tachograph doctor                  examine the stack in ~/.tachograph
  tachograph doctor --home ./trial --json

The exit status is 0 only if nothing has failed; warnings do not count."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `tachograph doctor`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--home", help="the stack to examine (default: ~/.tachograph)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Prints every finding; 0 only if none has failed."""
    findings = examine(Home.resolve(args.home))
    healthy = all(finding.status is not Status.FAILED for finding in findings)
    if args.json:
        document = {"healthy": healthy, "findings": [f.as_dict() for f in findings]}
        print(json.dumps(document, indent=2))
    else:
        _print(findings, healthy)
    return EXIT_OK if healthy else EXIT_FAILED


def examine(home: Home) -> list[Finding]:
    """All checks, the machine first; what needs a running stack only when one runs."""
    findings = [*check_machine(home.path), *check_directory(home)]
    state, stack = check_run(home)
    findings.append(state)
    if stack is None:
        findings += check_ports()
    else:
        findings += check_services(home, stack)
        findings.append(check_schema(home))
        findings += check_clock(stack)
    return findings


def _print(findings: list[Finding], healthy: bool) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red"}
    table = Table()
    for column in ("check", "", "found", "next step"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        mark = Text(finding.status.value, style=styles[finding.status])
        # Text, not markup: a finding may quote a log.
        table.add_row(finding.name, mark, Text(finding.detail), Text(finding.remedy))
    console = Console(highlight=False)
    console.print(table)
    console.print("healthy" if healthy else "not healthy: see the next steps above")
