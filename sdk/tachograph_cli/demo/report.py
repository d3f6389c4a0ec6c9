"""The tables at the end of the demo."""

from typing import Any

from rich.console import Console
from rich.table import Table

from tachograph_cli.demo.books import Books
from tachograph_cli.demo.outcome import Outcome


def print_report(console: Console, books: Books, outcome: Outcome) -> None:
    """Requests by tenant and variant, scores normal against degraded, and what happened when."""
    console.print(_requests(books.requests()))
    console.print(_scores(books.scores()))
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


def _requests(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Requests (counted spans, the sidecar's clock)")
    for name in ("tenant", "variant"):
        table.add_column(name)
    for name in ("requests", "errors", "tokens in", "tokens out", "p50", "p95", "first chunk p50"):
        table.add_column(name, justify="right")
    table.add_column("list price", justify="right")
    table.add_column("compute price", justify="right")
    for row in rows:
        table.add_row(
            row["tenant"],
            row["variant"],
            str(row["requests"]),
            str(row["errors"]),
            _whole(row["input_tokens"]),
            _whole(row["output_tokens"]),
            _seconds(row["p50_s"]),
            _seconds(row["p95_s"]),
            _seconds(row["first_chunk_s"]),
            _money(row["list_cost"], row["currency"]),
            _money(row["compute_cost"], row["currency"]),
        )
    return table


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


def _money(value: Any, currency: Any) -> str:
    return "–" if value is None else f"{float(value):.6f} {currency or ''}".rstrip()
