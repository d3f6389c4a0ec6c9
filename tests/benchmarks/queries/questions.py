"""What pages ask, each by the function that the page calls, and what the answer must agree with.

`kind`: `list` (latest 50 and one trace), `rollup` (charts of totals and percentiles), `search`
(words in prompts and answers over a day), `other`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.benchmarks.queries import oracles
from tests.benchmarks.queries.generate import FOREIGN_WORD, LARGE_SESSION, LARGE_TRACE, RARE_WORD
from tests.benchmarks.queries.texts import word

from tachograph_store.client import Store
from tachograph_store.queries.choices import choices
from tachograph_store.queries.cost import cost_by_segment, cost_series
from tachograph_store.queries.counted import Dimension, counted_requests
from tachograph_store.queries.finding import find_traces
from tachograph_store.queries.gpu import gpu_devices, gpu_series
from tachograph_store.queries.incidents import deliveries_list, incidents_list, rules_seen
from tachograph_store.queries.ledger import ledger_entries
from tachograph_store.queries.neighbours import neighbourhood
from tachograph_store.queries.overview import overview_series, overview_totals, overview_unscored
from tachograph_store.queries.quality import (
    quality_distribution,
    quality_errors,
    quality_series,
    quality_summary,
    quality_worst,
)
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.sessions import list_sessions
from tachograph_store.queries.top import top_segments
from tachograph_store.queries.traces import TraceFilter, list_traces, trace_scores, trace_spans

Kind = Literal["list", "rollup", "search", "other"]
PROJECT = "main"
BY_MODEL: Sequence[Dimension] = ("model",)


@dataclass(frozen=True)
class Frame:
    """The store asked, and the ranges that pages offer."""

    store: Store
    until: datetime
    old_trace_id: str  # a trace of three weeks ago

    def last(self, days: float, **filters: str) -> Selection:
        """The project's last days, narrowed."""
        since = self.until - timedelta(days=days)
        return Selection(project=PROJECT, since=since, until=self.until, **filters)

    def traces(self, days: float = 30, **filters: Any) -> TraceFilter:
        """The same for lists of traces."""
        since = self.until - timedelta(days=days)
        return TraceFilter(project=PROJECT, since=since, until=self.until, **filters)


def old_trace_id(store: Store, until: datetime) -> str:
    """A trace that began three weeks before `until`."""
    then = until - timedelta(days=21)
    selection = Selection(project=PROJECT, since=then, until=then + timedelta(days=1))
    return find_traces(store, selection, limit=1).traces[0].trace_id


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` is what a page does; `told` takes from the answer what `oracle` answers another way."""

    page: str
    name: str
    kind: Kind
    ask: Callable[[Frame], Any]
    told: Callable[[Any], Any]
    oracle: Callable[[Frame], Any]


def _ids(answer: Any) -> list[str]:
    return [line.trace_id for line in answer.traces]


def _listed(name: str, **filters: Any) -> Question:
    return Question(
        "Traces",
        name,
        "list",
        lambda frame: list_traces(frame.store, frame.traces(**filters)),
        _ids,
        lambda frame: oracles.latest(frame, filters),
    )


def _searched(name: str, typed: str, *words: str, phrase: str = "") -> Question:
    return Question(
        "Traces",
        name,
        "search",
        lambda frame: find_traces(frame.store, frame.last(1), content=typed, limit=200),
        lambda answer: sorted(_ids(answer)),
        lambda frame: oracles.searched(frame, words, phrase),
    )


def _found(name: str, days: float, **asked: Any) -> Question:
    return Question(
        "Traces",
        name,
        "other",
        lambda frame: find_traces(frame.store, frame.last(days), limit=200, **asked),
        lambda answer: _ids(answer)[:50],
        lambda frame: oracles.found(frame, days, **asked),
    )


def _totals(name: str, days: float, **filters: str) -> Question:
    return Question(
        "Overview",
        name,
        "rollup",
        lambda frame: overview_totals(frame.store, frame.last(days, **filters)),
        lambda one: (one.requests, one.errors, one.input_tokens, one.list_cost, one.duration),
        lambda frame: oracles.totals(frame, days, filters),
    )


def _scores(name: str, days: float, ask: Callable[[Frame], Any], oracle: str) -> Question:
    return Question(
        "Quality",
        name,
        "other",
        ask,
        oracles.SCORE_ESSENCES[oracle],
        lambda frame: oracles.scores(frame, days, oracle),
    )


_COMMON, _MIDDLE, _RARE = word(4, 3), word(7, 1500), word(9, 40_000)

QUESTIONS = [
    _listed("latest 50 of 30 days, no filter"),
    _listed("latest 50 of 30 days, a tenant", tenant="tenant-7"),
    _listed(
        "latest 50 of 30 days, tenant, model, failed",
        tenant="tenant-7",
        model="qwen3-8b",
        status="ERROR",
    ),
    _listed("latest 50 of 30 days, a user", user="user-1234"),
    _listed("latest 50 of a session of 20,000 traces", session=LARGE_SESSION),
    Question(
        "Trace",
        "a trace of 3 weeks ago",
        "list",
        lambda f: trace_spans(f.store, PROJECT, f.old_trace_id),
        lambda spans: sorted(span.span_id for span in spans),
        lambda f: oracles.span_ids(f, f.old_trace_id),
    ),
    Question(
        "Trace",
        "its scores",
        "list",
        lambda f: trace_scores(f.store, PROJECT, f.old_trace_id),
        lambda scores: sorted((score.span_id, score.name) for score in scores),
        lambda f: oracles.scores_of(f, f.old_trace_id),
    ),
    Question(
        "Trace",
        "a trace of 3,000 spans",
        "other",
        lambda f: trace_spans(f.store, PROJECT, LARGE_TRACE),
        lambda answer: sorted(span.span_id for span in answer),
        lambda f: oracles.span_ids(f, LARGE_TRACE),
    ),
    Question(
        "Trace",
        "what ran beside a request",
        "other",
        lambda f: neighbourhood(f.store, trace_spans(f.store, PROJECT, LARGE_TRACE)[5]),
        lambda answer: (answer.total, len(answer.devices)),
        oracles.neighbours,
    ),
    _totals("totals of 24 h", 1),
    _totals("totals of 30 days", 30),
    _totals("totals of 30 days, a tenant", 30, tenant="tenant-7"),
    Question(
        "Overview",
        "percentiles by model and hour over 24 h",
        "rollup",
        lambda f: counted_requests(f.store, f.last(1), BY_MODEL, step_s=3600),
        oracles.by_model_and_hour,
        oracles.percentiles,
    ),
    Question(
        "Overview",
        "course of 24 h",
        "rollup",
        lambda f: overview_series(f.store, f.last(1), 900),
        lambda points: [(p.step, p.requests, p.errors) for p in points],
        lambda f: oracles.series(f, 1, 900),
    ),
    Question(
        "Overview",
        "course of 30 days",
        "rollup",
        lambda f: overview_series(f.store, f.last(30), 43_200),
        lambda points: [(p.step, p.requests, p.errors) for p in points],
        lambda f: oracles.series(f, 30, 43_200),
    ),
    Question(
        "every page",
        "models, tenants, variants of 30 days",
        "rollup",
        lambda f: choices(f.store, f.last(30)),
        lambda answer: (set(answer.models), set(answer.tenants), set(answer.variants)),
        oracles.choices,
    ),
    Question(
        "Overview, Quality",
        "answers not yet scored, 24 h",
        "other",
        lambda f: overview_unscored(f.store, f.last(1)),
        lambda answer: (answer.answers, answer.unscored),
        lambda f: oracles.unscored(f, 1),
    ),
    Question(
        "Overview, Quality",
        "answers not yet scored, 30 days",
        "other",
        lambda f: overview_unscored(f.store, f.last(30)),
        lambda answer: (answer.answers, answer.unscored),
        lambda f: oracles.unscored(f, 30),
    ),
    _scores("summary of 30 days", 30, lambda f: quality_summary(f.store, f.last(30)), "summary"),
    _scores(
        "course of 30 days", 30, lambda f: quality_series(f.store, f.last(30), 43_200), "series"
    ),
    _scores(
        "distribution of 30 days",
        30,
        lambda f: quality_distribution(f.store, f.last(30)),
        "distribution",
    ),
    _scores(
        "worst answers of 30 days",
        30,
        lambda f: quality_worst(f.store, f.last(30), "relevance", 50),
        "worst",
    ),
    _scores("errors of 30 days", 30, lambda f: quality_errors(f.store, f.last(30)), "errors"),
    Question(
        "Cost",
        "by tenant and model, 30 days",
        "rollup",
        lambda f: cost_by_segment(f.store, f.last(30)),
        lambda rows: oracles.cost_lines(rows),
        oracles.cost,
    ),
    Question(
        "Cost",
        "course of 30 days",
        "rollup",
        lambda f: cost_series(f.store, f.last(30), 43_200),
        lambda rows: sum(row.list_cost for row in rows if row.list_cost is not None),
        lambda f: oracles.totals(f, 30, {})[3],
    ),
    Question(
        "GPU",
        "devices, 24 h",
        "other",
        lambda f: gpu_devices(f.store, f.last(1)),
        lambda rows: sorted((row.gpu_id, row.readings) for row in rows),
        oracles.devices,
    ),
    Question(
        "GPU",
        "course of 30 days",
        "other",
        lambda f: gpu_series(f.store, f.last(30), 43_200),
        len,
        lambda f: oracles.device_steps(f, 30, 43_200),
    ),
    Question(
        "Alerts",
        "rules, incidents and deliveries",
        "other",
        lambda f: (
            rules_seen(f.store, PROJECT),
            incidents_list(f.store, f.last(30)),
            deliveries_list(f.store, f.last(30)),
        ),
        lambda answer: [len(part) for part in answer],
        oracles.alerts,
    ),
    Question(
        "Ledger",
        "the books of 30 days",
        "other",
        lambda f: ledger_entries(f.store, PROJECT, f.until - timedelta(days=30), f.until),
        lambda lines: sum(line.total for line in lines),
        oracles.books,
    ),
    _searched("search a rare word over a day", RARE_WORD.upper(), RARE_WORD),
    _searched("search a word of another script", FOREIGN_WORD, FOREIGN_WORD),
    _searched("search a word of one text in 2,000", _RARE, _RARE),
    _searched(
        "search two words",
        f"{_MIDDLE} {_RARE[:3]}* {_RARE}".replace(f"{_RARE[:3]}* ", ""),
        _MIDDLE,
        _RARE,
    ),
    _searched("search a phrase", f'"{RARE_WORD}"', phrase=RARE_WORD),
    _searched("search a part of a word", f"*{RARE_WORD[2:-2]}*", RARE_WORD),
    Question(
        "Traces",
        "search a word that every tenth text has",
        "search",
        lambda f: find_traces(f.store, f.last(1), content=_COMMON, limit=200),
        lambda answer: (len(answer.traces), answer.is_cut),
        lambda f: (200, True),
    ),
    _found("failed requests of 24 h", 1, only="failed"),
    _found("requests with a score below 0.5, 24 h", 1, only="low_score"),
    _found("requests not yet scored, 24 h", 1, only="unscored"),
    _found("requests without a first chunk, 30 days", 30, only="no_first_chunk"),
    _found("slowest requests of 24 h", 1, order="slowest"),
    _found("most expensive requests of 30 days", 30, order="dearest"),
    Question(
        "Traces",
        "users by cost, 30 days",
        "other",
        lambda f: top_segments(f.store, f.last(30), "user", "dearest"),
        lambda rows: [row.list_cost for row in rows],
        lambda f: oracles.top(f, "user"),
    ),
    Question(
        "Traces",
        "sessions by cost, 7 days",
        "other",
        lambda f: top_segments(f.store, f.last(7), "session", "dearest"),
        lambda rows: [row.list_cost for row in rows],
        lambda f: oracles.top(f, "session", 7),
    ),
    Question(
        "Traces",
        "latest 50 sessions of 30 days",
        "list",
        lambda f: list_sessions(f.store, f.last(30)),
        lambda page: [(line.session, line.trace_count) for line in page.sessions],
        oracles.sessions,
    ),
]
