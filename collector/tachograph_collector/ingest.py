"""From the bytes of an export request to rows in the store.

A request is answered only after its rows are in ClickHouse. The insert is the one place where a
journal will stand later: `GroupCommit.commit` returns when rows are safe, wherever that is.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph.semconv.values import RejectReason
from tachograph_collector.auth import Principal
from tachograph_collector.books import Books, Fates
from tachograph_collector.group_commit import GroupCommit, write_bisecting
from tachograph_collector.limiter import Lease
from tachograph_collector.otlp.compression import decompress
from tachograph_collector.otlp.decode import Encoding, ExportRequest, decode
from tachograph_collector.pricing import Pricer
from tachograph_collector.scores import find_span_times
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.span_writer import SpanWriter
from tachograph_collector.store_link import StoreLink
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import translate_logs
from tachograph_collector.translate.metrics import translate_metrics
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.resource import UNNAMED_SERVICE
from tachograph_collector.translate.spans import translate_spans
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, LedgerRow, ScoreRow, SpanRow
from tachograph_store.writer import Writer

_TRANSLATION_THREADS = 2
_WRITE_THREADS = 3

Row = TypeVar("Row")
Translated = TypeVar("Translated")


@dataclass(frozen=True, slots=True)
class Body:
    """One request body as it came, and whose it is."""

    principal: Principal
    content: bytes
    content_encoding: str
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class _Prepared(Generic[Translated]):
    translated: Translated
    rejections: Rejections
    size_bytes: int


class Ingest:
    """The pipeline of all three signals. Used from one event loop; heavy work runs in threads."""

    def __init__(self, settings: CollectorSettings, link: StoreLink, books: Books) -> None:
        self.limits = Limits.of(settings, link.settings)
        self._settings = settings
        self._link = link
        self._books = books
        self._pricer = Pricer(settings)
        self._writer = Writer(link.writer)
        self._translators = ThreadPoolExecutor(_TRANSLATION_THREADS, "translate")
        self._writers = ThreadPoolExecutor(_WRITE_THREADS, "store-write")
        self._spans: GroupCommit[SpanRow] = self._group(SpanWriter(self._writer, books).write)
        self._gpu: GroupCommit[GpuReadingRow] = self._group(self._table("gpu_readings"))
        self._engine: GroupCommit[EngineReadingRow] = self._group(self._table("engine_readings"))
        self._scores: GroupCommit[ScoreRow] = self._group(self._table("scores"))
        self._losses: GroupCommit[LedgerRow] = self._group(self._table("ledger"))

    def _group(self, write: Callable[[Sequence[Row]], list[bool]]) -> GroupCommit[Row]:
        settings = self._settings
        return GroupCommit(
            write,
            self._writers,
            max_rows=settings.max_block_rows,
            max_bytes=settings.max_block_bytes,
        )

    def _table(self, table: str) -> Callable[[Sequence[Row]], list[bool]]:
        return lambda rows: write_bisecting(rows, lambda part: self._writer.write(table, part))

    async def traces(self, body: Body, lease: Lease) -> Rejections:
        """Store the spans of a request. Raises `ApiError`, `StoreError`."""
        principal = body.principal

        def translate(
            request: ExportTraceServiceRequest, window: Window, rejections: Rejections
        ) -> list[SpanRow]:
            spans = translate_spans(request, principal.project, window, self.limits, rejections)
            return [self._pricer.price(span.row, span.reported_currency) for span in spans]

        prepared = await self._prepare(body, lease, ExportTraceServiceRequest, translate)
        rows, rejections = prepared.translated, prepared.rejections
        kept = await self._spans.commit(rows, prepared.size_bytes)
        for row, is_kept in zip(rows, kept, strict=True):
            if not is_kept:
                rejections.add(row.service_name or UNNAMED_SERVICE, RejectReason.BAD_VALUE)
        self._enter(principal, "spans", Fates(), rejections)
        return rejections

    async def metrics(self, body: Body, lease: Lease) -> Rejections:
        """Store the data points of a request. Raises `ApiError`, `StoreError`."""
        project = body.principal.project
        prepared = await self._prepare(
            body,
            lease,
            ExportMetricsServiceRequest,
            lambda request, window, rejections: translate_metrics(
                request, project, window, self.limits, rejections
            ),
        )
        metrics, size_bytes = prepared.translated, prepared.size_bytes
        kept = await asyncio.gather(
            self._gpu.commit(metrics.gpu_readings, size_bytes),
            self._engine.commit(metrics.engine_readings, size_bytes),
            self._losses.commit(metrics.losses, size_bytes),
        )
        fates = Fates()
        for source, count in metrics.points.items():
            fates.stored(source, count)
        refused = sum(flags.count(False) for flags in kept)
        if refused:
            prepared.rejections.add(UNNAMED_SERVICE, RejectReason.BAD_VALUE, refused)
        self._enter(body.principal, "metrics", fates, prepared.rejections)
        return prepared.rejections

    async def logs(self, body: Body, lease: Lease) -> Rejections:
        """Store the scores of a request. Raises `ApiError`, `StoreError`."""
        principal = body.principal
        author = principal.key_id or ""
        prepared = await self._prepare(
            body,
            lease,
            ExportLogsServiceRequest,
            lambda request, window, rejections: translate_logs(
                request, principal.project, author, window, self.limits, rejections
            ),
        )
        scores, rejections = prepared.translated, prepared.rejections
        rows = await find_span_times(self._link, principal.project, [s.row for s in scores])
        kept = await self._scores.commit(rows, prepared.size_bytes)
        fates = Fates()
        for score, is_kept in zip(scores, kept, strict=True):
            if is_kept:
                fates.stored(score.source)
            else:
                rejections.add(score.source, RejectReason.BAD_VALUE)
        self._enter(principal, "logs", fates, rejections)
        return rejections

    async def score(self, row: ScoreRow) -> bool:
        """Store one score; False when the engine refuses it. Raises `StoreError`."""
        return (await self._scores.commit([row], len(row.explanation or "")))[0]

    async def write_books(self) -> None:
        """Write the ledger lines that are due. Raises `StoreError`; they are kept then."""
        lines = self._books.lines()
        if lines:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writers, self._writer.write, "ledger", lines)
            self._books.written()

    def close(self) -> None:
        """Wait for running work."""
        self._translators.shutdown(wait=True)
        self._writers.shutdown(wait=True)

    async def _prepare(
        self,
        body: Body,
        lease: Lease,
        request_type: type[ExportRequest],
        translate: Callable[[ExportRequest, Window, Rejections], Translated],
    ) -> _Prepared[Translated]:
        max_bytes = self._settings.max_body_bytes

        def prepare() -> _Prepared[Translated]:
            content = decompress(body.content, body.content_encoding, max_bytes)
            request = decode(content, body.encoding, request_type)
            rejections = Rejections()
            window = Window.around(time.time_ns(), self.limits.retention_days)
            return _Prepared(translate(request, window, rejections), rejections, len(content))

        loop = asyncio.get_running_loop()
        prepared = await loop.run_in_executor(self._translators, prepare)
        lease.grow(max(0, prepared.size_bytes - lease.held_bytes))
        return prepared

    def _enter(
        self, principal: Principal, signal: str, fates: Fates, rejections: Rejections
    ) -> None:
        for (source, reason), count in rejections.counts.items():
            fates.rejected(source, reason, count)
        self._books.enter(principal.project, signal, fates)
