"""`tachograph evaluators`: what is installed, and how well each does on labelled answers."""

import argparse
import json
import sys

from tachograph_evaluators.evaluator import Evaluator
from tachograph_evaluators.quality import Figure, Measured, measured
from tachograph_evaluators.registry import installed, left_out

HELP = "list the evaluators with their measured quality"

EXAMPLES = """examples:
  tachograph evaluators                names, versions, needs, quality measured on labelled answers
  tachograph evaluators --json | jq '.[].name'
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Print them; nothing is loaded and nothing runs."""
    found = installed()
    quality = measured()
    if args.json:
        print(json.dumps([_as_json(one, quality.get(one.name)) for one in found.values()]))
        return 0
    for one in found.values():
        needs = ", ".join(sorted(one.needs)) or "any text"
        print(f"{one.name}@{one.version}: reads {needs}; scores {', '.join(one.scores)}")
        for line in _told(one, quality.get(one.name)):
            print(f"    {line}")
    print(
        "measured on labelled answers, 95 % intervals; behind them what a simple baseline reaches"
    )
    for name, reason in left_out().items():
        print(f"{name} is off: {reason}", file=sys.stderr)
    return 0


def _told(evaluator: Evaluator, known: Measured | None) -> list[str]:
    """A line a figure: in a table they would be cut into columns of a few letters."""
    if known is None:
        return ["not measured"]
    width = max((len(figure.set_name) for figure in known.figures), default=0)
    lines = [_line(figure, width) for figure in known.figures]
    if known.version != evaluator.version:
        lines.insert(0, f"measured at version {known.version}:")
    return lines


def _line(figure: Figure, width: int) -> str:
    text = f"{figure.set_name:<{width}}  {figure.measure} {figure.value:.3f}"
    if figure.low is not None and figure.high is not None:
        text += f" ({figure.low:.3f}-{figure.high:.3f})"
    if figure.baseline is not None:
        text += f"; {figure.baseline_name} {figure.baseline:.3f}"
    return f"{text}; {figure.rows} rows"


def _as_json(evaluator: Evaluator, known: Measured | None) -> dict[str, object]:
    return {
        "name": evaluator.name,
        "version": evaluator.version,
        "needs": sorted(evaluator.needs),
        "scores": list(evaluator.scores),
        "batch_size": evaluator.batch_size,
        "measured_version": known.version if known else None,
        "quality": [
            {
                "set": figure.set_name,
                "rows": figure.rows,
                "measure": figure.measure,
                "value": figure.value,
                "low": figure.low,
                "high": figure.high,
                "baseline": figure.baseline,
                "baseline_name": figure.baseline_name,
            }
            for figure in (known.figures if known else ())
        ],
    }
