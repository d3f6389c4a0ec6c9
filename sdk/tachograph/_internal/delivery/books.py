"""What became of every record that was handed over."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tachograph._internal.delivery.records import SIGNALS, MetricPoint, Signal
from tachograph.semconv import attributes, metrics


@dataclass(frozen=True, slots=True)
class Counts:
    """The books of one `Delivery` since its process started (or was forked).

    For each signal `submitted = delivered + waiting + spooled + sum(dropped)` holds in every
    snapshot. What a process finds in the spool from former ones is delivered, but in their books.
    """

    submitted: Mapping[Signal, int]
    delivered: Mapping[Signal, int]
    waiting: Mapping[Signal, int]
    dropped: Mapping[tuple[Signal, str], int]
    """Lost records by (signal, `DropReason`)."""
    spooled: Mapping[Signal, int] = field(default_factory=dict)
    """Records on disk, to be delivered by this process or a later one; empty without a spool."""

    def dropped_total(self, signal: Signal) -> int:
        """Lost records of one signal, whatever the reason."""
        return sum(count for (of, _), count in self.dropped.items() if of == signal)


def report_points(
    counts: Counts, *, start_time_unix_nano: int, time_unix_nano: int
) -> list[MetricPoint]:
    """The client report: cumulative counters of what was submitted and what was lost.

    The report's own points are not in the books, so that a report never causes the next one.
    """
    points = []
    for signal in SIGNALS:
        if counts.submitted[signal]:
            points.append(
                MetricPoint(
                    name=metrics.CLIENT_SUBMITTED,
                    unit="{record}",
                    kind="counter",
                    value=counts.submitted[signal],
                    start_time_unix_nano=start_time_unix_nano,
                    time_unix_nano=time_unix_nano,
                    attributes={metrics.SIGNAL: signal},
                )
            )
    for (signal, reason), count in counts.dropped.items():
        points.append(
            MetricPoint(
                name=metrics.CLIENT_DROPPED,
                unit="{record}",
                kind="counter",
                value=count,
                start_time_unix_nano=start_time_unix_nano,
                time_unix_nano=time_unix_nano,
                attributes={metrics.SIGNAL: signal, attributes.ERROR_TYPE: reason},
            )
        )
    return points
