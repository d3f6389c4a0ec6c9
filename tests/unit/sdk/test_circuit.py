"""Pauses between attempts, and the slices of the delivery thread."""

import time

from tachograph._internal.delivery.circuit import Circuit
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph._internal.delivery.pace import Pace

OPTIONS = DeliveryOptions(
    backoff_initial_s=100.0, backoff_max_s=800.0, circuit_failures=6, circuit_pause_s=10_000.0
)


def pause_s(circuit: Circuit) -> float:
    return circuit.until - time.monotonic()


def test_pauses_double_up_to_a_bound_and_then_the_circuit_opens() -> None:
    circuit = Circuit(OPTIONS)
    assert not circuit.is_failing
    for ceiling in (100.0, 200.0, 400.0, 800.0, 800.0):
        circuit.fail(None)
        assert ceiling / 2 - 40 < pause_s(circuit) <= ceiling
        assert not circuit.is_open
    circuit.fail(None)
    assert circuit.is_open
    assert 4_900 < pause_s(circuit) <= 10_000
    circuit.succeed()
    assert not circuit.is_open and not circuit.is_failing
    assert pause_s(circuit) <= 0


def test_what_the_collector_says_is_kept_to() -> None:
    circuit = Circuit(OPTIONS)
    circuit.fail(200.0)
    assert circuit.is_told_to_wait
    assert 150 < pause_s(circuit) <= 200 + OPTIONS.backoff_initial_s
    circuit.fail(10**9)
    assert pause_s(circuit) <= OPTIONS.retry_after_max_s + OPTIONS.backoff_initial_s
    circuit.fail(None)
    assert not circuit.is_told_to_wait


def test_a_slice_ends_soon_unless_the_queue_runs_full() -> None:
    pace = Pace(max_records=400)
    pace.begin(waiting=10)
    deadline = time.monotonic() + 60
    while not pace.is_over:
        assert time.monotonic() < deadline
    pace.begin(waiting=100)
    time.sleep(0.002)
    assert not pace.is_over
    assert pace.pause_s(taken=10, waiting=100) == 0.0
    assert pace.pause_s(taken=10, waiting=5) > 0.0


def test_looks_come_more_often_the_more_they_find() -> None:
    pace = Pace(max_records=400)
    for _ in range(20):
        slow = pace.pause_s(taken=0, waiting=0)
    for _ in range(20):
        fast = pace.pause_s(taken=100, waiting=0)
    assert 0 < fast < slow <= 0.1
