"""The GPU page's questions of metrics: accounts, errors, processes, batches and cache."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tachograph_store.client import Store
from tachograph_store.queries.engine_pressure import batch_sizes, engine_pressure
from tachograph_store.queries.gpu_accounts import gpu_accounts, gpu_health, gpu_processes
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import EngineReadingRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 4, 12, tzinfo=UTC)
NAMES = ("drawn", "requests", "idle", "others", "unattributed")


def reading(
    project: str,
    name: str,
    second: int,
    value: float,
    labels: dict[str, str] | None = None,
    *,
    kind: str = "gauge",
    instance: str = "sidecar-1",
) -> EngineReadingRow:
    labels = labels or {}
    return EngineReadingRow(
        project=project,
        name=name,
        instance=instance,
        labels=labels,
        labels_hash=hash(tuple(sorted(labels.items()))) % 2**64,
        time=nanoseconds(NOON + timedelta(seconds=second)),
        kind=kind,
        value=value,
        expires_on=date(2099, 1, 1),
    )


def selection(project: str) -> Selection:
    return Selection(project=project, since=NOON, until=NOON + timedelta(minutes=10))


def account(
    project: str, second: int, values: tuple[float, ...], instance: str
) -> list[EngineReadingRow]:
    booked = "tachograph.proxy.energy.booked"
    return [
        reading(
            project,
            "tachograph.proxy.energy.drawn" if name == "drawn" else booked,
            second,
            value,
            {} if name == "drawn" else {"account": name},
            instance=instance,
        )
        for name, value in zip(NAMES, values, strict=True)
    ]


def test_accounts_of_all_sidecars_add_up(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    assert gpu_accounts(reader_store, selection(project)) is None
    rows = [
        *account(project, -60, (50, 20, 30, 0, 0), "sidecar-1"),  # before the range
        *account(project, 5, (100, 40, 60, 0, 0), "sidecar-1"),
        *account(project, 300, (1100, 640, 360, 110, -10), "sidecar-1"),
        *account(project, 10, (0, 0, 0, 0, 0), "sidecar-2"),
        *account(project, 400, (500, 200, 260, 30, 10), "sidecar-2"),
        reading(project, "tachograph.proxy.energy.error", 5, 0, {"account": "others"}),
        reading(project, "tachograph.proxy.energy.error", 300, 55, {"account": "others"}),
    ]
    Writer(writer_store).write("engine_readings", rows)
    Writer(writer_store).write("engine_readings", rows[:9])  # sent twice
    found = gpu_accounts(reader_store, selection(project))
    assert found is not None
    assert (found.drawn_j, found.requests_j, found.idle_j) == (1500, 800, 560)
    assert (found.others_j, found.others_error_j, found.unattributed_j) == (140, 55, 0)
    assert found.difference_j == 0 and found.holds


def test_much_unattributed_is_no_account_to_trust(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    Writer(writer_store).write(
        "engine_readings",
        [
            *account(project, 5, (0, 0, 0, 0, 0), "s"),
            *account(project, 300, (1000, 500, 450, 0, 50), "s"),
        ],
    )
    found = gpu_accounts(reader_store, selection(project))
    assert found is not None and found.unattributed_share == pytest.approx(0.05)
    assert not found.holds


def test_errors_and_links_by_device(reader_store: Store, writer_store: Store, project: str) -> None:
    gpu = {"hw.id": "GPU-1"}
    rows = []
    for second, corrected, sent in ((5, 3.0, 100.0), (300, 5.0, 700.0)):
        rows += [
            reading(
                project, "hw.errors", second, corrected, {**gpu, "error.type": "corrected"},
                kind="counter",
            ),
            reading(
                project, "hw.gpu.io", second, sent,
                {**gpu, "network.io.direction": "transmit"}, kind="counter",
            ),
            reading(
                project, "hw.gpu.pcie.throughput", second, sent,
                {**gpu, "network.io.direction": "receive"},
            ),
            reading(project, "hw.gpu.nvlink.count", second, 18, gpu),
        ]  # fmt: skip
    rows.append(
        reading(project, "hw.errors", 200, 2, {**gpu, "error.type": "xid_79"}, kind="counter")
    )
    Writer(writer_store).write("engine_readings", rows)
    (health,) = gpu_health(reader_store, selection(project))
    assert (health.gpu_id, health.ecc_corrected, health.ecc_uncorrected) == ("GPU-1", 2, None)
    assert (health.nvlink_count, health.nvlink_sent_bytes) == (18, 600)
    assert (health.pcie_received_bytes_per_s, health.pcie_sent_bytes_per_s) == (400, None)
    assert health.xids == [("79", 2)]


def test_processes_of_the_devices(reader_store: Store, writer_store: Store, project: str) -> None:
    def of(pid: str, name: str, is_engine: str) -> dict[str, str]:
        return {
            "hw.id": "GPU-1",
            "process.pid": pid,
            "process.executable.name": name,
            "tachograph.process.is_engine": is_engine,
        }

    engine, other = of("7", "vllm", "true"), of("8", "train", "false")
    rows = [
        reading(project, "process.gpu.utilization", 1, 0.4, engine),
        reading(project, "process.gpu.utilization", 2, 0.8, engine),
        reading(project, "process.gpu.memory.usage", 2, 5e9, engine),
        reading(project, "process.gpu.utilization", 2, 0.1, other),
    ]
    Writer(writer_store).write("engine_readings", rows)
    first, second = gpu_processes(reader_store, selection(project))
    assert (first.pid, first.process_name, first.is_engine) == (7, "vllm", "true")
    assert first.sm_ratio == pytest.approx(0.6) and first.memory_bytes == 5e9
    assert (second.pid, second.is_engine, second.memory_bytes) == (8, "false", None)


def test_batches_are_the_engines_own_or_the_proxys(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    writer = Writer(writer_store)
    proxy = "tachograph.proxy.requests_in_flight"
    writer.write("engine_readings", [reading(project, proxy, s, 1 + s % 2) for s in range(4)])
    found = batch_sizes(reader_store, selection(project))
    assert (found.source, found.readings) == ([proxy], [(1, 2), (2, 2)])
    sizes = [0, 0, 8, 8, 16, 8]
    writer.write(
        "engine_readings",
        [reading(project, "vllm:num_requests_running", s, size) for s, size in enumerate(sizes)],
    )
    found = batch_sizes(reader_store, selection(project))
    assert found.source == ["vllm:num_requests_running"]
    assert found.readings == [(0, 2), (8, 3), (16, 1)]
    assert found.mean == pytest.approx(10.0)


def test_cache_and_preemptions_in_steps(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    preempted = [(5, 10.0), (30, 12.0), (65, 15.0), (90, 1.0)]  # the engine began anew at the end
    rows = [
        *(
            reading(project, "vllm:num_preemptions_total", s, value, kind="counter")
            for s, value in preempted
        ),
        reading(project, "vllm:kv_cache_usage_perc", 5, 0.5),
        reading(project, "vllm:kv_cache_usage_perc", 30, 0.9),
        reading(project, "vllm:num_requests_waiting", 70, 4),
    ]
    Writer(writer_store).write("engine_readings", rows)
    first, second = engine_pressure(reader_store, selection(project), 60)
    assert (first.cache_ratio, first.preemptions, first.waiting) == (0.9, 2.0, None)
    assert (second.cache_ratio, second.preemptions, second.waiting) == (None, 4.0, 4.0)
    assert second.step - first.step == timedelta(minutes=1)
