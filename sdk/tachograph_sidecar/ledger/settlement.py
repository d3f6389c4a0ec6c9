"""The GPU ledger: measured energy split over requests by the work they had done, bin by bin.

A bin is settled a second after its end, when the streams have told in which phase each request was.
Its energy has two parts. The idle power (learned while nothing ran) of the time in which requests
were in flight is paid by them in equal parts: a place costs rent. The rest is split in proportion to
the energy that `EnergyWeights` expects of each request's work in the bin: prompt tokens computed,
output tokens made, context read for them, and its part of the steps, which are shared by the batch.
The weights decide the proportions only; the sum is the counter's. Before that, processes beside the
engine take their share (of the SM utilisation) of what is drawn above the idle power.

The accounts are metered by the power, apart from the counter, so that what neither explains is a
measurement (`accounts.Accounts`).

Nearest prior art: CodeCarbon and Kepler split by time or utilisation; tokens alone miss that a step
of a small batch costs nearly what a step of a large one does (Fernandez et al. 2025, "Energy
Considerations of Large Language Model Inference").
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

from tachograph_sidecar.engines.step_shares import prompts_in
from tachograph_sidecar.engines.steps import StepTimeline
from tachograph_sidecar.ledger.accounts import Accounts
from tachograph_sidecar.ledger.meter import Meter
from tachograph_sidecar.ledger.others import OtherProcesses
from tachograph_sidecar.ledger.weights import EnergyWeights, roofline
from tachograph_sidecar.ledger.work import BIN_NS, NS, EnergyShare, Norms, RequestWork

LAG_NS: Final = NS
"""How long after its end a bin is settled: first events of most prompts have come by then."""

MAX_BEHIND_BINS: Final = 10
"""Bins that may wait for readings; older ones are settled as unmeasured."""

QUIET_NS: Final = 2 * NS
"""After the last request the clocks stay up: power is called idle after so long."""


class GpuLedger:
    """Splits the energy of a machine's GPUs over the requests of its engine.

    All calls come from one thread, times on one monotonic clock (`time.perf_counter_ns`).

    Args:
        weights: relative cost of work.
        steps: the engine's own steps, which say when prompts were computed; None without.
    """

    def __init__(
        self, weights: EnergyWeights | None = None, steps: StepTimeline | None = None
    ) -> None:
        self.steps = steps
        self.weights = weights or roofline()
        self.meter = Meter()
        self.accounts = Accounts()
        self.norms = Norms()
        self.others = OtherProcesses()
        self.idle_w: float | None = None
        self._works: dict[Hashable, RequestWork] = {}
        self._next_bin: int | None = None
        self._quiet_since_ns: int | None = None

    @property
    def is_measuring(self) -> bool:
        """Whether any energy was read: without, there is nothing to split."""
        return self.meter.device_count > 0

    # --- told by whoever watches the requests

    def begin(self, key: Hashable, now_ns: int, prompt_bytes: int) -> None:
        """A request reached the engine."""
        prompt_tokens = prompt_bytes * self.norms.tokens_per_byte.value
        self._works[key] = RequestWork(key, now_ns, prompt_tokens)

    def output(self, key: Hashable, at_ns: int) -> None:
        """An event that carries output came; events may be told a little late."""
        work = self._works.get(key)
        if work is None:
            return
        work.event_count += 1
        if work.first_ns is None:
            # its own too: an event may be told after the end, when nobody waits any more
            waiting = [w.sent_ns for w in self._works.values() if w.is_waiting]
            work.prefill_ns = self.norms.prefill.first_output(at_ns, [work.sent_ns, *waiting])
            work.first_ns = at_ns
        number = max(at_ns // BIN_NS, self._next_bin or 0)  # a settled bin stays as it is
        work.events[number] = work.events.get(number, 0) + 1

    def end(
        self,
        key: Hashable,
        end_ns: int,
        *,
        prompt_bytes: int,
        input_tokens: int | None,
        cached_tokens: int | None,
        output_tokens: int | None,
        on_share: Callable[[EnergyShare], None],
    ) -> bool:
        """A request left the engine at `end_ns`; `on_share` is called once its last bin is settled.

        False when the key never began: `on_share` will not be called.
        """
        work = self._works.get(key)
        if work is None:
            return False
        work.end_ns = max(end_ns, work.sent_ns + 1)
        work.on_share = on_share
        if input_tokens is not None:
            work.prompt_tokens = float(max(0, input_tokens - (cached_tokens or 0)))
        if output_tokens is not None:
            work.output_tokens = float(output_tokens)
        self._learn(work, prompt_bytes, input_tokens, cached_tokens)
        return True

    # --- told by whoever reads the devices

    def settle(self, now_ns: int) -> None:
        """Settle the bins that ended long enough ago and whose energy is known."""
        last = (now_ns - LAG_NS) // BIN_NS
        if self._next_bin is None:
            self._next_bin = last
            for work in self._works.values():
                # what went before the first bin is not known, if it was anything
                work.has_gap = work.has_gap or work.sent_ns < last * BIN_NS
        while self._next_bin < last:
            stop_ns = (self._next_bin + 1) * BIN_NS
            if not self.meter.covers(stop_ns) and last - self._next_bin < MAX_BEHIND_BINS:
                return
            self._settle_bin(self._next_bin)
            self._next_bin += 1

    def lose_devices(self) -> None:
        """The devices are no longer read: nothing is known until they are again."""
        self.meter = Meter()
        self.others = OtherProcesses()
        self._next_bin = None
        for work in list(self._works.values()):
            work.has_gap = True
            if work.end_ns is not None:
                self._hand_out(work)

    def flush(self, now_ns: int) -> None:
        """Settle everything there is (at shutdown), known or not."""
        if self._next_bin is not None:
            while self._next_bin <= now_ns // BIN_NS and self._works:
                self._settle_bin(self._next_bin)
                self._next_bin += 1
        for work in list(self._works.values()):
            self._hand_out(work)

    # --- inside

    def _settle_bin(self, number: int) -> None:
        start_ns, stop_ns = number * BIN_NS, (number + 1) * BIN_NS
        present = [work for work in self._works.values() if work.overlap_ns(start_ns, stop_ns)]
        energy_j = self.meter.between(start_ns, stop_ns)
        if present:
            self._quiet_since_ns = None
        expected = self._expected(present, start_ns, stop_ns) if present else ()
        if energy_j is None:
            self.accounts.unmeasured_s += BIN_NS / NS
            for work in present:
                work.has_gap = True
        else:
            metered_j = self.meter.metered_between(start_ns, stop_ns)
            self._book(_Bin(start_ns, stop_ns, energy_j, metered_j), present, expected)
        for work in present:
            if work.end_ns is not None and work.end_ns <= stop_ns:
                self._hand_out(work)

    def _book(
        self, bin_: "_Bin", present: Sequence[RequestWork], expected: Sequence[float]
    ) -> None:
        """Divide the energy of a bin among idle, other processes and the requests in flight."""
        accounts = self.accounts
        others = self.others.share_at(bin_.stop_ns)
        busy_ns = _covered_ns(present, bin_.start_ns, bin_.stop_ns)
        energy_j = bin_.energy_j
        if self.idle_w is not None:
            base_j = min(energy_j, self.idle_w * BIN_NS / NS)
        else:  # before any idle power was seen, time without a request is idle at the bin's own power
            base_j = energy_j * (1 - busy_ns / BIN_NS)
        others_j = (energy_j - base_j) * (others or 0.0)
        work_j = energy_j - base_j - others_j
        rent_j = base_j * busy_ns / BIN_NS if self.idle_w is not None else 0.0
        requests_j = rent_j + work_j if present else 0.0
        idle_j = energy_j - others_j - requests_j
        if present:
            self._split(present, expected, bin_, rent_j, work_j, 1.0 - (others or 0.0))
        elif not others:
            self._learn_idle(energy_j, bin_.start_ns)

        metered = bin_.metered_ratio
        accounts.counter_j += energy_j
        accounts.requests_j += requests_j * metered
        accounts.idle_j += idle_j * metered
        accounts.others_j += others_j * metered
        accounts.unattributed_j += energy_j * (1 - metered)
        accounts.remainder_j += requests_j * (1 - metered)
        if others is not None:
            accounts.others_known_s += BIN_NS / NS
            accounts.others_error_j += min(others_j, work_j if present else 0.0) * metered

    def _split(
        self,
        present: Sequence[RequestWork],
        expected: Sequence[float],
        bin_: "_Bin",
        rent_j: float,
        work_j: float,
        engine_share: float,
    ) -> None:
        """`engine_share`: of the GPUs' time; others beside the engine had the rest."""
        times = [work.overlap_ns(bin_.start_ns, bin_.stop_ns) for work in present]
        busy_ns, time_sum = _covered_ns(present, bin_.start_ns, bin_.stop_ns), sum(times)
        all_expected = sum(expected)
        for work, time_ns, expected_j in zip(present, times, expected, strict=True):
            by_time = time_ns / time_sum
            by_work = expected_j / all_expected if all_expected else by_time
            work.energy_j += rent_j * by_time + work_j * by_work
            work.equal_j += (rent_j + work_j) * by_time
            work.gpu_s += by_work * busy_ns / NS * engine_share * self.meter.device_count

    def _expected(
        self, present: Sequence[RequestWork], start_ns: int, stop_ns: int
    ) -> Sequence[float]:
        """The energy that the weights expect of each request's work in a bin, joules."""
        weights = self.weights
        prefilled = self._prefilled(present, start_ns, stop_ns)
        context = [w.prompt_tokens + w.decoded for w in present]
        decoded = [w.take_decode(start_ns, stop_ns, self.norms) for w in present]
        # each step gives each request of the batch one token: the longest tells how many there were
        step_j = weights.step * max(decoded)
        decoded_sum = sum(decoded)
        return [
            weights.prefill_token * prompt
            + weights.decode_token * output
            + weights.kv_token * output * length
            + (step_j * output / decoded_sum if decoded_sum else 0.0)
            for prompt, output, length in zip(prefilled, decoded, context, strict=True)
        ]

    def _prefilled(
        self, present: Sequence[RequestWork], start_ns: int, stop_ns: int
    ) -> Sequence[float]:
        """The prompt tokens of each request that were computed in a bin, which they are put into.

        As the engine's steps tell; else by first outputs. Prompts that still wait get what the engine
        had time for beside those, in the order of their coming.
        """
        told: Sequence[float | None] = [None] * len(present)
        if self.steps is not None:
            told = prompts_in(self.steps, present, start_ns, stop_ns)
        found = [
            work.prefill_in(start_ns, stop_ns, self.norms) if tokens is None else tokens
            for work, tokens in zip(present, told, strict=True)
        ]
        pace = self.norms.prefill.tokens_per_s
        room = pace * (stop_ns - start_ns) / NS - sum(tokens or 0.0 for tokens in found)
        tokens_in = []
        for work, tokens in zip(present, found, strict=True):
            if tokens is None:
                possible = min(room, pace * work.overlap_ns(start_ns, stop_ns) / NS)
                tokens = max(0.0, min(work.prompt_tokens - work.prefilled, possible))
                room -= tokens
            work.prefilled += tokens
            tokens_in.append(tokens)
        return tokens_in

    def _hand_out(self, work: RequestWork) -> None:
        del self._works[work.key]
        if work.on_share is None:
            return
        relative = self.weights.relative_error
        # without a calibration the doubt is the whole distance to the rule by time alone
        by_rule_j = abs(work.energy_j - work.equal_j)
        error_j = by_rule_j if relative is None else relative * work.energy_j
        is_known = not work.has_gap and (work.energy_j > 0 or work.gpu_s > 0)
        work.on_share(
            EnergyShare(
                gpu_s=work.gpu_s if is_known else None,
                energy_j=work.energy_j if is_known else None,
                energy_error_j=error_j if is_known else None,
                method=f"work_{self.weights.source}",
            )
        )

    def _learn(
        self,
        work: RequestWork,
        prompt_bytes: int,
        input_tokens: int | None,
        cached_tokens: int | None,
    ) -> None:
        norms = self.norms
        if input_tokens and prompt_bytes:
            norms.tokens_per_byte.add((input_tokens - (cached_tokens or 0)) / prompt_bytes)
        if work.prefill_ns is not None and input_tokens:
            norms.prefill.add(work.prompt_tokens, work.prefill_ns / NS)
        if work.output_tokens and work.event_count:
            norms.tokens_per_event.add(work.output_tokens / work.event_count)
        end_ns = work.end_ns or 0
        if work.output_tokens and end_ns > work.sent_ns:
            norms.decode_tokens_per_s.add(work.output_tokens / ((end_ns - work.sent_ns) / NS))

    def _learn_idle(self, energy_j: float, start_ns: int) -> None:
        if self._quiet_since_ns is None:
            self._quiet_since_ns = start_ns
        if self.idle_w is not None and start_ns - self._quiet_since_ns < QUIET_NS:
            return
        watts = energy_j * NS / BIN_NS
        self.idle_w = watts if self.idle_w is None else self.idle_w + 0.05 * (watts - self.idle_w)


@dataclass(frozen=True, slots=True)
class _Bin:
    """A slice of time and its energy: by the counters, and by the power (None: not read)."""

    start_ns: int
    stop_ns: int
    energy_j: float
    metered_j: float | None

    @property
    def metered_ratio(self) -> float:
        """How much of the counter's energy the power explains; 1 where the counter stood still."""
        if not self.energy_j:
            return 1.0
        return (self.metered_j or 0.0) / self.energy_j


def _covered_ns(present: Sequence[RequestWork], start_ns: int, stop_ns: int) -> int:
    """How much of a bin had at least one request in flight."""
    spans = sorted(
        (max(start_ns, w.sent_ns), min(stop_ns, stop_ns if w.end_ns is None else w.end_ns))
        for w in present
    )
    covered, reached = 0, start_ns
    for begin_ns, end_ns in spans:
        covered += max(0, end_ns - max(begin_ns, reached))
        reached = max(reached, end_ns)
    return covered
