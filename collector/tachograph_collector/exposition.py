"""The collector's own counters as Prometheus text; sums over projects, so that no project shows."""

from collections import Counter
from collections.abc import Iterable, Mapping

from tachograph_collector.service import Collector
from tachograph_store.queries.backlog import Waiting


def exposition(collector: Collector, waiting: Waiting | None) -> str:
    """The text of `/metrics`; `waiting` is None while the store does not say how far judging is."""
    records: Counter[tuple[str, str, str]] = Counter()
    for account, count in collector.books.totals().items():
        records[account.signal, account.outcome, account.reason] += count
    requests = collector.requests.counts
    journal = collector.station.health()
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
            "tachograph_collector_grpc_calls_total",
            "counter",
            "OTLP/gRPC calls by service and status code.",
            (
                ({"service": service, "code": code}, count)
                for (service, code), count in sorted(collector.requests.grpc_counts.items())
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
        *_gauges(
            ("journal_bytes", "Bytes of this process's journal.", journal.bytes),
            ("journal_limit_bytes", "Bytes the journal may hold.", journal.max_bytes),
            ("journal_segments", "Files of this process's journal.", journal.segments),
            (
                "journal_waiting_records",
                "Acknowledged records that are not in the store yet.",
                journal.waiting_records,
            ),
            (
                "journal_oldest_age_seconds",
                "Age of the oldest record that is not in the store.",
                round(journal.oldest_age_s, 3),
            ),
            (
                "journal_drain_blocked",
                "1 while the store does not take what the journal has.",
                int(journal.drain_problem is not None),
            ),
            ("quarantine_bytes", "Bytes of refused rows.", journal.quarantine_bytes),
            ("quarantine_files", "Files of refused rows.", journal.quarantine_files),
            (
                "journals",
                "Journals drained here: its own, and those that dead processes left.",
                journal.journals,
            ),
        ),
        *_family(
            "tachograph_collector_adopted_journals_total",
            "counter",
            "Journals of dead processes that were taken over.",
            [({}, journal.adopted_journals)],
        ),
        *_family(
            "tachograph_collector_clock_jumps_total",
            "counter",
            "Jumps of the wall clock by more than some seconds.",
            [({}, journal.clock_jumps)],
        ),
        *_family(
            "tachograph_collector_journal_broken_records_total",
            "counter",
            "Records found torn (never acknowledged), damaged (quarantined) or missing.",
            [
                ({"kind": "torn"}, journal.torn_records),
                ({"kind": "damaged"}, journal.damaged_records),
                ({"kind": "missing"}, journal.missing_records),
            ],
        ),
        *_family(
            "tachograph_collector_start_time_seconds",
            "gauge",
            "When the process started, seconds since the epoch.",
            [({}, round(collector.started_at, 3))],
        ),
    ]
    if waiting is not None:
        lines += _judging(waiting)
    if collector.process is not None:
        lines = [_with_process(line, collector.process) for line in lines]
    return "\n".join(lines) + "\n"


def _judging(waiting: Waiting) -> Iterable[str]:
    """Of the store, not of this process: each of several collectors says the same."""
    gauges = (
        ("lag_seconds", "Age of the oldest answer that waits to be judged.", waiting.lag_s),
        ("undecided_answers", "Answers that no planner has looked at.", waiting.undecided),
        ("open", "Evaluations sent, being made, or to be tried again.", waiting.open),
        ("parked", "Evaluations given up after repeated failure.", waiting.parked),
        (
            "sampling_factor",
            "Share of what the rules want that is judged where judging is furthest behind.",
            waiting.sampling_factor,
        ),
    )
    for name, meaning, value in gauges:
        yield from _family(f"tachograph_evaluation_{name}", "gauge", meaning, [({}, value)])


def _with_process(line: str, process: int) -> str:
    """The sample with the label `process`: one of several answers, each for itself."""
    if line.startswith("#"):
        return line
    name, _, value = line.rpartition(" ")
    labels = f'process="{process}"'
    return (
        f"{name[:-1]},{labels}}} {value}" if name.endswith("}") else f"{name}{{{labels}}} {value}"
    )


def _gauges(*gauges: tuple[str, str, float]) -> Iterable[str]:
    for name, meaning, value in gauges:
        yield from _family(f"tachograph_collector_{name}", "gauge", meaning, [({}, value)])


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
