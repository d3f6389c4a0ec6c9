"""Bodies that the real instrumentation packages exported give the columns that they must.

They were recorded by `make conformance ARGS=--record`, which runs the packages themselves.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.conformance.expected import COLUMNS, PACKAGES, compare, expectations, load

from tachograph_collector.pricing import Pricer
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import translate_logs
from tachograph_collector.translate.metrics import translate_metrics
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import translate_spans

FIXTURES = Path(__file__).parents[2] / "fixtures" / "otlp"
WHENEVER = Window(1, 2**62)


def _bodies(package: str, signal: str) -> Iterator[bytes]:
    for path in sorted((FIXTURES / package).glob(f"*-{signal}.pb")):
        yield path.read_bytes()


@pytest.fixture
def roomy(limits: Limits) -> Limits:
    return replace(limits, max_attributes=256, max_content_bytes=1 << 20, max_events=128)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_typed_column_of_every_span(package: str, roomy: Limits) -> None:
    pricer = Pricer(CollectorSettings())
    rejections = Rejections()
    rows = []
    for body in _bodies(package, "traces"):
        request = ExportTraceServiceRequest.FromString(body)
        for span in translate_spans(request, "p", WHENEVER, roomy, rejections):
            row = asdict(pricer.price(span.row, span.reported_currency))
            rows.append((row["start_time"], {name: row[name] for name in COLUMNS}))
    for body in _bodies(package, "logs"):
        logs = ExportLogsServiceRequest.FromString(body)
        for event in translate_logs(logs, "p", "", WHENEVER, roomy, Rejections()).events:
            row = asdict(event.row)
            rows.append((row["start_time"], {name: row[name] for name in COLUMNS}))
    rows.sort(key=lambda pair: pair[0])
    assert not rejections.total
    mismatches = compare(expectations(package), [row for _, row in rows])
    assert not mismatches, "\n".join(map(str, mismatches))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_other_record_is_kept_or_refused_with_a_reason(package: str, roomy: Limits) -> None:
    names: set[str] = set()
    refused: set[str] = set()
    for body in _bodies(package, "metrics"):
        rejections = Rejections()
        translated = translate_metrics(
            ExportMetricsServiceRequest.FromString(body), "p", WHENEVER, roomy, rejections
        )
        names |= {
            re.sub("_(sum|count|min|max|bucket)$", "", row.name)
            for row in translated.engine_readings
        }
        refused |= {f"metrics: {reason}" for _, reason in rejections.counts}
    for body in _bodies(package, "logs"):
        rejections = Rejections()
        request = ExportLogsServiceRequest.FromString(body)
        translate_logs(request, "p", "", WHENEVER, roomy, rejections)
        refused |= {f"logs: {reason}" for _, reason in rejections.counts}
    written = load(package)
    assert sorted(names) == written["metrics"]
    assert sorted(refused) == written["refused"]


def test_every_package_has_bodies() -> None:
    assert [path.name for path in sorted(FIXTURES.iterdir())] == list(PACKAGES)
