"""Feeds a recording to the GPU ledger as it came, reading by reading, and compares with the truth."""

import functools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.ledger.recording import Experiment, Recording, RequestRecord

from tachograph_sidecar.ledger.accounts import Accounts
from tachograph_sidecar.ledger.meter import Meter
from tachograph_sidecar.ledger.settlement import GpuLedger
from tachograph_sidecar.ledger.weights import EnergyWeights
from tachograph_sidecar.ledger.work import EnergyShare

TIME_SHARE = EnergyWeights(0.0, 0.0, 0.0, 0.0, relative_error=None, source="time_share")
"""No work weighs anything: the ledger splits by time, as the prior art does."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the ledger made of a recording, the joules of each request by its key."""

    accounts: Accounts
    energy_j: Mapping[int, float | None]


@dataclass(frozen=True, slots=True)
class Compared:
    """Joules that the ledger gave, and the same measured apart."""

    given_j: Sequence[float]
    truth_j: Sequence[float]

    @property
    def spearman(self) -> float | None:
        """Rank correlation (Spearman 1904), ties sharing their ranks; None with fewer than three."""
        if len(self.given_j) < 3:
            return None
        try:
            return statistics.correlation(_ranks(self.given_j), _ranks(self.truth_j))
        except statistics.StatisticsError:  # all alike
            return None

    @property
    def error_median(self) -> float | None:
        """Median of |given - truth| / truth, where the truth is above nothing."""
        errors = [
            abs(given - truth) / truth
            for given, truth in zip(self.given_j, self.truth_j, strict=True)
            if truth > 0
        ]
        return statistics.median(errors) if errors else None


def replay(recording: Recording, weights: EnergyWeights) -> Replayed:
    """One ledger over the whole recording, told of everything when it happened."""
    ledger = GpuLedger(weights)
    shares: dict[int, EnergyShare] = {}
    happened: list[tuple[int, int, Callable[[], object]]] = []

    def at(time_ns: int, order: int, function: Callable[..., object], *arguments: object) -> None:
        happened.append((time_ns, order, functools.partial(function, *arguments)))

    def read_power(time_ns: int, watts: Sequence[float | None]) -> None:
        for device, value in enumerate(watts):
            if value is not None:
                ledger.meter.power(device, time_ns, value)
        ledger.settle(time_ns)

    def end(one: RequestRecord) -> None:
        ledger.end(
            one.key,
            one.end_ns,
            prompt_bytes=one.prompt_bytes,
            input_tokens=one.input_tokens,
            cached_tokens=one.cached_tokens,
            output_tokens=one.output_tokens,
            on_share=functools.partial(shares.__setitem__, one.key),
        )

    for time_ns, device, joules in recording.energy:
        at(time_ns, 0, ledger.meter.counter, device, time_ns, joules)
    for one in recording.requests:
        at(one.begin_ns, 1, ledger.begin, one.key, one.begin_ns, one.prompt_bytes)
        for event_ns in one.events_ns:
            at(event_ns, 2, ledger.output, one.key, event_ns)
        at(one.end_ns, 3, end, one)
    for time_ns, watts in recording.power:
        at(time_ns, 4, read_power, time_ns, watts)
    for _, _, happen in sorted(happened, key=lambda one: one[:2]):
        happen()
    ledger.flush(recording.power[-1][0] if recording.power else 0)
    return Replayed(ledger.accounts, {key: share.energy_j for key, share in shares.items()})


def counter_growth_j(recording: Recording) -> float:
    """What the devices' counters grew by over the recording, by their raw first and last readings."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    for _, device, joules in recording.energy:
        first.setdefault(device, joules)
        last[device] = joules
    return sum(last[device] - first[device] for device in first)


def leave_one_out(recording: Recording, replayed: Replayed) -> Compared:
    """Of each pair: what the batch drew with the request, less what it drew without it.

    Means over the turns of a pair; a pair with a turn that was not measured is left out.
    """
    meter = _meter(recording)
    pairs: dict[int, list[Experiment]] = {}
    for one in recording.experiments:
        if one.kind in ("with", "without") and one.pair is not None:
            pairs.setdefault(one.pair, []).append(one)
    given, truth = [], []
    for turns in pairs.values():
        with_ = [one for one in turns if one.kind == "with" and one.subject is not None]
        energies = [replayed.energy_j.get(one.subject or 0) for one in with_]
        drawn = [_drawn(meter, one) for one in with_]
        rest = [_drawn(meter, one) for one in turns if one.kind == "without"]
        if not with_ or not rest or None in (*energies, *drawn, *rest):
            continue
        given.append(_mean(energies))
        truth.append(_mean(drawn) - _mean(rest))
    return Compared(given, truth)


def expected_left_out(recording: Recording, weights: EnergyWeights) -> Compared:
    """What the weights say that leaving each request out saves, against what it saved.

    Its own work, and the steps that only it needed. No split is meant: these sum to less than the whole.
    What ranks worse than this against the measurement is the split's doing, the rest is noise.
    """
    sizes: dict[int, list[RequestRecord]] = {}
    for request in recording.requests:
        sizes.setdefault(request.experiment, []).append(request)
    by_key = {request.key: request for request in recording.requests}
    saved_j: dict[int, float] = {}
    for one in recording.experiments:
        if one.kind != "with" or one.subject is None:
            continue
        subject = by_key[one.subject]
        others = [other.output_tokens for other in sizes[one.number] if other.key != subject.key]
        output, prompt = subject.output_tokens, subject.input_tokens - subject.cached_tokens
        saved_j[one.subject] = (
            weights.prefill_token * prompt
            + weights.decode_token * output
            + weights.kv_token * output * (subject.input_tokens + output / 2)
            + weights.step * max(0, output - max(others, default=0))
        )
    known: dict[int, float | None] = {request.key: None for request in recording.requests}
    return leave_one_out(recording, Replayed(Accounts(), {**known, **saved_j}))


def isolated(recording: Recording, replayed: Replayed) -> Compared:
    """Of requests of the mixed load: what the same lengths drew alone."""
    meter = _meter(recording)
    given, truth = [], []
    for experiment in recording.experiments:
        if experiment.kind != "isolated" or experiment.subject is None:
            continue
        energy_j, drawn_j = replayed.energy_j.get(experiment.subject), _drawn(meter, experiment)
        if energy_j is not None and drawn_j is not None:
            given.append(energy_j)
            truth.append(drawn_j)
    return Compared(given, truth)


def twin_spreads(recording: Recording, replayed: Replayed) -> list[float]:
    """Of each pair of twins in one batch: the difference of their joules as a share of the mean."""
    spreads = []
    for experiment in recording.experiments:
        if experiment.kind != "twins" or experiment.subject is None:
            continue
        first = replayed.energy_j.get(experiment.subject)
        second = replayed.energy_j.get(experiment.subject + 1)
        if first is not None and second is not None and first + second > 0:
            spreads.append(abs(first - second) / ((first + second) / 2))
    return spreads


def _meter(recording: Recording) -> Meter:
    # the ledger's meter forgets what it settled; the truth asks for any time of the recording
    meter = Meter(max_readings=max(1, len(recording.power) + len(recording.energy)))
    for time_ns, device, joules in recording.energy:
        meter.counter(device, time_ns, joules)
    for time_ns, watts in recording.power:
        for device, value in enumerate(watts):
            if value is not None:
                meter.power(device, time_ns, value)
    return meter


def _drawn(meter: Meter, experiment: Experiment) -> float | None:
    return meter.between(experiment.start_ns, experiment.stop_ns)


def _mean(values: Sequence[float | None]) -> float:
    return statistics.fmean(value for value in values if value is not None)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda place: values[place])
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        stop = start
        while stop + 1 < len(order) and values[order[stop + 1]] == values[order[start]]:
            stop += 1
        for place in order[start : stop + 1]:
            ranks[place] = (start + stop) / 2
        start = stop + 1
    return ranks
