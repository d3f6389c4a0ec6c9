"""From the bytes of an export request to rows in the store.

A request is answered only after its rows are in ClickHouse. The insert is the one place where a
journal will stand later: `GroupCommit.commit` returns when rows are safe, wherever that is.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph.semconv.values import RejectReason
from tachograph_collector.auth import Principal
from tachograph_collector.books import Books, Fates
from tachograph_collector.group_commit import GroupCommit
from tachograph_collector.otlp.compression import decompress
from tachograph_collector.otlp.decode import Encoding, ExportRequest, decode
from tachograph_collector.pricing import Pricer
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.store_link import StoreLink
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import TranslatedScore, translate_logs
from tachograph_collector.translate.metrics import TranslatedMetrics, translate_metrics
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.spans import translate_spans
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, ScoreRow, SpanRow
