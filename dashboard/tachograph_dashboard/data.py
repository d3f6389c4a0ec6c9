"""Cached reads: every question a page asks, each with the project among its arguments.

Answers live for some seconds so that a click does not ask everything again; the cache is bounded
and shared between sessions, which is safe because the project is part of each key.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import streamlit as st

from tachograph_dashboard.service import installed
from tachograph_store.client import Store
from tachograph_store.queries import (
    backfill,
    backlog,
    cost,
    feedback,
    finding,
    gpu,
    incidents,
    ledger,
    neighbours,
    overview,
    quality,
    sessions,
    top,
    traces,
    unit_cost,
)
from tachograph_store.queries import choices as _choices
from tachograph_store.queries import engine_pressure as _engine_pressure
from tachograph_store.queries import gpu_accounts as _gpu_accounts
from tachograph_store.queries import slowness as _slowness

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

TTL_S = 10
MAX_ENTRIES = 64


def _cached(
    question: Callable[Concatenate[Store, Arguments], Answer],
) -> Callable[Arguments, Answer]:
    # The cache tells functions apart by module, qualified name and source: wraps gives all three
    @wraps(question)
    def read(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        return question(installed().store, *args, **kwargs)

    cached = st.cache_data(ttl=TTL_S, max_entries=MAX_ENTRIES, show_spinner=False)(read)
    _clearers.append(cached.clear)
    return cached


_clearers: list[Callable[[], None]] = []

choices = _cached(_choices.choices)
overview_totals = _cached(overview.overview_totals)
overview_series = _cached(overview.overview_series)
overview_unscored = _cached(overview.overview_unscored)
quality_series = _cached(quality.quality_series)
quality_summary = _cached(quality.quality_summary)
quality_distribution = _cached(quality.quality_distribution)
quality_worst = _cached(quality.quality_worst)
quality_errors = _cached(quality.quality_errors)
evaluation_backlog = _cached(backlog.evaluation_backlog)
judged_of_day = _cached(backfill.judged_of_day)
feedback_judged = _cached(feedback.feedback_judged)
feedback_next = _cached(feedback.feedback_next)
cost_by_segment = _cached(cost.cost_by_segment)
cost_series = _cached(cost.cost_series)
unit_costs = _cached(unit_cost.unit_costs)
gpu_devices = _cached(gpu.gpu_devices)
gpu_series = _cached(gpu.gpu_series)
gpu_health = _cached(_gpu_accounts.gpu_health)
gpu_processes = _cached(_gpu_accounts.gpu_processes)
gpu_accounts = _cached(_gpu_accounts.gpu_accounts)
batch_sizes = _cached(_engine_pressure.batch_sizes)
engine_pressure = _cached(_engine_pressure.engine_pressure)
incidents_list = _cached(incidents.incidents_list)
deliveries_list = _cached(incidents.deliveries_list)
rules_seen = _cached(incidents.rules_seen)
list_traces = _cached(traces.list_traces)
find_traces = _cached(finding.find_traces)
list_sessions = _cached(sessions.list_sessions)
top_segments = _cached(top.top_segments)
neighbourhood = _cached(neighbours.neighbourhood)
slowness = _cached(_slowness.slowness)
trace_spans = _cached(traces.trace_spans)
trace_scores = _cached(traces.trace_scores)
ledger_entries = _cached(ledger.ledger_entries)
ledger_balance = _cached(ledger.ledger_balance)


def forget() -> None:
    """Drop every cached answer, for all sessions: after a refresh or a feedback."""
    for clear in _clearers:
        clear()
