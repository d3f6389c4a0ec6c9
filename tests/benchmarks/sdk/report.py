"""Tables for people."""

from rich.table import Table
from tests.benchmarks.sdk.callers import BARE, Figures, Phase, ratio
from tests.benchmarks.sdk.faults import HEALTHY, Condition, adjusted, median_us, p_value
from tests.benchmarks.sdk.imports import ImportTime
from tests.benchmarks.sdk.million import Memory


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(columns[0])
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def callers_table(found: dict[str, Figures]) -> Table:
    """Time of the calling thread and of the process."""
    table = _table(
        "A generation of 20 attributes and 2.5 kB of content: added time on the calling thread, µs; "
        "CPU: processor time of the process per delivered span, µs; "
        "on CPU: p99.9 of the processor time that the calling thread used",
        "SDK",
        "p50",
        "/ bare",
        "p99",
        "p99.9",
        "CPU",
        "paced p50",
        "/ bare",
        "p99",
        "p99.9",
        "on CPU",
        "CPU",
    )
    bare = found[BARE]
    for name, figures in found.items():
        cells: list[str] = []
        for phase, reference in (
            (figures.back_to_back, bare.back_to_back),
            (figures.paced, bare.paced),
        ):
            cells += [
                f"{phase.quantile_us(0.5):.1f}",
                f"{ratio(phase.medians_us(), reference.medians_us()):.2f}",
                f"{phase.quantile_us(0.99):,.0f}",
                f"{phase.quantile_us(0.999):,.0f}",
            ]
            if phase is figures.paced:
                cells.append(f"{phase.cpu_quantile_us(0.999):,.0f}")
            cells.append(f"{sum(phase.cpu_us()) / len(phase.rounds):,.0f}")
        table.add_row(name, *cells)
    return table


def losses_table(found: dict[str, Figures]) -> Table:
    """What became of every span."""
    table = _table(
        "Sent, arrived, and what the SDK itself counted as lost (back to back | paced at 400/s)",
        "SDK",
        "sent",
        "arrived",
        "counted lost",
        "sent",
        "arrived",
        "counted lost",
        "share paced",
    )
    for name, figures in found.items():
        table.add_row(
            name,
            *_loss_cells(figures.back_to_back),
            *_loss_cells(figures.paced),
            f"{figures.paced.delivered / figures.paced.sent:.2%}",
        )
    return table


def _loss_cells(phase: Phase) -> list[str]:
    counted = phase.dropped_counted
    return [
        f"{phase.sent:,}",
        f"{phase.delivered:,}",
        "not counted" if counted is None else f"{counted:,}",
    ]


def faults_table(found: dict[str, Condition]) -> Table:
    """The application's own latency by what its collector does."""
    table = _table(
        "Whole request of an application (work, 1 ms of waiting, one generation), median over rounds, "
        "µs; p: Mann-Whitney against healthy, adjusted for all comparisons (Holm)",
        "collector",
        "p50",
        "p",
        "p95",
        "p",
        "sent",
        "delivered",
        "counted lost",
        "balanced",
    )
    healthy = found[HEALTHY]
    asked = [(name, share) for name in found if name != HEALTHY for share in (0.5, 0.95)]
    p_values = [p_value(healthy, found[name], share) for name, share in asked]
    adjusted_p = dict(zip(asked, adjusted(p_values), strict=True))
    for name, condition in found.items():
        table.add_row(
            name,
            f"{median_us(condition, 0.5):,.0f}",
            "" if name == HEALTHY else f"{adjusted_p[name, 0.5]:.2f}",
            f"{median_us(condition, 0.95):,.0f}",
            "" if name == HEALTHY else f"{adjusted_p[name, 0.95]:.2f}",
            f"{condition.total('sent'):,}",
            f"{condition.total('delivered'):,}",
            f"{condition.total('dropped'):,}",
            "yes" if condition.is_balanced else "NO",
        )
    return table


def imports_table(imports: dict[str, ImportTime]) -> Table:
    """Import times."""
    table = _table(
        "Import in a fresh process, ms (median)",
        "SDK",
        "processor",
        "over bare",
        "clock",
        "over bare",
    )
    bare = imports[BARE]
    for name, took in imports.items():
        table.add_row(
            name,
            f"{took.cpu_ms:.0f}",
            f"{took.cpu_ms - bare.cpu_ms:+.0f}",
            f"{took.wall_ms:.0f}",
            f"{took.wall_ms - bare.wall_ms:+.0f}",
        )
    return table


def memory_lines(memory: Memory) -> str:
    """Memory along the calls."""
    return (
        f"{memory.calls:,} calls with the collector down: {memory.rss_mb[0]:.0f} MB after a "
        f"twentieth, {memory.rss_mb[1]:.0f} after two, {memory.rss_mb[-1]:.0f} after all; "
        f"{memory.sent:,} sent = {memory.dropped:,} dropped and counted + {memory.waiting:,} waiting"
    )
