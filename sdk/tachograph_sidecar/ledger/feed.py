"""Readings of the monitor's threads, brought to the ledger on its event loop; its accounts told."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from tachograph._internal.delivery import MetricPoint
from tachograph.semconv.metrics import ACCOUNT, PROXY_ENERGY_BOOKED, PROXY_ENERGY_DRAWN
from tachograph_sidecar.ledger.settlement import GpuLedger

_TELL_S: Final = 5.0


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

    def lost(self) -> None:
        self._call(self._ledger.lose_devices)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _take_power(self, at_ns: int, watts: Sequence[float | None]) -> None:
        for device, value in enumerate(watts):
            if value is not None:
                self._ledger.meter.power(device, at_ns, value)
        self._ledger.settle(at_ns)
        if time.monotonic() - self._told_at >= _TELL_S:
            self._told_at = time.monotonic()
            self._on_points(account_points(self._ledger, time.time_ns()))


def account_points(ledger: GpuLedger, time_unix_ns: int) -> list[MetricPoint]:
    """What was drawn and how it was booked; empty before the first joule."""
    accounts = ledger.accounts
    if not accounts.counter_j:
        return []
    booked = {
        "requests": accounts.requests_j,
        "idle": accounts.idle_j,
        "unattributed": accounts.unattributed_j,
    }
    return [
        _counter(PROXY_ENERGY_DRAWN, accounts.counter_j, time_unix_ns, {}),
        *(
            _counter(PROXY_ENERGY_BOOKED, joules, time_unix_ns, {ACCOUNT: account})
            for account, joules in booked.items()
        ),
    ]


def _counter(name: str, joules: float, time_unix_ns: int, labels: dict[str, str]) -> MetricPoint:
    return MetricPoint(
        name=name,
        unit="J",
        kind="counter",
        value=joules,
        time_unix_nano=time_unix_ns,
        attributes=dict(labels),
    )
