"""The tables at the end of the demo."""

from collections import defaultdict
from typing import Any

from rich.console import Console
from rich.table import Table

from tachograph_cli.demo.books import Books
from tachograph_cli.demo.outcome import Outcome


def print_report(console: Console, books: Books, outcome: Outcome) -> None:
    """Requests by tenant and variant, scores normal against degraded, and what happened when."""
    for by in ("tenant", "variant"):
        console.print(_requests(by, books.summary(by)))
    console.print(_scores(books.scores()))
    console.print(_ledger(books.ledger()))
    timeline = Table(title="What happened", show_header=False)
    timeline.add_column(justify="right")
    timeline.add_column(overflow="fold")
    for at_s, message in outcome.timeline:
        timeline.add_row(f"{at_s:.1f} s", message)
    console.print(timeline)
    console.print(
        f"sent {outcome.sent}, recorded {outcome.recorded}, judged {outcome.scored}; "
        f"{books.reported_twice()} requests were reported by both SDK and sidecar and counted once"
    )


def _requests(by: str, segments: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Requests by {by}, each counted once")
    table.add_column(by)
    for name in ("requests", "errors", "tokens in", "tokens out", "p50", "p95", "first chunk p50"):
        table.add_column(name, justify="right")
    table.add_column("list price", justify="right")
    table.add_column("compute price", justify="right")
    for segment in segments:
        currency = ", ".join(segment["currencies"])
        table.add_row(
            segment["segment"] or "–",
            str(segment["requests"]),
            str(segment["errors"]),
            _whole(segment["input_tokens"]),
            _whole(segment["output_tokens"]),
            _seconds(segment["duration"]["p50_s"]),
            _seconds(segment["duration"]["p95_s"]),
            _seconds(segment["first_chunk"]["p50_s"]),
            _money(segment["list_cost"], currency),
            _money(segment["compute_cost"], currency),
        )
    return table


def _ledger(entries: list[dict[str, Any]]) -> Table:
    """A row for each source and signal, a column for each fate that befell a record."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for entry in entries:
        fate = entry["outcome"] + (f" ({entry['reason']})" if entry["reason"] else "")
        line = counts[entry["source"], entry["signal"]]
        line[fate] = line.get(fate, 0) + int(entry["count"])
    fates = sorted({fate for line in counts.values() for fate in line}, key=_order)
    table = Table(title="The books, in records")
    for name in ("source", "signal"):
        table.add_column(name)
    for fate in fates:
        table.add_column(fate, justify="right")
    for (source, signal), line in sorted(counts.items()):
        table.add_row(source, signal, *(_whole(line.get(fate)) for fate in fates))
    return table


def _order(fate: str) -> tuple[int, str]:
    stages = ("submitted", "received", "accepted", "stored")
    return (stages.index(fate) if fate in stages else len(stages), fate)


def _scores(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Mean scores (1 is good)")
    table.add_column("score")
    variants = sorted({str(row["variant"]) for row in rows}, reverse=True)
    for variant in variants:
        table.add_column(variant, justify="right")
    means = {(row["name"], str(row["variant"])): row for row in rows}
    for name in sorted({row["name"] for row in rows}):
        table.add_row(name, *(_mean(means.get((name, variant))) for variant in variants))
    return table


def _mean(row: dict[str, Any] | None) -> str:
    if row is None or row["mean"] is None:
        return "–"
    return f"{float(row['mean']):.3f} ({row['judged']})"


def _whole(value: Any) -> str:
    return "–" if value is None else f"{int(value):,}"


def _seconds(value: Any) -> str:
    return "–" if value is None else f"{float(value):.2f} s"


def _money(value: Any, currency: str) -> str:
    return "–" if value is None else f"{float(value):.6f} {currency}".rstrip()
