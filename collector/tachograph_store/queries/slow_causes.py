"""Why a request was slow: its phases, each second of them put down to one cause.

A phase longer than the request's own work would take on an undisturbed engine has an excess, which
is put down to what happened meanwhile: first to prompts of neighbours that were computed in it (they
hold up the whole batch), then to the share of it in which clocks were held down, then to the KV
cache, and what is left to the company in the batch, or to nothing that is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Cause = Literal[
    "admission_queue",
    "engine_queue",
    "kv_pressure",
    "own_prompt",
    "own_answer",
    "neighbour_prefill",
    "throttled",
    "busy_batch",
    "stalled",
    "slow_client",
    "unexplained",
]

SAID: Final[dict[Cause, str]] = {
    "admission_queue": "it waited to be let in by the sidecar's limits",
    "engine_queue": "it waited in the engine's queue",
    "kv_pressure": "the engine's KV cache was full",
    "own_prompt": "its own prompt was computed",
    "own_answer": "its own answer was made",
    "neighbour_prefill": "prompts of other requests were computed meanwhile",
    "throttled": "the GPU's clocks were held down",
    "busy_batch": "it shared the engine with other requests",
    "stalled": "the stream stood still, and nothing known happened meanwhile",
    "slow_client": "its client read the answer slowly",
    "unexplained": "nothing that is known explains it",
}
FULL_CACHE_RATIO: Final = 0.95
_STALL_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowFacts:
    """What is known of one request and of the time around it; None is unknown.

    Times are seconds; `neighbour_prefills` are (from, to) after the request's arrival.
    """

    duration_s: float
    admission_s: float | None = None
    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    prompt_tokens: int | None = None  # without cached ones
    output_tokens: int | None = None
    client_wait_s: float | None = None  # for which the engine was not read; no part of `decode_s`
    longest_gap_s: float | None = None
    usual_gap_s: float | None = None
    norm_prefill_s_per_token: float | None = None
    norm_decode_s_per_token: float | None = None
    neighbour_count: int = 0
    neighbour_prefills: Sequence[tuple[float, float]] = ()
    throttled_ratio: float | None = None  # of the GPU readings in the request's time
    kv_cache_ratio: float | None = None
    preemptions: float | None = None
    waiting: float | None = None  # in the queue of an engine that tells nothing of one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """The request's time, cut: `admission + queue + prefill + decode + rest = duration`."""

    admission_s: float
    queue_s: float
    prefill_s: float
    decode_s: float
    rest_s: float  # of no known phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Seconds of a request that have one cause."""

    cause: Cause
    seconds: float
    ratio: float  # of the request's duration
    said: str


def phases(facts: SlowFacts) -> Phases:
    """Cut the duration into phases, none longer than what is left."""
    left = max(0.0, facts.duration_s)
    cut: list[float] = []
    for wanted in (facts.admission_s, facts.queue_s, facts.prefill_s, facts.decode_s):
        taken = min(left, max(0.0, wanted or 0.0))
        cut.append(taken)
        left -= taken
    admission_s, queue_s, prefill_s, decode_s = cut
    return Phases(
        admission_s=admission_s,
        queue_s=queue_s,
        prefill_s=prefill_s,
        decode_s=decode_s,
        rest_s=left,
    )


def causes(facts: SlowFacts) -> list[Part]:
    """Every cause with its seconds, the largest first; the seconds sum to the duration."""
    seconds: dict[Cause, float] = {}

    def add(cause: Cause, amount: float) -> None:
        if amount > 1e-9:
            seconds[cause] = seconds.get(cause, 0.0) + amount

    cut = phases(facts)
    add("admission_queue", cut.admission_s)
    add("kv_pressure" if _lacks_cache(facts) else "engine_queue", cut.queue_s)
    began_s = cut.admission_s + cut.queue_s
    own_s = _own(cut.prefill_s, facts.prompt_tokens, facts.norm_prefill_s_per_token)
    add("own_prompt", own_s)
    for cause, amount in _excess(facts, cut.prefill_s - own_s, began_s, cut.prefill_s):
        add(cause, amount)
    own_s = _own(cut.decode_s, facts.output_tokens, facts.norm_decode_s_per_token)
    own_s = min(own_s, max(0.0, cut.decode_s - _stall_s(facts)))  # no work was done meanwhile
    add("own_answer", own_s)
    began_s += cut.prefill_s
    for cause, amount in _excess(facts, cut.decode_s - own_s, began_s, cut.decode_s, gaps=True):
        add(cause, amount)
    unread_s = min(facts.client_wait_s or 0.0, cut.rest_s)
    add("slow_client", unread_s)
    add("unexplained", cut.rest_s - unread_s)
    whole_s = facts.duration_s or 1.0
    return [
        Part(cause=cause, seconds=amount, ratio=amount / whole_s, said=SAID[cause])
        for cause, amount in sorted(seconds.items(), key=lambda item: -item[1])
    ]


def _own(phase_s: float, token_count: int | None, norm_s_per_token: float | None) -> float:
    """What the request's own work takes; all of the phase where no norm is known."""
    if norm_s_per_token is None or token_count is None:
        return phase_s
    return min(phase_s, token_count * norm_s_per_token)


def _excess(
    facts: SlowFacts, excess_s: float, began_s: float, phase_s: float, *, gaps: bool = False
) -> Iterable[tuple[Cause, float]]:
    if not gaps and facts.waiting:
        yield "engine_queue", excess_s
        return
    held_up_s = min(excess_s, _covered_s(facts.neighbour_prefills, began_s, began_s + phase_s))
    yield "neighbour_prefill", held_up_s
    left_s = excess_s - held_up_s
    throttled_s = left_s * (facts.throttled_ratio or 0.0)
    yield "throttled", throttled_s
    left_s -= throttled_s
    stall_s = min(left_s, _stall_s(facts))
    if gaps and facts.preemptions:  # who is put back gets nothing until there is room again
        kept_waiting_s = left_s if facts.longest_gap_s is None else stall_s
        yield "kv_pressure", kept_waiting_s
        left_s -= kept_waiting_s
    elif gaps and not facts.neighbour_count and stall_s >= _STALL_SHARE * left_s:
        yield "stalled", stall_s
        left_s -= stall_s
    yield "busy_batch" if facts.neighbour_count else "unexplained", left_s


def _lacks_cache(facts: SlowFacts) -> bool:
    return bool(facts.preemptions) or (facts.kv_cache_ratio or 0.0) >= FULL_CACHE_RATIO


def _stall_s(facts: SlowFacts) -> float:
    """The longest time without an output, beyond the usual and beyond what the client kept waiting."""
    usual_s = (facts.usual_gap_s or 0.0) + (facts.client_wait_s or 0.0)
    return max(0.0, (facts.longest_gap_s or 0.0) - usual_s)


def _covered_s(spans: Sequence[tuple[float, float]], start_s: float, stop_s: float) -> float:
    """How much of [start, stop) the spans cover together."""
    covered, reached = 0.0, start_s
    for begin_s, end_s in sorted(spans):
        begin_s, end_s = max(begin_s, reached), min(end_s, stop_s)
        if end_s > begin_s:
            covered += end_s - begin_s
            reached = end_s
    return covered
