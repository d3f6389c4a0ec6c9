"""What was measured, as tables for people and as the last line for programs."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from rich.table import Table
from tests.benchmarks.ingest.measure import Held, Round, Step


@dataclass(slots=True)
class Figures:
    """The last line; None where it was not measured."""

    bench: str = "ingest"
    spans_per_s: float | None = None  # until queryable, median of the rounds
    ratio_phoenix: float | None = None  # of the medians
    ratio_mlflow: float | None = None
    ratio_bare_engine: float | None = None
    one_connection_spans_per_s: float | None = None
    bytes_per_span: float | None = None  # merged, without the search index
    bytes_per_span_search: float | None = None  # what the search index adds
    zstd_ratio: float | None = None  # of the texts alone, at level 3
    p99_ms: float | None = None  # of a request at the sustained rate
    rss_mb: float | None = None  # highest, all processes of store and collector together
    lost: int | None = None  # acknowledged, and not there
    duplicates: int | None = None

    def line(self) -> dict[str, object]:
        """Rounded, in order."""
        return {
            name: round(value, 3 if "ratio" in name else 1) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


@dataclass(slots=True)
class Measured:
    """Everything about one contestant."""

    version: str = ""
    cold_start_s: float | None = None
    disk_bytes_a_span: float | None = None
    rounds: list[Round] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    @property
    def spans_per_s(self) -> float:
        """Median of the rounds."""
        return statistics.median(r.spans_per_s for r in self.rounds)


def rounds_table(measured: Mapping[str, Measured]) -> Table:
    """Medians, with the lowest and highest of the rounds where they say something."""
    table = Table(title="spans a second until they can be asked for; medians (lowest - highest)")
    for heading in (
        "", "spans a round", "spans/s", "server CPU µs/span", "client cores",
        "request p50 ms", "p99 ms", "memory MB", "disk B/span", "cold start s",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if not heading else "right", overflow="fold")
    for name, one in measured.items():
        rounds = one.rounds
        table.add_row(
            f"{name} {one.version}".strip(),
            f"{rounds[0].spans:,}",
            _spread([r.spans_per_s for r in rounds]),
            f"{statistics.median(r.cpu_us_a_span for r in rounds):.0f}",
            f"{statistics.median(r.client_share for r in rounds):.2f}",
            _median(rounds, lambda r: r.outcome.latency_ms(0.5)),
            _median(rounds, lambda r: r.outcome.latency_ms(0.99)),
            f"{max(r.peak_bytes for r in rounds) / 1e6:,.0f}",
            "" if one.disk_bytes_a_span is None else f"{one.disk_bytes_a_span:,.0f}",
            "" if one.cold_start_s is None else f"{one.cold_start_s:.1f}",
        )
    return table


def overload_table(measured: Mapping[str, Measured]) -> Table:
    """What became of each offered span."""
    table = Table(title="offered more than is sustained; counts are spans")
    for heading in (
        "", "offered/s", "for s", "accepted", "refused", "failed", "never sent", "lost", "twice",
        "p50 ms", "p99 ms", "settled after s", "memory MB",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if not heading else "right")
    for name, one in measured.items():
        for held in one.held:
            outcome = held.outcome
            table.add_row(
                f"{name} {held.factor:g}x",
                f"{held.offered_per_s:,.0f}",
                f"{outcome.wall_s:.1f}",
                *(
                    f"{count:,}"
                    for count in (
                        outcome.accepted, outcome.refused, outcome.failed, outcome.unsent,
                        held.lost, held.duplicates,
                    )
                ),
                f"{outcome.latency_ms(0.5):,.0f}",
                f"{outcome.latency_ms(0.99):,.0f}",
                f"{held.drained_s:.1f}",
                f"{held.peak_bytes / 1e6:,.0f}",
            )  # fmt: skip
    return table


def steps_table(steps: Sequence[Step]) -> Table:
    """Memory and rate while many spans go through, merges and rollups included."""
    table = Table(title="many spans, one tenth after another")
    for column in ("spans so far", "highest MB", "collectors MB", "spans/s", "settled after s"):
        table.add_column(column, justify="right")
    for step in steps:
        table.add_row(
            f"{step.spans:,}",
            f"{step.peak_bytes / 1e6:,.0f}",
            f"{step.collector_bytes / 1e6:,.0f}",
            f"{step.spans_per_s:,.0f}",
            f"{step.behind_s:.1f}",
        )
    return table


def _spread(values: Sequence[float]) -> str:
    middle = f"{statistics.median(values):,.0f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.0f} - {max(values):,.0f})"


def _median(rounds: Sequence[Round], of: Callable[[Round], float]) -> str:
    return f"{statistics.median(map(of, rounds)):,.0f}"
