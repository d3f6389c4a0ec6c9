"""Each planted cause is the one that is named, and every second has one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store.queries.slow_causes import SAID, Cause, SlowFacts, causes, phases

# a request of 2 s on an engine that needs 1 ms a prompt token and 10 ms an output token
_USUAL: dict[str, Any] = {
    "duration_s": 2.0,
    "queue_s": 0.0,
    "prefill_s": 1.0,
    "decode_s": 1.0,
    "prompt_tokens": 1_000,
    "output_tokens": 100,
    "norm_prefill_s_per_token": 0.001,
    "norm_decode_s_per_token": 0.01,
}
_LONG_DECODE = {"duration_s": 5.0, "decode_s": 4.0}


def _first(**changes: Any) -> tuple[Cause, float]:
    part = causes(SlowFacts(**{**_USUAL, **changes}))[0]
    assert part.said == SAID[part.cause]
    return part.cause, part.seconds


@pytest.mark.parametrize(
    ("changes", "cause", "seconds"),
    [
        ({"duration_s": 7.0, "admission_s": 5.0}, "admission_queue", 5.0),
        ({"duration_s": 7.0, "queue_s": 5.0}, "engine_queue", 5.0),
        ({"duration_s": 7.0, "queue_s": 5.0, "kv_cache_ratio": 0.99}, "kv_pressure", 5.0),
        ({"duration_s": 7.0, "queue_s": 5.0, "preemptions": 2.0}, "kv_pressure", 5.0),
        ({"duration_s": 9.0, "prefill_s": 8.0, "prompt_tokens": 8_000}, "own_prompt", 8.0),
        ({"duration_s": 9.0, "decode_s": 8.0, "output_tokens": 800}, "own_answer", 8.0),
        (
            {**_LONG_DECODE, "neighbour_count": 1, "neighbour_prefills": [(1.5, 4.0)]},
            "neighbour_prefill",
            2.5,
        ),
        (
            {
                "duration_s": 5.0,
                "prefill_s": 4.0,
                "neighbour_count": 1,
                "neighbour_prefills": [(-1.0, 2.0), (1.0, 3.0)],
            },
            "neighbour_prefill",
            3.0,
        ),
        ({**_LONG_DECODE, "throttled_ratio": 1.0}, "throttled", 3.0),
        ({**_LONG_DECODE, "preemptions": 1.0, "neighbour_count": 3}, "kv_pressure", 3.0),
        ({**_LONG_DECODE, "neighbour_count": 3}, "busy_batch", 3.0),
        ({**_LONG_DECODE, "longest_gap_s": 2.51, "usual_gap_s": 0.01}, "stalled", 2.5),
        (
            {**_LONG_DECODE, "preemptions": 1.0, "longest_gap_s": 2.8, "usual_gap_s": 0.3},
            "kv_pressure",
            2.5,
        ),
        ({"duration_s": 7.0, "client_wait_s": 6.0}, "slow_client", 5.0),
        (
            {"duration_s": 7.0, "prefill_s": 6.0, "waiting": 2.0, "neighbour_count": 2},
            "engine_queue",
            5.0,
        ),
        (_LONG_DECODE, "unexplained", 3.0),
        ({"duration_s": 9.0}, "unexplained", 7.0),
    ],
)
def test_the_planted_cause_is_named(changes: dict[str, Any], cause: Cause, seconds: float) -> None:
    found, found_s = _first(**changes)
    assert found == cause
    assert found_s == pytest.approx(seconds)


def test_without_norms_the_phases_are_the_requests_own() -> None:
    facts = SlowFacts(duration_s=3.0, prefill_s=2.0, decode_s=1.0, neighbour_count=4)
    assert [(p.cause, p.seconds) for p in causes(facts)] == [
        ("own_prompt", 2.0),
        ("own_answer", 1.0),
    ]


def test_a_stall_is_nobodys_own_work() -> None:
    def shares(facts: SlowFacts) -> list[tuple[Any, Any]]:
        return [(part.cause, part.seconds) for part in causes(facts)]

    stalled = SlowFacts(duration_s=3.0, decode_s=3.0, longest_gap_s=2.1, usual_gap_s=0.1)
    assert shares(stalled) == [
        ("stalled", pytest.approx(2.0)),
        ("own_answer", pytest.approx(1.0)),
    ]
    unread = SlowFacts(
        duration_s=5.0, decode_s=3.0, longest_gap_s=2.1, usual_gap_s=0.1, client_wait_s=2.0
    )
    assert shares(unread) == [
        ("own_answer", pytest.approx(3.0)),
        ("slow_client", pytest.approx(2.0)),
    ]


def test_a_request_of_which_nothing_is_known() -> None:
    [part] = causes(SlowFacts(duration_s=2.0))
    assert (part.cause, part.ratio) == ("unexplained", 1.0)
    assert causes(SlowFacts(duration_s=0.0)) == []


_seconds = st.none() | st.floats(0, 100)
_facts = st.builds(
    SlowFacts,
    duration_s=st.floats(0, 100),
    admission_s=_seconds,
    queue_s=_seconds,
    prefill_s=_seconds,
    decode_s=_seconds,
    prompt_tokens=st.none() | st.integers(0, 100_000),
    output_tokens=st.none() | st.integers(0, 10_000),
    longest_gap_s=_seconds,
    usual_gap_s=_seconds,
    norm_prefill_s_per_token=st.none() | st.floats(0, 0.1),
    norm_decode_s_per_token=st.none() | st.floats(0, 0.1),
    neighbour_count=st.integers(0, 3),
    neighbour_prefills=st.lists(st.tuples(st.floats(-50, 150), st.floats(-50, 150)), max_size=4),
    throttled_ratio=st.none() | st.floats(0, 1),
    kv_cache_ratio=st.none() | st.floats(0, 1),
    preemptions=st.none() | st.floats(0, 9),
    client_wait_s=_seconds,
    waiting=st.none() | st.floats(0, 9),
)


@given(_facts)
def test_every_second_has_one_cause(facts: SlowFacts) -> None:
    cut = phases(facts)
    whole = cut.admission_s + cut.queue_s + cut.prefill_s + cut.decode_s + cut.rest_s
    assert whole == pytest.approx(facts.duration_s)
    parts = causes(facts)
    assert sum(part.seconds for part in parts) == pytest.approx(facts.duration_s, abs=1e-6)
    assert all(part.seconds > 0 for part in parts)
    assert [part.seconds for part in parts] == sorted((p.seconds for p in parts), reverse=True)
