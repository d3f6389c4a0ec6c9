"""The ledger's benchmark on readings of a GPU that follows a law exactly, in virtual time."""

import pytest
from tests.benchmarks.ledger.main import LAWS, measure
from tests.benchmarks.ledger.replay import TIME_SHARE, Compared, counter_growth_j, replay
from tests.fixtures.ledger_recording import virtual_recording

LAW = LAWS["light steps"]


def number(found: dict[str, float | int | None], name: str) -> float:
    value = found[name]
    assert value is not None, name
    return float(value)


def test_on_a_gpu_that_follows_the_law_it_beats_the_share_by_time() -> None:
    found = measure(virtual_recording(LAW), is_calibrated=True)
    assert number(found, "conservation_error") < 0.005
    assert number(found, "unattributed_share") < 0.005
    assert number(found, "settled_share") > 0.97
    assert (found["pairs"], found["isolated"]) == (20, 15)
    assert number(found, "spearman_measured") > 0.85
    assert number(found, "spearman_leave_one_out") > 0.85
    assert number(found, "spearman_measured") > number(found, "spearman_time_share") + 0.05
    assert number(found, "leave_one_out_error_median") < number(
        found, "leave_one_out_error_median_time_share"
    )


def test_a_power_that_errs_is_seen_before_anything_is_booked() -> None:
    found = measure(virtual_recording(LAW, power_error=0.94, pairs=2), is_calibrated=True)
    assert number(found, "conservation_error") == pytest.approx(0.06, abs=0.01)
    assert number(found, "unattributed_share") == pytest.approx(0.06, abs=0.002)


def test_by_time_twins_pay_alike_and_long_prompts_too_little() -> None:
    recording = virtual_recording(LAW, pairs=1)
    own, by_time = replay(recording, LAW), replay(recording, TIME_SHARE)
    heaviest = max(recording.requests, key=lambda one: one.input_tokens)
    assert (own.energy_j[heaviest.key] or 0) > (by_time.energy_j[heaviest.key] or 0)
    given_j = sum(value or 0.0 for value in own.energy_j.values())
    accounts = own.accounts
    assert given_j == pytest.approx(accounts.requests_j + accounts.remainder_j)
    assert accounts.counter_j == pytest.approx(counter_growth_j(recording), rel=0.05)


def test_rank_correlation_shares_ranks_among_ties() -> None:
    assert Compared([1.0, 2.0, 3.0], [10.0, 20.0, 30.0]).spearman == pytest.approx(1.0)
    assert Compared([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]).spearman == pytest.approx(-1.0)
    assert Compared([1.0, 2.0, 2.0, 3.0], [1.0, 3.0, 2.0, 4.0]).spearman == pytest.approx(0.9486833)
    assert Compared([1.0, 2.0], [1.0, 2.0]).spearman is None
    assert Compared([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]).spearman is None
    assert Compared([1.0, 4.0], [2.0, 2.0]).error_median == pytest.approx(0.75)
