"""Every joule has one owner, and the owner is who had the work done."""

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tachograph_sidecar.ledger.feed import account_points
from tachograph_sidecar.ledger.settlement import GpuLedger
from tachograph_sidecar.ledger.weights import roofline
from tachograph_sidecar.ledger.work import EnergyShare

MS = 1_000_000
IDLE_W = 100.0


@dataclass
class Machine:
    """A GPU whose true energy is idle power plus what each piece of work takes."""

    ledger: GpuLedger = field(default_factory=GpuLedger)
    now_ns: int = 0
    drawn_j: float = 0.0
    shares: dict[object, EnergyShare] = field(default_factory=dict)
    reads_counter: bool = True

    def run(self, duration_ms: int, watts: float) -> None:
        for _ in range(duration_ms // 20):
            self.now_ns += 20 * MS
            self.drawn_j += watts * 0.02
            if self.now_ns % (100 * MS) == 0:
                self.ledger.meter.power(0, self.now_ns, watts)
            if self.reads_counter and self.now_ns % (500 * MS) == 0:
                self.ledger.meter.counter(0, self.now_ns, self.drawn_j)
            self.ledger.settle(self.now_ns)

    def begin(self, *keys: object, prompt_bytes: int = 4_000) -> None:
        for key in keys:
            self.ledger.begin(key, self.now_ns, prompt_bytes)

    def output(self, *keys: object) -> None:
        for key in keys:
            self.ledger.output(key, self.now_ns)

    def end(self, *keys: object, prompt: int = 1_000, cached: int = 0, output: int = 30) -> None:
        for key in keys:
            assert self.ledger.end(
                key,
                self.now_ns,
                prompt_bytes=4 * prompt,
                input_tokens=prompt,
                cached_tokens=cached,
                output_tokens=output,
                on_share=functools.partial(self.shares.__setitem__, key),
            )

    def energy_j(self, key: object) -> float:
        energy_j = self.shares[key].energy_j
        assert energy_j is not None
        return energy_j


def _idle(machine: Machine) -> None:
    machine.run(5_000, IDLE_W)


@pytest.mark.parametrize("reads_counter", [True, False])
def test_twins_pay_the_same_and_together_what_the_time_drew(reads_counter: bool) -> None:
    machine = Machine(reads_counter=reads_counter)
    _idle(machine)
    machine.begin("a", "b")
    machine.run(300, 600.0)
    for _ in range(30):
        machine.output("a", "b")
        machine.run(100, 300.0)
    machine.end("a", "b")
    _idle(machine)
    assert machine.energy_j("a") == pytest.approx(machine.energy_j("b"))
    assert machine.energy_j("a") * 2 == pytest.approx(0.3 * 600 + 3.0 * 300, rel=0.05)
    assert machine.shares["a"].gpu_s == pytest.approx(3.3 / 2)
    assert machine.shares["a"].method == "work_roofline"


def test_time_without_requests_is_idle() -> None:
    machine = Machine()
    _idle(machine)
    accounts = machine.ledger.accounts
    assert machine.ledger.idle_w == pytest.approx(IDLE_W)
    assert accounts.requests_j == 0 and accounts.idle_j == pytest.approx(accounts.counter_j)


def test_a_long_prompt_pays_for_its_prefill_and_its_neighbour_for_its_tokens() -> None:
    """Both are there for the same time: the rule by time alone would halve it."""
    machine = Machine()
    _idle(machine)
    machine.begin("long", prompt_bytes=80_000)
    machine.begin("short", prompt_bytes=80)
    machine.run(1_000, 700.0)
    machine.output("long", "short")
    for _ in range(10):
        machine.run(100, 300.0)
        machine.output("long", "short")
    machine.end("long", prompt=20_000, output=11)
    machine.end("short", prompt=20, output=11)
    _idle(machine)
    extra_j = machine.energy_j("long") - machine.energy_j("short")
    assert extra_j > 0.7 * 1.0 * (700.0 - IDLE_W)
    error_j = machine.shares["long"].energy_error_j
    assert error_j == pytest.approx(extra_j / 2)  # the distance to half of it all


def test_cached_tokens_cost_nothing() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("cached", "computed", prompt_bytes=40_000)
    machine.run(500, 700.0)
    machine.output("cached", "computed")
    machine.end("cached", prompt=10_000, cached=9_990, output=1)
    machine.end("computed", prompt=10_000, output=1)
    _idle(machine)
    assert machine.energy_j("computed") > machine.energy_j("cached") + 0.5 * 0.5 * 600


def test_who_makes_more_tokens_in_the_same_time_pays_more() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("fast", "slow")
    machine.run(100, 400.0)
    for step in range(100):
        machine.output("fast")
        if step % 10 == 0:
            machine.output("slow")
        machine.run(20, 400.0)
    machine.end("fast", output=100)
    machine.end("slow", output=10)
    _idle(machine)
    rent_j = IDLE_W * 2.1 / 2
    ratio = (machine.energy_j("fast") - rent_j) / (machine.energy_j("slow") - rent_j)
    assert 5 < ratio < 11


def test_an_answer_in_one_piece_has_a_share_too() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("whole")
    machine.run(2_000, 350.0)
    machine.end("whole")
    _idle(machine)
    assert machine.energy_j("whole") == pytest.approx(2.0 * 350, rel=0.05)


def test_without_readings_nothing_is_said() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("a")
    machine.run(200, 300.0)
    machine.ledger.lose_devices()
    machine.end("a")
    machine.ledger.flush(machine.now_ns)
    assert machine.shares["a"].energy_j is None
    assert not machine.ledger.is_measuring


def test_a_counter_that_goes_back_leaves_a_gap() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("a")
    machine.run(1_000, 300.0)
    machine.drawn_j = 0.0
    machine.run(1_000, 300.0)
    machine.end("a")
    _idle(machine)
    assert machine.shares["a"].energy_j is None
    assert machine.ledger.accounts.unmeasured_s > 0


def test_readings_that_stay_out_hold_up_nobody_for_ever() -> None:
    machine = Machine()
    _idle(machine)
    machine.begin("a")
    machine.run(200, 300.0)
    machine.end("a")
    for _ in range(200):
        machine.now_ns += 100 * MS
        machine.ledger.settle(machine.now_ns)
    assert machine.shares["a"].energy_j is None


def test_an_unknown_key_has_no_share() -> None:
    ended = GpuLedger().end(
        "never began",
        1,
        prompt_bytes=1,
        input_tokens=1,
        cached_tokens=None,
        output_tokens=1,
        on_share=lambda share: pytest.fail("nothing to tell"),
    )
    assert ended is False


_actions = st.lists(
    st.tuples(
        st.sampled_from(["begin", "output", "end", "end_unknown"]),
        st.integers(0, 3),
        st.integers(0, 300),
        st.floats(0, 700),
    ),
    max_size=40,
)


@given(_actions, st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_accounts_sum_to_the_counter_whatever_happens(
    actions: Sequence[tuple[str, int, int, float]], reads_counter: bool
) -> None:
    machine = Machine(reads_counter=reads_counter)
    _idle(machine)
    running: list[int] = []
    for number, (action, which, pause_ms, watts) in enumerate(actions):
        if action == "begin":
            machine.begin(number)
            running.append(number)
        elif running and action == "output":
            machine.output(running[which % len(running)])
        elif running:
            key = running.pop(which % len(running))
            machine.end(key, output=0 if action == "end_unknown" else 7)
        machine.run(pause_ms, watts)
    for key in running:
        machine.end(key)
    _idle(machine)
    accounts = machine.ledger.accounts
    assert accounts.imbalance is not None and accounts.imbalance < 1e-9
    given_j = sum(share.energy_j or 0.0 for share in machine.shares.values())
    known = all(share.energy_j is not None for share in machine.shares.values())
    assert not known or given_j == pytest.approx(accounts.requests_j + accounts.remainder_j)
    assert all((share.energy_j or 0.0) >= 0 for share in machine.shares.values())


def test_on_an_engine_that_works_as_the_weights_say_each_gets_what_it_took() -> None:
    """A continuous batch of mixed lengths; truth is the energy of each one's own work."""
    weights = roofline()
    machine = Machine(ledger=GpuLedger(weights))
    draw = random.Random(7)
    _idle(machine)
    lengths = {n: (draw.randint(50, 8_000), draw.randint(5, 120)) for n in range(24)}
    truth_j = dict.fromkeys(lengths, 0.0)
    time_j = dict.fromkeys(lengths, 0.0)
    starts = {n: draw.randint(0, 100) for n in lengths}
    made = dict.fromkeys(lengths, 0)
    for step in range(300):
        new = [n for n in lengths if starts[n] == step]
        machine.begin(*new)
        present = [n for n in lengths if starts[n] <= step and made[n] < lengths[n][1]]
        work_j = dict.fromkeys(present, 0.0)
        for n in present:
            work_j[n] += weights.decode_token + weights.kv_token * (lengths[n][0] + made[n])
            work_j[n] += weights.step / len(present)
        for n in new:
            work_j[n] += weights.prefill_token * lengths[n][0]
        # 20,000 prompt tokens a second hold the whole batch up
        duration_ms = 20 * (1 + sum(lengths[n][0] for n in new) // 400)
        machine.run(duration_ms, IDLE_W + sum(work_j.values()) / duration_ms * 1e3)
        for n in present:
            rent_j = IDLE_W * duration_ms / 1e3 / len(present)
            truth_j[n] += work_j[n] + rent_j
            time_j[n] += sum(work_j.values()) / len(present) + rent_j
            made[n] += 1
            machine.output(n)
            if made[n] == lengths[n][1]:
                machine.end(n, prompt=lengths[n][0], output=made[n])
    _idle(machine)

    def error(found_j: dict[int, float]) -> float:
        errors = sorted(abs(found_j[n] - truth_j[n]) / truth_j[n] for n in lengths)
        return errors[len(errors) // 2]

    own = error({n: machine.energy_j(n) for n in lengths})
    assert own < 0.25  # bins are coarser than prefills
    assert own < error(time_j) / 2


def test_the_accounts_are_told_as_counters() -> None:
    machine = Machine()
    assert account_points(machine.ledger, 1) == []
    _idle(machine)
    points = account_points(machine.ledger, 1)
    drawn = next(p.value for p in points if p.name == "tachograph.proxy.energy.drawn")
    booked = [p for p in points if p.name == "tachograph.proxy.energy.booked"]
    assert {p.attributes["account"] for p in booked} == {"requests", "idle", "unattributed"}
    assert sum(p.value for p in booked) == pytest.approx(drawn)
    assert {p.kind for p in booked if p.attributes["account"] == "unattributed"} == {"gauge"}
