"""The tables for people, the data file of the package, and the page's part."""

import json
import re
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
    today, device = datetime.now(UTC).date().isoformat(), encoder().device
    figures: dict[str, list[dict[str, Any]]] = {}
    for one in measured.values():
        for line in one.lines:
            figures.setdefault(line.evaluator, []).append(_shipped(line))
    for name, found in f1.items():
        figures.setdefault(name, []).extend(found)
    before = json.loads(quality.path().read_text(encoding="utf-8"))
    evaluators = before["evaluators"] | {
        name: {"version": versions[name], "measured_on": today, "device": device, "figures": found}
        for name, found in figures.items()
    }
    document = {"command": "make bench-quality", "evaluators": dict(sorted(evaluators.items()))}
    quality.path().write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    old, _, tail = rest.partition(END)
    if not tail:
        raise ValueError(f"{PAGE} lacks the lines {BEGIN!r} and {END!r}")
    body = [_when(evaluators), "", *_table(measured, old), "", *_told(measured, notes, old)]
    PAGE.write_text(head + BEGIN + "\n" + "\n".join(body) + "\n" + END + tail, "utf-8")


def _when(evaluators: Mapping[str, Any]) -> str:
    """Which evaluators were measured when, and on what."""
    runs: dict[str, list[str]] = {}
    for name, entry in evaluators.items():
        runs.setdefault(f"{entry['measured_on']}, models on {entry['device']}", []).append(name)
    return "; ".join(f"{run}: {', '.join(names)}" for run, names in sorted(runs.items())) + "."


def _table(measured: Mapping[str, Measured], old: str) -> list[str]:
    """All rows, those of evaluators that were not measured this time as they were."""
    rows: dict[str, list[str]] = {}
    for row in old.splitlines():
        name = row.removeprefix("| ").split(" ")[0]
        if row.startswith("| ") and name not in (*measured, "evaluator", "---"):
            rows.setdefault(name, []).append(row)
    for name, one in measured.items():
        rows[name] = ["| " + " | ".join(cells(line)) + " |" for line in one.lines]
    heading = ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS)]
    return heading + [row for name in sorted(rows) for row in rows[name]]


def _told(measured: Mapping[str, Measured], notes: Sequence[str], old: str) -> list[str]:
    """What stands below the table: each line begins with the name of its evaluator."""
    told = [
        line
        for line in old.splitlines()
        if line.startswith("- ") and not line[2:].startswith(tuple(measured))
    ]
    for name, one in measured.items():
        lengths = "; ".join(f"{words} ({rows}) {value:.3f}" for words, rows, value in one.by_length)
        told.append(f"- {name}, AUROC by length: {lengths}. Abstained on {one.abstained} rows.")
    told += [f"- {note}" for note in notes if note.startswith(tuple(measured))]
    return sorted(told, key=lambda line: re.split(r"\W", line[2:])[0])


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
