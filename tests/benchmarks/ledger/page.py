"""The part of docs/gpu-ledger.md that recordings make: a table of figures and pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.benchmarks.ledger.pictures import scatter, trace
from tests.benchmarks.ledger.recording import Recording
from tests.benchmarks.ledger.replay import TIME_SHARE, isolated, leave_one_out, replay

from tachograph_sidecar.ledger.weights import roofline

DOCS: Final = Path(__file__).resolve().parents[3] / "docs"
BEGIN: Final = "<!-- written by bench_ledger.py --docs -->"
END: Final = "<!-- end -->"


def section(found: Mapping[str, Mapping[str, float | int | None]]) -> str:
    """The table: a column a recording, a row a figure."""
    names = list(next(iter(found.values())))
    lines = [
        "| figure | " + " | ".join(found) + " |",
        "| --- |" + " --- |" * len(found),
    ]
    for name in names:
        cells = [_shown(figures.get(name)) for figures in found.values()]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(
    recordings: Mapping[str, Recording], found: Mapping[str, Mapping[str, float | int | None]]
) -> None:
    """Put table and pictures into the docs. Raises ValueError when the page has lost its marks."""
    page = DOCS / "gpu-ledger.md"
    text = page.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise ValueError(f"{page} has no line {BEGIN!r} followed by {END!r}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    lines = [BEGIN, "", section(found), ""]
    for name, recording in recordings.items():
        stem = name.removesuffix(".jsonl.gz")
        for kind, picture in pictures(recording).items():
            file = f"gpu-ledger-{stem}-{kind}.svg"
            (DOCS / "images" / file).write_text(picture, encoding="utf-8")
            lines.append(f"![{stem}: {kind}](images/{file})")
    page.write_text(before + "\n".join([*lines, "", END]) + after, encoding="utf-8")


def pictures(recording: Recording) -> dict[str, str]:
    """SVG by what it shows; a recording without a kind of load has no picture of it."""
    own = replay(recording, recording.weights or roofline())
    by_time = replay(recording, TIME_SHARE)
    found = {}
    left_out = leave_one_out(recording, own), leave_one_out(recording, by_time)
    if left_out[0].given_j:
        found["leave-one-out"] = scatter("Leave-one-out", "joules saved without it", *left_out)
    alone = isolated(recording, own), isolated(recording, by_time)
    if alone[0].given_j:
        found["isolated"] = scatter("Alone", "joules of the same request alone", *alone)
    if any(one.kind == "mixed" for one in recording.experiments):
        found["power"] = trace(recording)
    return found


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
