"""Lists of traces, one trace with its spans and scores, spans by their ids."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.cursor import Place, decode, encode, newest_first
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.rows import ScoreRow, SpanRow

MAX_TRACES_PER_PAGE = 500
MAX_SPANS_PER_TRACE = 10_000
_AFTER_EVERY_TRACE_ID = "g"  # above every hex digit


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFilter:
    """Which traces to list: those with at least one span that passes all of these.

    `since` is inclusive, `until` exclusive, both timezone-aware; None filters nothing. `text` is
    an id (of trace, span, request or response), the beginning of user or session, or a part of
    name, status message or error type; content is not searched.
    """

    project: str
    since: datetime
    until: datetime
    model: str | None = None
    tenant: str | None = None
    user: str | None = None
    session: str | None = None
    variant: str | None = None
    status: str | None = None  # UNSET | OK | ERROR
    observer: str | None = None
    counted: bool | None = None
    text: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether few of the spans may pass: one user's or session's, or those of several facts."""
        facts = (self.model, self.tenant, self.variant, self.status, self.observer)
        is_someones = any((self.user, self.session, self.text.strip()))
        return is_someones or sum(fact is not None for fact in facts) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One trace in a list; sums are over its counted spans, None where nothing is known."""

    trace_id: str
    start_time: int  # ns since the epoch
    duration_ns: int  # from the first start to the last end
    name: str  # of the root span, or of the first one
    service_name: str
    span_count: int
    request_count: int  # counted spans
    error_count: int
    models: Sequence[str]
    observers: Sequence[str]
    tenant: str | None
    user: str | None
    session: str | None
    variant: str | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    time_to_first_chunk_s: float | None
    list_cost: Decimal | None
    compute_cost: Decimal | None
    cost_currency: str | None
    gpu_seconds: float | None
    energy_j: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceScores:
    """How many scores a trace has, and the lowest of those with a value."""

    trace_id: str
    score_count: int
    lowest_score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TracePage:
    """Some traces, newest first, with their scores by trace id; a cursor where there are more."""

    traces: Sequence[TraceLine]
    scores: dict[str, TraceScores]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Found:
    trace_id: str
    newest_ns: int


def list_traces(
    store: Store, wanted: TraceFilter, limit: int = 50, cursor: str | None = None
) -> TracePage:
    """One page of traces, newest first; `cursor` is the `next_cursor` of the page before.

    Raises:
        QueryRefused: a cursor that no page gave.
    """
    limit = max(1, min(limit, MAX_TRACES_PER_PAGE))
    after = decode(cursor) if cursor else None
    places = _places(store, wanted, after, limit + 1)
    shown = places[:limit]
    if not shown:
        return TracePage(traces=[], scores={}, next_cursor=None)
    trace_ids = [place.trace_id for place in shown]
    lines, scores = lines_and_scores(
        store, wanted.project, trace_ids, shown[-1].newest_ns, shown[0].newest_ns
    )
    return TracePage(
        traces=lines,
        scores=scores,
        next_cursor=encode(Place(shown[-1].trace_id, shown[-1].newest_ns))
        if len(places) > limit
        else None,
    )


def _places(store: Store, wanted: TraceFilter, after: Place | None, limit: int) -> list[_Found]:
    parameters = {
        "project": wanted.project,
        "models": _one_or_all(wanted.model),
        "tenants": _one_or_all(wanted.tenant),
        "users": _one_or_all(wanted.user),
        "sessions": _one_or_all(wanted.session),
        "variants": _one_or_all(wanted.variant),
        "statuses": _one_or_all(wanted.status),
        "observers": _one_or_all(wanted.observer),
        "counted": [] if wanted.counted is None else [wanted.counted],
        "text": wanted.text.strip(),
        "is_narrow": wanted.is_narrow,
        "limit": limit,
    }
    newest = Place(_AFTER_EVERY_TRACE_ID, nanoseconds(wanted.until) - 1)

    def page(since_ns: int, before: Place, among: Sequence[str] = ()) -> list[_Found]:
        return run(
            store,
            "traces_page",
            _Found,
            **parameters,
            since_ns=since_ns,
            before_ns=before.newest_ns,
            before_trace_id=before.name,
            among=list(among),
        )

    def shown_before(found: Sequence[_Found]) -> set[str]:
        """Those of earlier pages: they have a span that passes at `after` or later."""
        if after is None or not found:
            return set()
        later = page(after.newest_ns, newest, [one.trace_id for one in found])
        last = (after.newest_ns, after.name)
        return {one.trace_id for one in later if (one.newest_ns, one.trace_id) >= last}

    def ask(since_ns: int) -> list[_Found]:
        fresh: dict[str, _Found] = {}
        before = after or newest
        while True:
            found = page(since_ns, before)
            shown = shown_before(found)
            for one in found:
                if one.trace_id not in shown:
                    fresh.setdefault(one.trace_id, one)
            if len(fresh) >= limit or len(found) < limit:
                return list(fresh.values())[:limit]
            before = Place(found[-1].trace_id, found[-1].newest_ns)

    return newest_first(
        ask,
        (after or newest).newest_ns,
        nanoseconds(wanted.since),
        limit,
        is_narrow=wanted.is_narrow,
    )


def lines_and_scores(
    store: Store, project: str, trace_ids: Sequence[str], oldest_ns: int, newest_ns: int
) -> tuple[list[TraceLine], dict[str, TraceScores]]:
    """What a list says of these traces, in their order; asked at once, as neither needs the other.

    A trace that was deleted since its id was found is left out.
    """
    with ThreadPoolExecutor(max_workers=1) as beside:
        asked: Mapping[str, Any] = {
            "project": project,
            "trace_ids": trace_ids,
            "newest_ns": newest_ns,
            "oldest_ns": oldest_ns,
        }
        scored = beside.submit(lambda: run(store, "traces_scores", TraceScores, **asked))
        lines = run(store, "traces_lines", TraceLine, **asked)
        scores = {line.trace_id: line for line in scored.result()}
    by_id = {line.trace_id: line for line in lines}
    return [by_id[trace_id] for trace_id in trace_ids if trace_id in by_id], scores


def trace_spans(store: Store, project: str, trace_id: str) -> list[SpanRow]:
    """All spans of a trace with their content, in order of start, 10,000 at most."""
    return _spans(store, project, [trace_id], [], MAX_SPANS_PER_TRACE)


def trace_scores(store: Store, project: str, trace_id: str) -> list[ScoreRow]:
    """All scores given to the spans of a trace, in order of time, 10,000 at most."""
    return run(store, "trace_scores", ScoreRow, project=project, trace_id=trace_id)


def spans_by_ids(store: Store, project: str, ids: Sequence[tuple[str, str]]) -> list[SpanRow]:
    """The spans with these (trace id, span id), content included; unknown ids are left out."""
    if not ids:
        return []
    spans = sorted({trace_id + span_id for trace_id, span_id in ids})
    return _spans(store, project, sorted({trace_id for trace_id, _ in ids}), spans, len(spans))


def _spans(
    store: Store, project: str, trace_ids: Sequence[str], spans: Sequence[str], limit: int
) -> list[SpanRow]:
    return run(
        store,
        "trace_spans",
        SpanRow,
        project=project,
        trace_ids=trace_ids,
        spans=spans,
        limit=limit,
    )


def start_of(line: TraceLine) -> datetime:
    """When the trace began, to the microsecond."""
    return datetime.fromtimestamp(line.start_time // 1_000 / 1e6, UTC)


def _one_or_all(value: str | None) -> list[str]:
    return [] if value is None else [value]
