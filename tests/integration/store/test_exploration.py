"""Sessions, the first in some order, and what ran beside a request."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.queries.finding import Order, find_traces
from tachograph_store.queries.neighbours import neighbourhood
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.queries.sessions import list_sessions
from tachograph_store.queries.slowness import slowness
from tachograph_store.queries.top import TopKind, TopOrder, top_segments
from tachograph_store.queries.traces import TraceFilter, list_traces, trace_spans
from tachograph_store.rows import EngineReadingRow, GpuReadingRow, SpanRow
from tachograph_store.writer import Writer

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
NOON_NS = nanoseconds(NOON)
SECOND_NS = 1_000_000_000
FAR = date(2099, 1, 1)


def call(project: str, number: int, start_s: float = 0.0, **changes: object) -> SpanRow:
    row = SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=NOON_NS + int(start_s * SECOND_NS),
        duration_ns=SECOND_NS,
        name="chat",
        service_name="sidecar",
        service_instance_id="engine-1",
        observer="proxy",
        is_counted=True,
        content_hash=number,
        expires_on=FAR,
        content_expires_on=FAR,
    )
    return dataclasses.replace(row, **changes)  # type: ignore[arg-type]


def day(project: str, **changes: object) -> Selection:
    whole = Selection(
        project=project, since=NOON - timedelta(days=4), until=NOON + timedelta(days=1)
    )
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


@pytest.fixture
def sessions(writer_store: Store, project: str) -> str:
    """Seven sessions: session k has k traces, the last of them k * 9 hours before noon."""
    rows = [
        call(
            project,
            session * 100 + trace,
            -session * 9 * 3600 - trace,
            session=f"session-{session}",
            user=f"user-{session % 2}",
            tenant="acme" if session < 4 else "globex",
            input_tokens=10 * session,
            list_cost=Decimal("0.25"),
            status_code="ERROR" if trace == 3 else "UNSET",
        )
        for session in range(1, 8)
        for trace in range(session)
    ]
    Writer(writer_store).write_spans([*rows, call(project, 9999, is_counted=True)])
    return project


def test_sessions_in_pages_without_gap_or_repeat(reader_store: Store, sessions: str) -> None:
    found: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = list_sessions(reader_store, day(sessions), limit=2, cursor=cursor)
        found += [line.session for line in page.sessions]
        cursor = page.next_cursor
    assert found == [f"session-{number}" for number in range(1, 8)]
    assert cursor is None


def test_a_session_says_what_it_took(reader_store: Store, sessions: str) -> None:
    line = list_sessions(reader_store, day(sessions)).sessions[4]
    assert (line.session, line.user, line.tenant) == ("session-5", "user-1", "globex")
    assert (line.trace_count, line.request_count, line.error_count) == (5, 5, 1)
    assert (line.input_tokens, line.output_tokens) == (250, None)
    assert (line.list_cost, line.compute_cost) == (Decimal("1.25"), None)
    assert line.last_active_at == NOON_NS - 5 * 9 * 3600 * SECOND_NS
    assert line.duration_ns == 5 * SECOND_NS


def test_sessions_are_filtered_like_traces(reader_store: Store, sessions: str) -> None:
    found = list_sessions(reader_store, day(sessions, tenant="globex")).sessions
    assert [line.session for line in found] == [f"session-{number}" for number in range(4, 8)]
    with pytest.raises(QueryRefused, match="cursor"):
        list_sessions(reader_store, day(sessions), cursor="nonsense!")


@pytest.mark.lesson(21)
def test_the_traces_of_a_large_session_are_paged(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    rows = [call(project, number + 1, number, session="large") for number in range(1_203)]
    Writer(writer_store).write_spans(rows)
    wanted = TraceFilter(
        project=project, since=NOON, until=NOON + timedelta(days=1), session="large"
    )
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = list_traces(reader_store, wanted, limit=500, cursor=cursor)
        found += [line.trace_id for line in page.traces]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [row.trace_id for row in reversed(rows)]
    assert list_sessions(reader_store, day(project)).sessions[0].trace_count == 1_203


@pytest.mark.lesson(12, 22)
def test_a_large_trace_is_whole(reader_store: Store, writer_store: Store, project: str) -> None:
    first = call(project, 1)
    rows = [
        dataclasses.replace(first, span_id=f"{number:016x}", content_hash=number)
        for number in range(3_000)
    ]
    Writer(writer_store).write_spans(rows)
    assert len(trace_spans(reader_store, project, first.trace_id)) == 3_000


@pytest.fixture
def unlike(writer_store: Store, project: str) -> str:
    """Three requests, each the first in one order."""
    rows = [
        call(project, 1, 1, duration_ns=9 * SECOND_NS, input_tokens=1, output_tokens=1, user="a"),
        call(project, 2, 2, list_cost=Decimal(9), input_tokens=2, output_tokens=1, user="b"),
        call(project, 3, 3, input_tokens=50, output_tokens=1, user="c", request_model="m"),
        call(project, 4, 4, input_tokens=40, output_tokens=90, user="d", tenant="acme"),
    ]
    Writer(writer_store).write_spans(rows)
    return project


@pytest.mark.parametrize(
    ("order", "first"),
    [("slowest", 1), ("dearest", 2), ("longest_prompt", 3), ("most_tokens", 4), ("newest", 4)],
)
def test_the_first_requests_in_an_order(
    reader_store: Store, unlike: str, order: Order, first: int
) -> None:
    found = find_traces(reader_store, day(unlike), order=order).traces
    assert int(found[0].trace_id, 16) == first
    assert len(found) == 4


@pytest.mark.parametrize(
    ("order", "first"),
    [("slowest", "a"), ("dearest", "b"), ("longest_prompt", "c"), ("most_tokens", "d")],
)
def test_the_first_users_in_an_order(
    reader_store: Store, unlike: str, order: TopOrder, first: str
) -> None:
    found = top_segments(reader_store, day(unlike), "user", order)
    assert found[0].segment == first
    assert {segment.segment for segment in found} == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("by", "segments"), [("model", ["m"]), ("tenant", ["acme"]), ("session", [])]
)
def test_requests_without_the_fact_have_no_segment(
    reader_store: Store, unlike: str, by: TopKind, segments: list[str]
) -> None:
    found = top_segments(reader_store, day(unlike), by, "most_tokens")
    assert [segment.segment for segment in found] == segments


def test_neighbours_are_those_who_shared_time_on_the_engine(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    slow = call(
        project,
        1,
        100,
        duration_ns=10 * SECOND_NS,
        resource_attributes={"host.name": "node-1"},
    )
    rows = [
        slow,
        call(project, 2, 99, duration_ns=3 * SECOND_NS, queue_s=0.5, prefill_s=1.0, tenant="acme"),
        call(project, 3, 105, duration_ns=60 * SECOND_NS, input_tokens=900, prefill_s=2.0),
        call(project, 4, 98),  # over before
        call(project, 5, 110),  # began when it was over
        call(project, 6, 101, service_instance_id="engine-2"),
        call(project, 7, 101, is_counted=False),
        call(project, 8, 20, duration_ns=85 * SECOND_NS),
    ]
    readings = [
        GpuReadingRow(
            project=project,
            gpu_id=f"GPU-{host}",
            time=slow.start_time + second * SECOND_NS,
            host=f"node-{host}",
            power_w=300.0 + second if second < 60 else 1.0,
            expires_on=FAR,
        )
        for host in (1, 2)
        for second in (0, 5, 3600)
    ]
    writer = Writer(writer_store)
    writer.write_spans(rows)
    writer.write("gpu_readings", readings)
    around = neighbourhood(reader_store, slow)
    assert [int(near.trace_id, 16) for near in around.neighbours] == [8, 3, 2]
    assert around.total == 3
    assert len(neighbourhood(reader_store, slow, limit=1).neighbours) == 1
    assert neighbourhood(reader_store, slow, limit=1).total == 3
    steady, late, early = around.neighbours
    assert (late.shared_ns, late.shared_prefill_s, late.shared_decode_s) == (5e9, 2.0, 3.0)
    assert (steady.shared_ns, steady.shared_prefill_s) == (5e9, None)
    assert (early.shared_ns, early.shared_prefill_s, early.shared_decode_s) == (2e9, 0.5, 1.5)
    assert [(d.gpu_id, d.mean_power_w) for d in around.devices] == [("GPU-1", 302.5)]


def test_a_slow_request_is_explained_by_what_is_stored_of_its_time(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    """Nine usual calls tell the speed of the engine; a neighbour's prompt then holds one up."""
    phases = {"response_model": "m", "input_tokens": 1000, "output_tokens": 101}
    usual = [
        call(
            project,
            10 + number,
            -600.0 + 10 * number,
            **phases,
            duration_ns=2 * SECOND_NS,
            prefill_s=1.0,
            decode_s=1.0,
        )
        for number in range(9)
    ]
    slow = call(
        project,
        1,
        0.0,
        **phases,
        duration_ns=6 * SECOND_NS,
        prefill_s=1.0,
        decode_s=4.5,
        attributes={"tachograph.proxy.queue_time": "0.5"},
        resource_attributes={"host.name": "node-1"},
    )
    near = call(project, 2, 2.0, **phases, duration_ns=9 * SECOND_NS, prefill_s=3.0)
    readings = [
        GpuReadingRow(
            project=project,
            gpu_id="GPU-1",
            time=slow.start_time + second * SECOND_NS,
            host="node-1",
            throttle_reasons=64 if second == 5 else 0,
            expires_on=FAR,
        )
        for second in (1, 5)
    ]
    writer = Writer(writer_store)
    writer.write_spans([*usual, slow, near])
    writer.write("gpu_readings", readings)
    found = slowness(reader_store, slow)
    assert found.norm_calls == 11
    seconds = {part.cause: part.seconds for part in found.parts}
    assert seconds == {
        "neighbour_prefill": pytest.approx(3.0),
        "own_prompt": pytest.approx(1.0),
        "own_answer": pytest.approx(1.0, rel=0.05),
        "admission_queue": pytest.approx(0.5),
        "throttled": pytest.approx(0.25, abs=0.05),
        "busy_batch": pytest.approx(0.25, abs=0.05),
    }
    assert found.parts[0].cause == "neighbour_prefill"
    writer.write(
        "engine_readings",
        [
            EngineReadingRow(
                project=project,
                name="vllm:num_preemptions_total",
                instance="engine-1",
                time=slow.start_time + second * SECOND_NS,
                kind="counter",
                value=value,
                expires_on=FAR,
            )
            for second, value in ((-5, 3.0), (4, 4.0))
        ],
    )
    pressed = {part.cause for part in slowness(reader_store, slow).parts}
    assert "kv_pressure" in pressed and "busy_batch" not in pressed


def test_what_an_engine_does_not_say_is_told_by_the_rest(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    """llama.cpp tells of its work only: what lay before it was a queue, what came after a client
    that did not read. Its neighbour waited too before its prompt was computed."""
    told: dict[str, Any] = {"prefill_s": 0.5, "decode_s": 1.0, "response_model": "m"}
    queued = call(project, 1, **told, duration_ns=5 * SECOND_NS, time_to_first_chunk_s=4.0)
    near = call(project, 2, -2.0, **told, duration_ns=4 * SECOND_NS, time_to_first_chunk_s=3.0)
    whole = call(project, 3, 100.0, **told, duration_ns=5 * SECOND_NS)
    also = call(project, 4, 99.0, duration_ns=3 * SECOND_NS)
    unread = call(
        project,
        5,
        200.0,
        **told,
        duration_ns=9 * SECOND_NS,
        time_to_first_chunk_s=0.5,
        attributes={"tachograph.proxy.client_wait_time": "7.4"},
    )
    Writer(writer_store).write_spans([queued, near, whole, also, unread])

    def first(row: SpanRow) -> tuple[str, Any]:
        part = slowness(reader_store, row).parts[0]
        return part.cause, part.seconds

    assert first(queued) == ("engine_queue", pytest.approx(3.5))
    assert first(whole) == ("engine_queue", pytest.approx(3.5))
    assert first(unread) == ("slow_client", pytest.approx(7.4))
    [beside] = neighbourhood(reader_store, queued).neighbours
    assert beside.prefill_start_time == near.start_time + 2.5 * SECOND_NS
    assert beside.shared_prefill_s == pytest.approx(0.5)


def test_a_trace_of_many_spans_hides_no_other(
    reader_store: Store, writer_store: Store, project: str
) -> None:
    large = call(project, 1, duration_ns=9 * SECOND_NS)
    rows = [
        dataclasses.replace(large, span_id=f"{number:016x}", content_hash=number)
        for number in range(10_001)
    ]
    Writer(writer_store).write_spans([*rows, *(call(project, at, at) for at in (2, 3, 4))])
    expectations: list[tuple[Order, list[int]]] = [
        ("slowest", [1, 4, 3, 2]),
        ("newest", [4, 3, 2, 1]),
    ]
    for order, expected in expectations:
        found = find_traces(reader_store, day(project), order=order).traces
        assert [int(line.trace_id, 16) for line in found] == expected
