"""Why was it slow: one request's time put down to causes, from what else is stored of that time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tachograph.semconv import attributes
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.neighbours import Neighbour, Neighbourhood, neighbourhood
from tachograph_store.queries.slow_causes import Part, Phases, SlowFacts, causes, phases
from tachograph_store.rows import SpanRow

_SECOND_NS: Final = 1_000_000_000
_ENGINE_MARGIN_NS: Final = 10 * _SECOND_NS  # engines are scraped every five seconds
MIN_CALLS: Final = 5
"""Calls below which the engine's usual speed is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowness:
    """Where a request's time went and why; `parts` are largest first and sum to its duration."""

    phases: Phases
    parts: Sequence[Part]
    norm_calls: int  # calls from which the usual speed was taken


@dataclass(frozen=True, slots=True, kw_only=True)
class _Norms:
    calls: int
    prefill_s_per_token: float | None
    decode_s_per_token: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Engine:
    kv_cache_ratio: float | None
    preemptions: float | None
    waiting: float | None


def slowness(store: Store, span: SpanRow) -> Slowness:
    """Explain a model call by its phases, its engine's usual speed, its neighbours and devices."""
    around = neighbourhood(store, span)
    stop_ns = span.start_time + max(span.duration_ns, 1)
    [norms] = run(
        store,
        "slowness_norms",
        _Norms,
        project=span.project,
        service_name=span.service_name,
        instance=span.service_instance_id,
        model=span.response_model or span.request_model or "",
        start_ns=span.start_time,
        stop_ns=stop_ns,
    )
    [engine] = run(
        store,
        "slowness_engine",
        _Engine,
        project=span.project,
        instance=span.service_instance_id,
        since_ns=span.start_time - _ENGINE_MARGIN_NS,
        until_ns=stop_ns + _ENGINE_MARGIN_NS,
    )
    facts = _facts(span, around, norms, engine)
    return Slowness(phases=phases(facts), parts=causes(facts), norm_calls=norms.calls)


def _facts(span: SpanRow, around: Neighbourhood, norms: _Norms, engine: _Engine) -> SlowFacts:
    duration_s = span.duration_ns / _SECOND_NS
    admission_s = _number(span.attributes.get(attributes.PROXY_QUEUE_TIME))
    queue_s = span.queue_s
    if queue_s is None and around.total:
        queue_s = _unsaid_queue_s(span, admission_s or 0.0)
    first_s, queued_s = span.time_to_first_chunk_s, (admission_s or 0.0) + (queue_s or 0.0)
    prefill_s = span.prefill_s
    if prefill_s is None and first_s is not None:
        prefill_s = max(0.0, first_s - queued_s)
    decode_s = span.decode_s
    client_wait_s = _number(span.attributes.get(attributes.PROXY_CLIENT_WAIT_TIME))
    if decode_s is None and first_s is not None:
        decode_s = max(0.0, duration_s - first_s - (client_wait_s or 0.0))
    prompt_tokens = span.input_tokens
    if prompt_tokens is not None:
        prompt_tokens = max(0, prompt_tokens - (span.cache_read_tokens or 0))
    known = sum(device.throttle_known for device in around.devices)
    throttled = sum(device.throttled for device in around.devices)
    is_silent = queue_s is None and span.prefill_s is None
    has_norms = norms.calls >= MIN_CALLS
    prefills = [_prefill(near, span) for near in around.neighbours]
    return SlowFacts(
        duration_s=duration_s,
        admission_s=admission_s,
        queue_s=queue_s,
        prefill_s=prefill_s,
        decode_s=decode_s,
        prompt_tokens=prompt_tokens,
        output_tokens=span.output_tokens,
        client_wait_s=client_wait_s,
        longest_gap_s=span.gap_max_s,
        usual_gap_s=span.gap_p50_s,
        norm_prefill_s_per_token=norms.prefill_s_per_token if has_norms else None,
        norm_decode_s_per_token=norms.decode_s_per_token if has_norms else None,
        neighbour_count=around.total,
        neighbour_prefills=[prefill for prefill in prefills if prefill is not None],
        throttled_ratio=throttled / known if known else None,
        kv_cache_ratio=engine.kv_cache_ratio,
        preemptions=engine.preemptions,
        waiting=engine.waiting if around.total and is_silent else None,
    )


def _unsaid_queue_s(span: SpanRow, admission_s: float) -> float | None:
    """What lay before the work of an engine that tells only of its work (llama.cpp): a wait."""
    if span.prefill_s is None:
        return None
    if span.time_to_first_chunk_s is not None:
        return max(0.0, span.time_to_first_chunk_s - admission_s - span.prefill_s)
    if span.decode_s is not None:
        duration_s = span.duration_ns / _SECOND_NS
        return max(0.0, duration_s - admission_s - span.prefill_s - span.decode_s)
    return None


def _prefill(near: Neighbour, span: SpanRow) -> tuple[float, float] | None:
    """When a neighbour's prompt was computed, seconds after the span began."""
    if near.prefill_s is None or near.prefill_start_time is None:
        return None
    begin_s = (near.prefill_start_time - span.start_time) / _SECOND_NS
    return begin_s, begin_s + near.prefill_s


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
