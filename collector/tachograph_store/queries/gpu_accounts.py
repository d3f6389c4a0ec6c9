"""The GPU ledger's accounts, the devices' errors and links, and who ran on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tachograph.semconv.metrics import (
    HW_ERRORS,
    HW_GPU_IO,
    HW_GPU_NVLINK_COUNT,
    HW_GPU_PCIE_THROUGHPUT,
    PROXY_ENERGY_BOOKED,
    PROXY_ENERGY_DRAWN,
    PROXY_ENERGY_ERROR,
)
from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.selection import Selection

TOLERATED_SHARE: Final = 0.02
"""Of the counter: more than that unattributed, and the accounts are not to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuAccounts:
    """Joules of a range: `drawn_j = requests_j + idle_j + others_j + unattributed_j`.

    Attributes:
        drawn_j: by the devices' own counters.
        requests_j, idle_j: metered by the power, apart from the counter.
        others_j: of processes beside the engine; None where nobody could tell who ran.
        others_error_j: doubt of it.
        unattributed_j: what the counter says beside these, measured; may be negative.
    """

    drawn_j: float
    requests_j: float
    idle_j: float
    others_j: float | None
    others_error_j: float | None
    unattributed_j: float

    @property
    def difference_j(self) -> float:
        """What the sum rule misses: 0 but for readings that were lost on their way."""
        others_j = self.others_j or 0.0
        return self.drawn_j - self.requests_j - self.idle_j - others_j - self.unattributed_j

    @property
    def unattributed_share(self) -> float | None:
        """Of the counter, sign left out."""
        return abs(self.unattributed_j) / self.drawn_j if self.drawn_j > 0 else None

    @property
    def holds(self) -> bool:
        """Whether the sum rule holds and little is left unattributed."""
        share = self.unattributed_share
        if share is None:
            return False
        return share <= TOLERATED_SHARE and abs(self.difference_j) <= 0.001 * self.drawn_j


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuHealth:
    """Errors and links of one device in a range; None where it does not say.

    Attributes:
        ecc_corrected, ecc_uncorrected: memory errors that came in the range.
        xids: reports of the driver by XID code.
        pcie_sent_bytes_per_s, pcie_received_bytes_per_s: mean.
        nvlink_sent_bytes, nvlink_received_bytes: in the range.
    """

    gpu_id: str
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    xids: Sequence[tuple[str, int]] = ()
    pcie_sent_bytes_per_s: float | None = None
    pcie_received_bytes_per_s: float | None = None
    nvlink_count: int | None = None
    nvlink_sent_bytes: float | None = None
    nvlink_received_bytes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuProcessUse:
    """One process on one device; `is_engine` is '' where nobody could tell."""

    gpu_id: str
    pid: int
    process_name: str
    is_engine: str  # true | false | ''
    memory_bytes: float | None
    sm_ratio: float | None
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    name: str
    account: str
    joules: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    gpu_id: str
    name: str
    error_type: str
    direction: str
    growth: float
    mean: float
    last: float


def gpu_accounts(store: Store, selection: Selection) -> GpuAccounts | None:
    """Over all sidecars of the project; None where no ledger told of any joule."""
    rows = run(store, "gpu_accounts", _Account, **selection.range_parameters())
    found = {(row.name, row.account): row.joules for row in rows}
    drawn_j = found.get((PROXY_ENERGY_DRAWN, ""))
    if drawn_j is None:
        return None
    return GpuAccounts(
        drawn_j=drawn_j,
        requests_j=found.get((PROXY_ENERGY_BOOKED, "requests"), 0.0),
        idle_j=found.get((PROXY_ENERGY_BOOKED, "idle"), 0.0),
        others_j=found.get((PROXY_ENERGY_BOOKED, "others")),
        others_error_j=found.get((PROXY_ENERGY_ERROR, "others")),
        unattributed_j=found.get((PROXY_ENERGY_BOOKED, "unattributed"), 0.0),
    )


def gpu_health(store: Store, selection: Selection) -> list[GpuHealth]:
    """Every device that said anything of its errors or links, by id."""
    facts: dict[str, dict[tuple[str, str], _Fact]] = {}
    for fact in run(store, "gpu_health", _Fact, **selection.range_parameters()):
        facts.setdefault(fact.gpu_id, {})[fact.name, fact.error_type or fact.direction] = fact
    return [_health(gpu_id, known) for gpu_id, known in facts.items()]


def gpu_processes(store: Store, selection: Selection) -> list[GpuProcessUse]:
    """Who had a context on the devices, the busiest first; 200 at most."""
    return run(store, "gpu_processes", GpuProcessUse, **selection.range_parameters())


def _health(gpu_id: str, known: dict[tuple[str, str], _Fact]) -> GpuHealth:
    def growth(name: str, detail: str) -> float | None:
        fact = known.get((name, detail))
        return None if fact is None else fact.growth

    def mean(detail: str) -> float | None:
        fact = known.get((HW_GPU_PCIE_THROUGHPUT, detail))
        return None if fact is None else fact.mean

    corrected, uncorrected = growth(HW_ERRORS, "corrected"), growth(HW_ERRORS, "uncorrected")
    links = known.get((HW_GPU_NVLINK_COUNT, ""))
    return GpuHealth(
        gpu_id=gpu_id,
        ecc_corrected=None if corrected is None else round(corrected),
        ecc_uncorrected=None if uncorrected is None else round(uncorrected),
        xids=[
            (detail.removeprefix("xid_"), round(fact.last))
            for (name, detail), fact in sorted(known.items())
            if name == HW_ERRORS and detail.startswith("xid_")
        ],
        pcie_sent_bytes_per_s=mean("transmit"),
        pcie_received_bytes_per_s=mean("receive"),
        nvlink_count=None if links is None else round(links.last),
        nvlink_sent_bytes=growth(HW_GPU_IO, "transmit"),
        nvlink_received_bytes=growth(HW_GPU_IO, "receive"),
    )
