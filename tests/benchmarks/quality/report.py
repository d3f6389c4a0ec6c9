"""The tables for people, the data file of the package, and the page's part."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from tests.benchmarks.quality.measures import Line, Measured

from tachograph_evaluators import quality
from tachograph_evaluators.judges.models import encoder

PAGE: Final = Path(__file__).resolve().parents[3] / "docs" / "evaluators.md"
BEGIN: Final = "<!-- measured: written by make bench-quality ARGS=--update -->"
END: Final = "<!-- end of measured -->"

HEADINGS: Final = (
    "evaluator", "rows from", "rows", "AUROC", "95 %", "baselines of the same run", "recall",
    "false alarms", "F1", "calibration error", "length-matched",
)  # fmt: skip


def figure(value: float | None) -> str:
    """Three places; a dash for what cannot be computed."""
    return "–" if value is None else f"{value:.3f}"


def cells(line: Line) -> list[str]:
    """One line of the table."""
    beside = ", ".join(f"{name} {value:.3f}" for name, value in line.baselines.items())
    return [
        line.evaluator,
        line.set_name,
        str(line.rows),
        figure(line.auroc.value),
        f"{line.auroc.low:.3f}-{line.auroc.high:.3f}",
        beside,
        figure(line.at.recall),
        figure(line.at.false_positive_rate),
        figure(line.at.f1),
        figure(line.calibration_error),
        figure(line.length_matched),
    ]


def show(measured: Mapping[str, Measured], notes: Sequence[str]) -> None:
    """Print everything but the last line."""
    console = Console(width=180)
    table = Table(title="evaluators on labelled answers", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for one in measured.values():
        for line in one.lines:
            table.add_row(*cells(line))
    console.print(table)
    for name, one in measured.items():
        told = "; ".join(
            f"{words} ({rows} rows) {value:.3f}" for words, rows, value in one.by_length
        )
        console.print(f"{name} by length: {told}; abstained {one.abstained}, errors {one.errors}")
    for note in notes:
        console.print(note)


def update(
    measured: Mapping[str, Measured],
    versions: Mapping[str, str],
    f1: Mapping[str, Sequence[dict[str, Any]]],
    notes: Sequence[str],
) -> None:
    """Write the package's data file and the page's table."""
    evaluators: dict[str, Any] = {}
    for one in measured.values():
        for line in one.lines:
            evaluators.setdefault(line.evaluator, []).append(_shipped(line))
    for name, figures in f1.items():
        evaluators.setdefault(name, []).extend(figures)
    document = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "device": str(encoder().model.device),
        "command": "make bench-quality",
        "evaluators": {
            name: {"version": versions[name], "figures": figures}
            for name, figures in sorted(evaluators.items())
        },
    }
    quality.path().write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    if not after:
        raise ValueError(f"{PAGE} lacks the lines {BEGIN!r} and {END!r}")
    PAGE.write_text(before + BEGIN + "\n" + _markdown(measured, notes) + END + after, "utf-8")


def _shipped(line: Line) -> dict[str, Any]:
    name, value = max(line.baselines.items(), key=lambda item: item[1], default=(None, None))
    return {
        "set_name": line.set_name,
        "rows": line.rows,
        "measure": "AUROC",
        "value": round(line.auroc.value, 3),
        "low": round(line.auroc.low, 3),
        "high": round(line.auroc.high, 3),
        "baseline": None if value is None else round(value, 3),
        "baseline_name": name,
    }


def _markdown(measured: Mapping[str, Measured], notes: Sequence[str]) -> str:
    today, device = datetime.now(UTC).date().isoformat(), encoder().model.device.type
    lines = [f"{today}, models on {device}.", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    for one in measured.values():
        lines += ["| " + " | ".join(cells(line)) + " |" for line in one.lines]
    lines.append("")
    for name, one in measured.items():
        told = "; ".join(f"{words} ({rows}) {value:.3f}" for words, rows, value in one.by_length)
        lines.append(f"- {name}, AUROC by length: {told}. Abstained on {one.abstained} rows.")
    lines += [f"- {note}" for note in notes]
    return "\n".join(lines) + "\n"
