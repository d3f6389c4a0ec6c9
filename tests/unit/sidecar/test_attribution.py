"""The shares of all requests sum to what was shared out."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.attribution import NS, EqualShare, Share

_steps = st.lists(
    st.tuples(st.integers(0, NS), st.sampled_from(["begin", "end", "wait"])), max_size=60
)


@given(_steps)
def test_shares_sum_to_busy_time(steps: list[tuple[int, str]]) -> None:
    rule = EqualShare()
    now, busy_ns = 0, 0
    running: list[int] = []
    shares: list[Share | None] = []
    for number, (elapsed, action) in enumerate(steps):
        now += elapsed
        if running:
            busy_ns += elapsed
        if action == "begin":
            rule.begin(number, now)
            running.append(number)
        elif action == "end" and running:
            shares.append(rule.end(running.pop(0), now))
    shares += [rule.end(key, now) for key in running]
    assert all(share is not None for share in shares)
    assert math.isclose(sum(s.engine_s for s in shares if s), busy_ns / NS, abs_tol=1e-6)
    assert math.isclose(rule.busy_s, busy_ns / NS, abs_tol=1e-6)
    assert rule.in_flight == 0


def test_two_at_once_halve_the_time_they_share() -> None:
    rule = EqualShare()
    rule.begin("a", 0)
    rule.begin("b", 2 * NS)
    assert rule.end("a", 4 * NS) == Share(3.0)
    assert rule.end("b", 5 * NS) == Share(2.0)


def test_an_unknown_key_has_no_share() -> None:
    assert EqualShare().end("never began", 1) is None
