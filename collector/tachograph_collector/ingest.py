"""From the bytes of an export request to rows in the journal.

A request is answered after its record was fsynced; the journal's drain takes the rows to the
store. Whatever the translation refuses is in the same record, as counts.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tachograph.semconv.values import RejectReason
from tachograph_collector.auth import Principal
from tachograph_collector.books import Books
from tachograph_collector.group_commit import GroupCommit
from tachograph_collector.journal.codec import Draft, Packed, Rows, count_of, pack, selected
from tachograph_collector.journal.journal import Journal
from tachograph_collector.limiter import Lease
from tachograph_collector.otlp.compression import decompress
from tachograph_collector.otlp.decode import Encoding, ExportRequest, decoder
from tachograph_collector.pricing import Pricer
from tachograph_collector.redaction import Redaction
from tachograph_collector.retention_days import RetentionDays
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.logs import translate_logs
from tachograph_collector.translate.metrics import translate_metrics
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import span_columns
from tachograph_collector.translate.spans import SpanTranslator
from tachograph_store import native
from tachograph_store.rows import ScoreRow
from tachograph_store.settings import StoreSettings

_TRANSLATION_THREADS = 2

Translated = TypeVar("Translated")


@dataclass(frozen=True, slots=True)
class Body:
    """One request body as it came, and whose it is."""

    principal: Principal
    content: bytes
    content_encoding: str
    encoding: Encoding


class Ingest:
    """The pipeline of all three signals. Used from one event loop; heavy work runs in threads."""

    def __init__(
        self,
        settings: CollectorSettings,
        store_settings: StoreSettings,
        journal: Journal,
        books: Books,
        retention: RetentionDays,
    ) -> None:
        self._retention = retention
        self.limits = Limits.of(settings, store_settings)
        self._settings = settings
        self._journal = journal
        self._books = books
        self._spans = SpanTranslator(self.limits)
        self._pricer = Pricer(settings)
        self._redaction = Redaction(settings)
        self._translators = ThreadPoolExecutor(_TRANSLATION_THREADS, "translate")
        self._appender = ThreadPoolExecutor(1, "journal")
        self._records: GroupCommit[Packed] = GroupCommit(
            journal.append, self._appender, max_bytes=settings.max_block_bytes
        )

    @property
    def is_compiled(self) -> bool:
        """Whether usual spans are translated, and packed for the store, by compiled code."""
        return self._spans.is_compiled and native.is_compiled()

    async def traces(self, body: Body, lease: Lease) -> Rejections:
        """Keep the spans of a request. Raises `ApiError`."""
        project = body.principal.project
        redaction = self._redaction.of(project)

        def translate(
            parse: Callable[[], ExportTraceServiceRequest],
            content: bytes | None,
            window: Window,
            rejections: Rejections,
        ) -> list[Draft]:
            spans = self._spans.translate(parse, content, project, window, rejections)
            if redaction is not None:
                redaction.span_values(spans.rows)
                for index, of_span in spans.scores.items():
                    spans.scores[index] = [redaction.score(score) for score in of_span]
            for index, row in enumerate(spans.rows):
                self._pricer.price_values(row, spans.currencies.get(index))
            drafts = [
                self._draft(project, "spans", {"spans": span_columns(spans.rows)}, spans.sources)
            ]
            if spans.scores:  # in the books they are the log records that they could have been
                scores = [score for of_span in spans.scores.values() for score in of_span]
                owners = [spans.sources[i] for i, of_span in spans.scores.items() for _ in of_span]
                drafts.append(self._draft(project, "logs", {"scores": scores}, owners))
            return drafts

        return await self._keep(body, lease, ExportTraceServiceRequest, translate)

    async def metrics(self, body: Body, lease: Lease) -> Rejections:
        """Keep the data points of a request. Raises `ApiError`."""
        project = body.principal.project

        def translate(
            parse: Callable[[], ExportMetricsServiceRequest],
            content: bytes | None,
            window: Window,
            rejections: Rejections,
        ) -> list[Draft]:
            metrics = translate_metrics(parse(), project, window, self.limits, rejections)
            accepted: Counter[str] = Counter()
            for source, count in metrics.points.items():
                accepted[self._books.source_name(project, source)] += count
            tables: dict[str, Rows] = {
                "gpu_readings": metrics.gpu_readings,
                "engine_readings": metrics.engine_readings,
                "ledger": metrics.losses,
            }
            return [Draft(project, "metrics", accepted, tables=tables)]

        return await self._keep(body, lease, ExportMetricsServiceRequest, translate)

    async def logs(self, body: Body, lease: Lease) -> Rejections:
        """Keep the scores and the messages of a request. Raises `ApiError`."""
        project, author = body.principal.project, body.principal.key_id or ""
        redaction = self._redaction.of(project)

        def translate(
            parse: Callable[[], ExportLogsServiceRequest],
            content: bytes | None,
            window: Window,
            rejections: Rejections,
        ) -> list[Draft]:
            logs = translate_logs(parse(), project, author, window, self.limits, rejections)
            scores = [score.row for score in logs.scores]
            if redaction is not None:
                scores = [redaction.score(row) for row in scores]
            sources = [score.source for score in logs.scores]
            drafts = [self._draft(project, "logs", {"scores": scores}, sources)]
            if logs.events:  # rows of spans: in the books they are spans
                events = [event.row for event in logs.events]
                if redaction is not None:
                    events = [redaction.span(row) for row in events]
                sources = [event.source for event in logs.events]
                drafts.append(self._draft(project, "spans", {"spans": events}, sources))
            return drafts

        return await self._keep(body, lease, ExportLogsServiceRequest, translate)

    async def score(self, row: ScoreRow) -> bool:
        """Keep one score; False when no journal can hold its texts. Raises `ApiError`."""
        if (redaction := self._redaction.of(row.project)) is not None:
            row = redaction.score(row)
        draft = self._draft(row.project, "logs", {"scores": [row]}, [row.source])
        try:
            packed = pack(draft)
        except (TypeError, ValueError):
            return False
        await self._commit(packed)
        return True

    def close(self) -> None:
        """Wait for running work."""
        self._translators.shutdown(wait=True)
        self._appender.shutdown(wait=True)

    def _draft(
        self, project: str, signal: str, tables: dict[str, Rows], sources: Sequence[str]
    ) -> Draft:
        names = {source: self._books.source_name(project, source) for source in set(sources)}
        counted = [names[source] for source in sources]
        return Draft(project, signal, Counter(counted), tables=tables, sources=counted)

    async def _keep(
        self,
        body: Body,
        lease: Lease,
        request_type: type[ExportRequest],
        translate: Callable[
            [Callable[[], ExportRequest], bytes | None, Window, Rejections], list[Draft]
        ],
    ) -> Rejections:
        max_bytes = self._settings.max_body_bytes
        days = await self._retention.of(body.principal.project)

        def prepare() -> tuple[list[Packed], Rejections, int]:
            content = decompress(body.content, body.content_encoding, max_bytes)
            parse = decoder(content, body.encoding, request_type)
            rejections = Rejections()
            window = Window.around(time.time_ns(), days.spans_days)
            protobuf = content if body.encoding is Encoding.PROTOBUF else None
            drafts = translate(parse, protobuf, window, rejections)
            for (source, reason), count in rejections.counts.items():
                source = self._books.source_name(drafts[0].project, source)
                drafts[0].rejected[source, reason] += count
            packed = [_pack(draft, rejections) for draft in drafts]
            return packed, rejections, len(content)

        loop = asyncio.get_running_loop()
        packed, rejections, size_bytes = await loop.run_in_executor(self._translators, prepare)
        lease.grow(max(0, size_bytes - lease.held_bytes))
        for part in packed:
            if part.rows or rejections.total:
                await self._commit(part)
        rows = sum(part.rows for part in packed)
        delay_s = self._journal.pace.delay_s(rows, self._journal.waiting.total())
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        return rejections

    async def _commit(self, packed: Packed) -> None:
        self._journal.admit(packed)
        await self._records.commit(packed, packed.size_bytes)


def _pack(draft: Draft, rejections: Rejections) -> Packed:
    """The draft as bytes, without those rows that have a value which JSON cannot hold."""
    try:
        return pack(draft)
    except (TypeError, ValueError):
        return pack(_without_unpackable(draft, rejections))


def _without_unpackable(draft: Draft, rejections: Rejections) -> Draft:
    clean = Draft(draft.project, draft.signal, +draft.accepted, +draft.rejected)
    sources: list[str] = []
    for table, rows in draft.tables.items():
        kept: list[int] = []
        for index in range(count_of(rows)):
            one = selected(rows, [index])
            try:
                pack(Draft(draft.project, draft.signal, tables={table: one}))
            except (TypeError, ValueError):
                source = draft.sources[index] if draft.sources else next(iter(draft.accepted))
                clean.accepted[source] -= 1
                clean.rejected[source, RejectReason.BAD_VALUE] += 1
                rejections.add(source, RejectReason.BAD_VALUE)
            else:
                kept.append(index)
                sources.extend(draft.sources[index : index + 1])
        clean.tables[table] = selected(rows, kept)
    clean.accepted = +clean.accepted
    clean.sources = sources
    return clean
