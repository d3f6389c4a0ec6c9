"""The shares of all requests sum to what was shared out."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.attribution import NS, POWER_IS_STALE_NS, EqualShare, Share

_steps = st.lists(
    st.tuples(
        st.integers(0, NS),  # time since the last step
        st.sampled_from(["begin", "end", "power"]),
        st.floats(0, 1000),
    ),
    max_size=60,
)


@given(_steps)
def test_shares_sum_to_busy_time_and_to_the_energy_of_it(
    steps: list[tuple[int, str, float]],
) -> None:
    rule = EqualShare()
    rule.power(0, 100.0, 2)
    now, watts, busy_ns, energy_j = 0, 100.0, 0, 0.0
    running: list[int] = []
    shares: list[Share | None] = []
    for number, (elapsed, action, value) in enumerate(steps):
        now += elapsed
        # a fresh reading at every step: readings grow stale only in the test after this one
        if running:
            busy_ns += elapsed
            energy_j += watts * elapsed / NS
        if action == "begin":
            rule.begin(number, now)
            running.append(number)
        elif action == "end" and running:
            shares.append(rule.end(running.pop(0), now))
        watts = value if action == "power" else watts
        rule.power(now, watts, 2)
    shares += [rule.end(key, now) for key in running]
    assert math.isclose(sum(s.engine_s for s in shares if s), busy_ns / NS, abs_tol=1e-6)
    assert math.isclose(rule.busy_s, busy_ns / NS, abs_tol=1e-6)
    assert math.isclose(
        sum(s.energy_j or 0.0 for s in shares if s), energy_j, rel_tol=1e-6, abs_tol=1e-6
    )
    assert all(s is not None and s.gpu_s == s.engine_s * 2 for s in shares)
    assert rule.in_flight == 0


def test_two_at_once_halve_the_time_they_share() -> None:
    rule = EqualShare()
    rule.begin("a", 0)
    rule.begin("b", 2 * NS)
    first = rule.end("a", 4 * NS)
    second = rule.end("b", 5 * NS)
    assert first == Share(3.0, None, None, "equal_share")
    assert second == Share(2.0, None, None, "equal_share")


def test_energy_is_unknown_where_power_was_not_read_all_the_time() -> None:
    rule = EqualShare()
    rule.power(0, 50.0, 1)
    rule.begin("measured", 0)
    share = rule.end("measured", NS)
    assert share is not None and share.energy_j == pytest.approx(50.0)
    rule.begin("stale", NS)
    share = rule.end("stale", NS + POWER_IS_STALE_NS)
    assert share is not None and share.energy_j is None and share.gpu_s == pytest.approx(2.0)
    rule.power(4 * NS, None, 0)
    rule.begin("lost", 4 * NS)
    share = rule.end("lost", 5 * NS)
    assert share is not None and share.energy_j is None and share.gpu_s is None


def test_an_unknown_key_has_no_share() -> None:
    assert EqualShare().end("never began", 1) is None
