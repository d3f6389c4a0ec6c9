"""True unit cost: what a million tokens cost when the machine's idle time is paid too.

A machine costs its GPU-hours, used or not, and its electricity. What requests used of it (GPU-seconds
and joules of their spans) is their busy cost; the rest is the idle cost, which everybody bears in
proportion to the GPU-seconds used. The same tokens have a list price at a hosted model. Break-even is
the utilisation at which both cost the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from tachograph_store.client import Store
from tachograph_store.queries.counted import CountedSums, counted_requests
from tachograph_store.queries.selection import Selection

UnitCostKind = Literal["model", "tenant"]

MAX_UNIT_COSTS: Final = 200
_MAX_GAP_S: Final = 600
"""Readings of a device that lie further apart say nothing of the time between them."""
_SECONDS_PER_HOUR: Final = 3600.0
_JOULES_PER_KWH: Final = 3.6e6
_MILLION: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePrices:
    """What the machine costs, in one currency; None is not known and adds nothing.

    Attributes:
        gpu_hour: one GPU for an hour, amortised, whether it works or not.
        electricity_kwh: one kilowatt-hour.
    """

    gpu_hour: Decimal
    electricity_kwh: Decimal | None
    currency: str

    def cost(self, gpu_s: float, energy_j: float | None) -> float:
        """Of GPU-seconds and joules."""
        hours = float(self.gpu_hour) * gpu_s / _SECONDS_PER_HOUR
        if energy_j is None or self.electricity_kwh is None:
            return hours
        return hours + float(self.electricity_kwh) * energy_j / _JOULES_PER_KWH


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUse:
    """What the devices of a project were there for in a range, and what requests used of it.

    Attributes:
        gpu_s: seconds for which devices were seen, added up; never less than requests used.
        busy_gpu_s: of these, attributed to requests.
        energy_j: growth of the devices' counters; None where no counter was read.
        request_energy_j: of that, attributed to requests.
    """

    gpu_count: int
    gpu_s: float
    busy_gpu_s: float
    energy_j: float | None
    request_energy_j: float | None

    @property
    def utilization_ratio(self) -> float | None:
        """The share of the devices' time that requests used."""
        return self.busy_gpu_s / self.gpu_s if self.gpu_s else None

    @property
    def idle_energy_j(self) -> float | None:
        """What no request was given."""
        if self.energy_j is None:
            return None
        return max(0.0, self.energy_j - (self.request_energy_j or 0.0))

    @property
    def idle_power_w(self) -> float:
        """Mean power of one device in time that no request used; 0 where it is not known."""
        idle_s = self.gpu_s - self.busy_gpu_s
        return (self.idle_energy_j or 0.0) / idle_s if idle_s > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCost:
    """Counted requests of one model or tenant against the machine; money in `MachinePrices.currency`.

    Attributes:
        segment: None for requests that lack the fact.
        without_energy: requests of which it is not known what they used: their tokens count, their
            part of the machine does not.
        tokens: input and output.
        busy_cost: of what the requests used; None where that is not known.
        idle_cost: their part of the time and the joules that nobody used.
        list_per_million: list price of a million tokens of this mix at the hosted model.
        break_even_ratio: utilisation at which a million tokens cost the list price; above 1 no
            utilisation is enough, None where a term is missing.
    """

    segment: str | None
    requests: int
    without_energy: int
    tokens: int | None
    gpu_s: float | None
    energy_j: float | None
    busy_cost: float | None
    idle_cost: float | None
    list_per_million: float | None
    break_even_ratio: float | None

    @property
    def busy_per_million(self) -> float | None:
        """A million tokens, were the machine never idle."""
        return self._per_million(self.busy_cost)

    @property
    def idle_per_million(self) -> float | None:
        """What idle time adds to a million tokens."""
        return self._per_million(self.idle_cost)

    @property
    def per_million(self) -> float | None:
        """A million tokens, idle time paid."""
        if self.busy_cost is None or self.idle_cost is None:
            return None
        return self._per_million(self.busy_cost + self.idle_cost)

    def _per_million(self, cost: float | None) -> float | None:
        return None if cost is None or not self.tokens else cost / self.tokens * _MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCosts:
    """The machine, and who used it: most GPU-seconds first."""

    machine: MachineUse
    segments: Sequence[UnitCost]


def unit_costs(
    store: Store, selection: Selection, by: UnitCostKind, prices: MachinePrices
) -> UnitCosts:
    """Unit cost by model or tenant; filters choose segments, the machine is always the whole.

    Segments are `MAX_UNIT_COSTS` at most. List prices of another currency are left out.
    """
    whole = replace(selection, model=None, tenant=None, variant=None)
    totals = counted_requests(store, whole, with_times=False)
    machine = _machine(
        store.rows("machine_use", {**whole.range_parameters(), "max_gap_s": _MAX_GAP_S}),
        (selection.until - selection.since).total_seconds(),
        totals[0].sums if totals else None,
    )
    groups: dict[str, list[tuple[str, CountedSums]]] = {}
    for one in counted_requests(store, selection, (by, "currency"), with_times=False):
        name: str = getattr(one.group, by)
        groups.setdefault(name, []).append((one.group.currency, one.sums))
    found = [_segment(name or None, sums, machine, prices) for name, sums in groups.items()]
    found.sort(key=lambda cost: (-(cost.gpu_s or 0.0), -cost.requests, cost.segment or ""))
    return UnitCosts(machine=machine, segments=found[:MAX_UNIT_COSTS])


def cost_per_million(
    prices: MachinePrices,
    tokens_per_gpu_s: float,
    busy_power_w: float,
    idle_power_w: float,
    utilization_ratio: float,
) -> float:
    """A million tokens at a utilisation in (0, 1], from the tokens that one busy GPU-second makes."""
    power_w = idle_power_w + (busy_power_w - idle_power_w) * utilization_ratio
    return prices.cost(1.0, power_w) / (tokens_per_gpu_s * utilization_ratio) * _MILLION


def break_even_ratio(
    prices: MachinePrices,
    tokens_per_gpu_s: float,
    busy_power_w: float,
    idle_power_w: float,
    list_per_million: float,
) -> float | None:
    """The utilisation at which `cost_per_million` is the list price.

    Above 1: the machine is dearer even when never idle. None: electricity alone costs more than the
    list price, so that more use only loses more.
    """
    gained = list_per_million / _MILLION * tokens_per_gpu_s
    spent = prices.cost(0.0, busy_power_w - idle_power_w)
    return prices.cost(1.0, idle_power_w) / (gained - spent) if gained > spent else None


def _machine(
    devices: Sequence[dict[str, Any]], range_s: float, sums: CountedSums | None
) -> MachineUse:
    busy_gpu_s = (sums.gpu_seconds if sums else None) or 0.0
    seen_s = sum(min(float(device["seen_s"]), range_s) for device in devices)
    counters = [device["energy_j"] for device in devices if device["energy_j"] is not None]
    return MachineUse(
        gpu_count=len(devices),
        gpu_s=max(seen_s, busy_gpu_s),
        busy_gpu_s=busy_gpu_s,
        energy_j=sum(counters) if counters else None,
        request_energy_j=sums.energy_j if sums else None,
    )


def _segment(
    name: str | None,
    parts: Sequence[tuple[str, CountedSums]],
    machine: MachineUse,
    prices: MachinePrices,
) -> UnitCost:
    sums = [one for _, one in parts]
    tokens = _total([one.input_tokens for one in sums] + [one.output_tokens for one in sums])
    gpu_s, energy_j = (
        _total([one.gpu_seconds for one in sums]),
        _total([one.energy_j for one in sums]),
    )
    listed = [one for currency, one in parts if currency == prices.currency]
    list_cost = _total([float(one.list_cost) for one in listed if one.list_cost is not None])
    list_tokens = _total([one.list_priced_tokens for one in listed])
    list_per_million = (
        list_cost / list_tokens * _MILLION if list_cost is not None and list_tokens else None
    )
    busy_cost = idle_cost = break_even = None
    if gpu_s and machine.busy_gpu_s:
        busy_cost = prices.cost(gpu_s, energy_j)
        idle = prices.cost(machine.gpu_s - machine.busy_gpu_s, machine.idle_energy_j)
        idle_cost = idle * gpu_s / machine.busy_gpu_s
        if tokens and list_per_million is not None:
            busy_power_w = (energy_j or 0.0) / gpu_s
            break_even = break_even_ratio(
                prices, tokens / gpu_s, busy_power_w, machine.idle_power_w, list_per_million
            )
    return UnitCost(
        segment=name,
        requests=sum(one.requests for one in sums),
        without_energy=sum(one.without_energy for one in sums),
        tokens=None if tokens is None else int(tokens),
        gpu_s=gpu_s,
        energy_j=energy_j,
        busy_cost=busy_cost,
        idle_cost=idle_cost,
        list_per_million=list_per_million,
        break_even_ratio=break_even,
    )


def _total(values: Sequence[float | int | None]) -> float | None:
    known = [float(value) for value in values if value is not None]
    return sum(known) if known else None
