"""Readings of the monitor's threads, brought to the ledger on its event loop; its accounts told."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from tachograph._internal.delivery import MetricPoint
from tachograph.semconv.metrics import (
    ACCOUNT,
    PROXY_ENERGY_BOOKED,
    PROXY_ENERGY_DRAWN,
    PROXY_ENERGY_ERROR,
)
from tachograph_sidecar.ledger.settlement import GpuLedger

_TELL_S: Final = 5.0
UNATTRIBUTED: Final = "unattributed"


class LedgerFeed:
    """The ledger's `ReadingListener`; settles what can be settled at each reading of the power.

    Args:
        ledger: lives on `loop`.
        loop: where its calls go.
        on_points: given the ledger's accounts as counters, every few seconds.
    """

    def __init__(
        self,
        ledger: GpuLedger,
        loop: asyncio.AbstractEventLoop,
        on_points: Callable[[Sequence[MetricPoint]], object],
    ) -> None:
        self._ledger = ledger
        self._loop = loop
        self._on_points = on_points
        self._told_at = time.monotonic()

    def power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        self._call(self._take_power, at_ns, list(watts))

    def energy(self, at_ns: int, device: int, joules: float) -> None:
        self._call(self._ledger.meter.counter, device, at_ns, joules)

    def others(self, at_ns: int, share: float | None) -> None:
        self._call(self._take_others, at_ns, share)

    def lost(self) -> None:
        self._call(self._ledger.lose_devices)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _take_others(self, at_ns: int, share: float | None) -> None:
        self._ledger.others.add(at_ns, share)

    def _take_power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        for device, value in enumerate(watts):
            if value is not None:
                self._ledger.meter.power(device, at_ns, value)
        self._ledger.settle(at_ns)
        if time.monotonic() - self._told_at >= _TELL_S:
            self._told_at = time.monotonic()
            self._on_points(account_points(self._ledger, time.time_ns()))


def account_points(ledger: GpuLedger, time_unix_ns: int) -> list[MetricPoint]:
    """What was drawn and where it went; empty before the first joule.

    The unattributed is a gauge: it may fall. Other processes have an account once they were seen, its
    doubt beside it.
    """
    accounts = ledger.accounts
    if not accounts.counter_j:
        return []

    def point(name: str, joules: float, account: str | None = None) -> MetricPoint:
        is_gauge = account == UNATTRIBUTED or name == PROXY_ENERGY_ERROR
        return MetricPoint(
            name=name,
            unit="J",
            kind="gauge" if is_gauge else "counter",
            value=joules,
            time_unix_nano=time_unix_ns,
            attributes={} if account is None else {ACCOUNT: account},
        )

    points = [
        point(PROXY_ENERGY_DRAWN, accounts.counter_j),
        point(PROXY_ENERGY_BOOKED, accounts.requests_j, "requests"),
        point(PROXY_ENERGY_BOOKED, accounts.idle_j, "idle"),
        point(PROXY_ENERGY_BOOKED, accounts.unattributed_j, UNATTRIBUTED),
    ]
    if accounts.others_known_s:
        points.append(point(PROXY_ENERGY_BOOKED, accounts.others_j, "others"))
        points.append(point(PROXY_ENERGY_ERROR, accounts.others_error_j, "others"))
    return points
