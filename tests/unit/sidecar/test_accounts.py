"""The accounts are measurements: a meter that errs and processes that stand beside are seen in them."""

from dataclasses import dataclass, field

import pytest

from tachograph_sidecar.ledger.feed import account_points
from tachograph_sidecar.ledger.settlement import GpuLedger
from tachograph_sidecar.ledger.weights import EnergyWeights
from tachograph_sidecar.ledger.work import EnergyShare

MS = 1_000_000
IDLE_W = 100.0


@dataclass
class Machine:
    """A GPU whose power reads `error` times what its counter grows by; others run beside the engine."""

    ledger: GpuLedger = field(default_factory=GpuLedger)
    error: float = 1.0
    others: float | None = None
    now_ns: int = 0
    drawn_j: float = 0.0
    shares: list[EnergyShare] = field(default_factory=list)

    def run(self, duration_s: float, watts: float) -> None:
        for _ in range(round(duration_s * 10)):
            self.now_ns += 100 * MS
            self.drawn_j += watts * 0.1
            self.ledger.meter.power(0, self.now_ns, watts * self.error)
            if self.now_ns % (500 * MS) == 0:
                self.ledger.meter.counter(0, self.now_ns, self.drawn_j)
            if self.now_ns % (1_000 * MS) == 0:
                self.ledger.others.add(self.now_ns, self.others)
            self.ledger.settle(self.now_ns)

    def request(self, duration_s: float, watts: float) -> EnergyShare:
        """One alone, with an event every tenth of a second; then the machine is quiet again."""
        self.ledger.begin("one", self.now_ns, 4_000)
        for _ in range(round(duration_s * 10)):
            self.run(0.1, watts)
            self.ledger.output("one", self.now_ns)
        self.ledger.end(
            "one",
            self.now_ns,
            prompt_bytes=4_000,
            input_tokens=1_000,
            cached_tokens=None,
            output_tokens=30,
            on_share=self.shares.append,
        )
        self.others = None if self.others is None else 0.0
        self.run(5, IDLE_W)
        return self.shares[-1]


@pytest.mark.parametrize("error", [0.95, 1.0, 1.04])
def test_what_the_power_misses_of_the_counter_is_unattributed(error: float) -> None:
    machine = Machine(error=error)
    machine.run(5, IDLE_W)
    share = machine.request(4, 500.0)
    accounts = machine.ledger.accounts
    assert accounts.unattributed_j == pytest.approx((1 - error) * accounts.counter_j, abs=4.0)
    assert accounts.unattributed_share == pytest.approx(abs(1 - error), abs=2e-3)
    assert accounts.imbalance is not None and accounts.imbalance < 1e-9
    # afterwards the remainder is booked: the request pays what the counter says
    assert share.energy_j == pytest.approx(4 * 500.0, rel=0.03)
    assert share.energy_j == pytest.approx(accounts.requests_j + accounts.remainder_j)


def test_other_processes_pay_their_share_of_what_is_above_idle() -> None:
    machine = Machine(others=0.0)
    machine.run(6, IDLE_W)
    machine.others = 0.25
    share = machine.request(4, 500.0)
    accounts = machine.ledger.accounts
    # one reading a second: the first and the last second of the request are partly told as the others'
    assert accounts.others_j == pytest.approx(0.25 * 4 * (500.0 - IDLE_W), rel=0.15)
    assert share.energy_j == pytest.approx(4 * 500.0 - accounts.others_j, rel=0.05)
    assert share.gpu_s == pytest.approx(0.75 * 4, rel=0.1)
    assert accounts.others_error_j == pytest.approx(accounts.others_j, rel=0.1)
    assert accounts.imbalance is not None and accounts.imbalance < 1e-9


def test_others_alone_pay_all_above_idle_and_are_never_taken_for_idle_power() -> None:
    machine = Machine(others=0.0)
    machine.run(6, IDLE_W)
    machine.others = 1.0
    machine.run(6, 400.0)
    machine.others = 0.0
    machine.run(5, IDLE_W)
    accounts = machine.ledger.accounts
    assert accounts.others_j == pytest.approx(6 * 300.0, rel=0.1)
    assert accounts.others_error_j == 0.0  # nothing else ran: no doubt
    assert machine.ledger.idle_w == pytest.approx(IDLE_W, rel=0.02)


def test_where_nobody_knows_who_ran_there_is_no_account_of_others() -> None:
    machine = Machine(others=None)
    machine.run(5, IDLE_W)
    machine.request(2, 500.0)
    accounts = machine.ledger.accounts
    assert (accounts.others_j, accounts.others_known_s) == (0.0, 0.0)
    told = {str(p.attributes.get("account")) for p in account_points(machine.ledger, 1)}
    assert "others" not in told


def test_the_account_of_others_is_told_with_its_doubt() -> None:
    machine = Machine(others=0.5)
    machine.run(5, IDLE_W)
    machine.request(2, 500.0)
    points = account_points(machine.ledger, 1)
    booked = {
        str(p.attributes["account"]): p.value
        for p in points
        if p.name == "tachograph.proxy.energy.booked"
    }
    drawn = next(p.value for p in points if p.name == "tachograph.proxy.energy.drawn")
    doubt = next(p for p in points if p.name == "tachograph.proxy.energy.error")
    assert sum(booked.values()) == pytest.approx(drawn)
    assert doubt.attributes["account"] == "others" and 0 < doubt.value <= booked["others"]


def test_calibrated_weights_say_their_own_error() -> None:
    weights = EnergyWeights(0.02, 1.5, 0.03, 5e-5, relative_error=0.04, source="calibrated")
    machine = Machine(ledger=GpuLedger(weights))
    machine.run(5, IDLE_W)
    share = machine.request(2, 500.0)
    assert share.method == "work_calibrated"
    assert share.energy_j is not None
    assert share.energy_error_j == pytest.approx(0.04 * share.energy_j)


def test_a_reading_of_others_grows_old() -> None:
    ledger = GpuLedger()
    ledger.others.add(10_000 * MS, 0.5)
    assert ledger.others.share_at(9_500 * MS) == 0.5
    assert ledger.others.share_at(12_000 * MS) == 0.5
    assert ledger.others.share_at(14_000 * MS) is None
    assert ledger.others.share_at(6_000 * MS) is None
