"""The gate before the engines, on a clock of the test's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.proxy.admission import (
    PRIORITIES,
    Admission,
    AdmissionRules,
    Priority,
    Refusal,
    TenantRule,
)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Applicant:
    """A request, and what became of it."""

    waited_s: float | None = None
    refusal: Refusal | None = None
    order: list["Applicant"] = field(default_factory=list)

    def admitted(self, waited_s: float) -> None:
        assert self.waited_s is None and self.refusal is None
        self.waited_s = waited_s
        self.order.append(self)

    def refused(self, refusal: Refusal) -> None:
        assert self.waited_s is None and self.refusal is None
        self.refusal = refusal


def _enter(gate: Admission, tenant: str | None = None, priority: Priority = "medium") -> Applicant:
    applicant = Applicant()
    gate.enter(applicant, tenant, priority)
    return applicant


def test_without_rules_nobody_waits() -> None:
    gate = Admission(AdmissionRules())
    assert [_enter(gate).waited_s for _ in range(1000)] == [0.0] * 1000


def test_requests_a_minute_are_refused_with_the_time_until_the_next() -> None:
    clock = Clock()
    rules = AdmissionRules(tenants={"acme": TenantRule(requests_per_minute=6)})
    gate = Admission(rules, clock)
    assert all(_enter(gate, "acme").waited_s == 0.0 for _ in range(6))
    refusal = _enter(gate, "acme").refusal
    assert refusal is not None and refusal.status == 429
    assert refusal.retry_after_s == pytest.approx(10.0)
    assert _enter(gate, "other").waited_s == 0.0
    clock.now += 10.0
    assert _enter(gate, "acme").waited_s == 0.0
    assert _enter(gate, "acme").refusal is not None
    assert gate.refused == {"rate_limit_exceeded": 2}


def test_tokens_are_charged_afterwards_and_may_overdraw() -> None:
    clock = Clock()
    gate = Admission(AdmissionRules(other=TenantRule(tokens_per_minute=600)), clock)
    assert _enter(gate).waited_s == 0.0
    gate.charge(None, 1200)
    refusal = _enter(gate).refusal
    assert refusal is not None and "tokens" in refusal.message
    assert refusal.retry_after_s == pytest.approx(60.1)
    clock.now += 61.0
    assert _enter(gate).waited_s == 0.0


def test_tenants_that_are_not_named_have_a_bucket_each() -> None:
    gate = Admission(AdmissionRules(other=TenantRule(requests_per_minute=1)), Clock())
    assert _enter(gate, "a").waited_s == 0.0
    assert _enter(gate, "b").waited_s == 0.0
    assert _enter(gate, "a").refusal is not None


def test_a_request_asks_for_its_tenants_class_or_a_lower_one() -> None:
    gate = Admission(AdmissionRules(tenants={"batch": TenantRule(priority="low")}))
    assert gate.priority("batch", "high") == "low"
    assert gate.priority("batch", None) == "low"
    assert gate.priority("someone", "low") == "low"
    assert gate.priority("someone", "nonsense") == "medium"


def test_classes_go_first_and_within_one_the_first_come() -> None:
    clock = Clock()
    gate = Admission(AdmissionRules(max_in_flight=1), clock)
    _enter(gate)
    order: list[Applicant] = []
    names: Sequence[Priority] = ("low", "medium", "high", "medium", "high")
    waiting = [(name, Applicant(order=order)) for name in names]
    for name, applicant in waiting:
        gate.enter(applicant, None, name)
        clock.now += 0.01
    assert gate.waiting == {"high": 2, "medium": 2, "low": 1}
    for _ in waiting:
        gate.leave()
    expected = [a for wanted in PRIORITIES for name, a in waiting if name == wanted]
    assert order == expected
    assert all(a.waited_s is not None and a.waited_s > 0 for _, a in waiting)


def test_long_waiting_outweighs_a_class() -> None:
    clock = Clock()
    gate = Admission(AdmissionRules(max_in_flight=1, promote_after_s=10), clock)
    _enter(gate)
    low = _enter(gate, None, "low")
    clock.now += 25.0  # more than the two classes between
    high = _enter(gate, None, "high")
    gate.leave()
    assert low.waited_s == pytest.approx(25.0) and high.waited_s is None


def test_the_queue_is_bounded_in_length_and_time() -> None:
    clock = Clock()
    gate = Admission(AdmissionRules(max_in_flight=1, max_waiting=2, max_wait_s=5), clock)
    _enter(gate)
    first = _enter(gate)
    clock.now += 3.0
    second, third = _enter(gate), _enter(gate)
    assert third.refusal is not None and third.refusal.code == "queue_full"
    clock.now += 3.0
    gate.sweep()
    assert first.refusal is not None and first.refusal.code == "queue_timeout"
    assert (first.refusal.status, second.refusal) == (503, None)


def test_who_goes_away_leaves_the_queue() -> None:
    gate = Admission(AdmissionRules(max_in_flight=1))
    _enter(gate)
    gone, stays = _enter(gate), _enter(gate)
    assert gate.forget(gone) and not gate.forget(gone)
    gate.leave()
    assert gone.waited_s is None and stays.waited_s is not None


def test_other_rules_let_those_who_wait_go() -> None:
    gate = Admission(AdmissionRules(max_in_flight=1))
    _enter(gate)
    waiting = [_enter(gate) for _ in range(3)]
    gate.replace(AdmissionRules(max_in_flight=3))
    assert [a.waited_s is not None for a in waiting] == [True, True, False]


_steps = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "wait", "forget"]), st.sampled_from(PRIORITIES)),
    max_size=60,
)


@given(_steps, st.integers(1, 3), st.integers(1, 4))
def test_never_more_than_the_bound_and_nobody_is_lost(
    steps: list[tuple[str, Priority]], bound: int, max_waiting: int
) -> None:
    clock = Clock()
    rules = AdmissionRules(max_in_flight=bound, max_waiting=max_waiting, max_wait_s=20)
    gate = Admission(rules, clock)
    entered: list[Applicant] = []
    left = forgotten = 0
    for what, priority in steps:
        if what == "enter":
            entered.append(_enter(gate, None, priority))
        elif what == "leave" and gate.in_flight:
            gate.leave()
            left += 1
        elif what == "wait":
            clock.now += 7.0
            gate.sweep()
        elif what == "forget" and entered:
            forgotten += gate.forget(entered[-1])
        admitted = sum(a.waited_s is not None for a in entered)
        refused = sum(a.refusal is not None for a in entered)
        waiting = sum(gate.waiting.values())
        assert gate.in_flight == admitted - left <= bound
        assert waiting <= max_waiting
        assert admitted + refused + waiting + forgotten == len(entered)
        assert waiting == 0 or gate.in_flight == bound
