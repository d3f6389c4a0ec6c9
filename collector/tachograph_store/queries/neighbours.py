"""What else ran while a slow request ran: other requests on its engine, and the devices' readings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.gpu import GpuDevice, gpu_devices
from tachograph_store.queries.selection import Selection
from tachograph_store.rows import SpanRow

MAX_NEIGHBOURS = 100
_READING_MARGIN = timedelta(seconds=15)  # devices are read every second to every ten


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A model call that shared time with the span.

    `shared_*` is how much of its whole, its prefill and its decoding fell into the span's time;
    None where its phases are unknown. Without an engine's own figures, prefill is the time to the
    first chunk; with them it ended with the first chunk, or where decoding began.
    """

    trace_id: str
    span_id: str
    start_time: int  # ns since the epoch
    duration_ns: int
    model: str | None
    tenant: str | None
    status_code: str
    input_tokens: int | None
    output_tokens: int | None
    queue_s: float | None
    prefill_s: float | None
    prefill_start_time: int | None  # ns since the epoch
    shared_ns: int
    shared_prefill_s: float | None
    shared_decode_s: float | None
    total: int  # neighbours there were, listed or not


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What ran beside a span; `devices` are those of its host, or all when the host has none."""

    neighbours: Sequence[Neighbour]
    total: int
    devices: Sequence[GpuDevice]


def neighbourhood(store: Store, span: SpanRow, limit: int = MAX_NEIGHBOURS) -> Neighbourhood:
    """Calls on the span's engine while it ran, and its devices' readings of that time.

    The engine is the service instance that reported the span; a span without one is compared with
    its service. Calls that began more than an hour before the span are not looked for.
    """
    stop_ns = span.start_time + max(span.duration_ns, 1)
    found = run(
        store,
        "neighbours",
        Neighbour,
        project=span.project,
        trace_id=span.trace_id,
        span_id=span.span_id,
        service_name=span.service_name,
        instance=span.service_instance_id,
        start_ns=span.start_time,
        stop_ns=stop_ns,
        limit=max(1, min(limit, MAX_NEIGHBOURS)),
    )
    around = Selection(
        project=span.project,
        since=_moment(span.start_time) - _READING_MARGIN,
        until=_moment(stop_ns) + _READING_MARGIN,
    )
    devices = gpu_devices(store, around)
    host = span.resource_attributes.get("host.name")
    return Neighbourhood(
        neighbours=found,
        total=found[0].total if found else 0,
        devices=[device for device in devices if device.host == host] or devices,
    )


def _moment(time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
