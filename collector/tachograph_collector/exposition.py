"""The collector's own counters as Prometheus text; sums over projects, so that no project shows."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tachograph_collector.service import Collector


def exposition(collector: Collector) -> str:
    """The text of `/metrics`."""
    records: Counter[tuple[str, str, str]] = Counter()
    for account, count in collector.books.totals().items():
        records[account.signal, account.outcome, account.reason] += count
    requests = collector.requests.counts
    lines = [
        *_family(
            "tachograph_collector_records_total",
            "counter",
            "Spans, data points and log records by what became of them.",
            (
                ({"signal": signal, "outcome": outcome, "reason": reason}, count)
                for (signal, outcome, reason), count in sorted(records.items())
            ),
        ),
        *_family(
            "tachograph_collector_requests_total",
            "counter",
            "HTTP requests by route and status.",
            (
                ({"route": route, "status": str(status)}, count)
                for (route, status), count in sorted(requests.items())
            ),
        ),
        *_family(
            "tachograph_collector_in_flight_bytes",
            "gauge",
            "Bytes of request bodies being handled.",
            [({}, collector.limiter.in_flight_bytes)],
        ),
        *_family(
            "tachograph_collector_in_flight_limit_bytes",
            "gauge",
            "Bytes of request bodies that may be handled at once.",
            [({}, collector.limiter.max_bytes)],
        ),
        *_family(
            "tachograph_collector_start_time_seconds",
            "gauge",
            "When the process started, seconds since the epoch.",
            [({}, round(collector.started_at, 3))],
        ),
    ]
    return "\n".join(lines) + "\n"


def _family(
    name: str, kind: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> Iterable[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        text = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        yield f"{name}{{{text}}} {value}" if text else f"{name} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
