"""Whatever is written, again, changed, taken away, and however often the job dies: every number is what
a slow oracle adds up from the spans that are there, before the job as after it.
"""

import dataclasses
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.module_store import module_store
from tests.integration.rollups.requests import HOUR, assert_same, counted, model_of, request

from tachograph_store.client import Store
from tachograph_store.queries.choices import choices
from tachograph_store.queries.counted import Dimension, counted_requests
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rollup import RollupJob
from tachograph_store.rollup_marks import mark_dirty
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

# The job visits every project: this module's only, not all that other tests wrote.
store_server, _, writer_store, _ = module_store()

# Two minutes before a whole hour to two behind it; identities keep their time, as spans do
MOMENTS = [HOUR + timedelta(seconds=-119 + 31 * number) for number in range(8)]
SELECTIONS: Sequence[tuple[timedelta, timedelta]] = (
    (timedelta(hours=-2), timedelta(hours=2)),
    (timedelta(hours=-1), timedelta(minutes=1, seconds=30)),
    (timedelta(seconds=-45), timedelta(seconds=45, microseconds=7)),
)

texts = st.sampled_from(["a", "b", None])
tokens = st.none() | st.integers(0, 1000)
money = st.none() | st.decimals("0", "10", places=9)
quarters = st.none() | st.integers(0, 400).map(lambda number: number / 4)  # sums are exact
facts = st.fixed_dictionaries(
    {
        "duration_ns": st.integers(0, 10**12),
        "status_code": st.sampled_from(["OK", "ERROR", "UNSET"]),
        "is_counted": st.sampled_from([True, True, True, False]),
        "request_model": texts,
        "response_model": texts,
        "tenant": texts,
        "variant": texts,
        "operation": st.sampled_from(["chat", "embeddings"]),
        "input_tokens": tokens,
        "output_tokens": tokens,
        "cache_read_tokens": tokens,
        "reasoning_tokens": tokens,
        "list_cost": money,
        "compute_cost": money,
        "reported_cost": money,
        "cost_currency": st.sampled_from(["USD", "EUR", None]),
        "gpu_seconds": quarters,
        "energy_j": quarters,
        "time_to_first_chunk_s": st.none() | st.floats(1e-6, 100),
    }
)
identities = st.integers(0, 15)
writes = st.tuples(st.just("write"), st.lists(st.tuples(identities, facts), min_size=1, max_size=6))
again = st.tuples(st.just("again"), st.integers(0, 5))
deletions = st.tuples(st.just("delete"), st.integers(0, 7))
jobs = st.tuples(st.just("job"), st.just(0))
crashes = st.tuples(st.just("crash"), st.integers(1, 5))
unsettled = st.tuples(st.just("unsettled"), st.just(0))
actions = st.lists(
    st.one_of(writes, again, deletions, jobs, crashes, unsettled), min_size=2, max_size=10
)


class World:
    """A project, and what must be in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.writer = Writer(store)
        self.project = uuid.uuid4().hex
        self.spans: dict[int, SpanRow] = {}
        self.batches: list[list[SpanRow]] = []
        self.count = 0

    def write(self, drawn: Sequence[tuple[int, dict[str, object]]]) -> None:
        rows = [self._span(number, changes) for number, changes in drawn]
        self.batches.append(rows)
        self.writer.write_spans(rows)
        self.spans.update((int(row.span_id, 16), row) for row in rows)

    def _span(self, number: int, changes: dict[str, object]) -> SpanRow:
        # An even number is a client's span, the odd one behind it the proxy's, its child
        self.count += 1
        row = request(self.project, number, MOMENTS[number % 8], content_hash=self.count)
        parent = number - 1 if number % 2 else None
        facts: dict[str, Any] = {
            **changes,
            "trace_id": f"{number // 2:032x}",
            "observer": "client" if parent is None else "proxy",
            "parent_span_id": "" if parent is None else f"{parent:016x}",
        }
        if parent is not None:
            # What the sidecar says of a request does not change; one of them is no model call
            facts["is_counted"] = number != 7
        return dataclasses.replace(row, **facts)

    def send_again(self, index: int) -> None:
        """The newest of each span of an old batch, in another batch."""
        if self.batches:
            batch = self.batches[index % len(self.batches)]
            known = {int(row.span_id, 16) for row in batch} & self.spans.keys()
            self.writer.write_spans([self.spans[number] for number in sorted(known)])

    def delete(self, moment: int) -> None:
        """Whole traces, as they are forgotten."""
        start_ns = nanoseconds(MOMENTS[moment])
        traces = {row.trace_id for row in self.spans.values() if row.start_time == start_ns}
        gone = [row for row in self.spans.values() if row.trace_id in traces]
        if not gone:
            return
        self.store.command(
            "DELETE FROM spans WHERE project = {project:String} "
            "AND trace_id IN {traces:Array(String)}",
            {"project": self.project, "traces": sorted(traces)},
        )
        self.spans = {n: row for n, row in self.spans.items() if row.trace_id not in traces}
        for row in gone:
            start = datetime.fromtimestamp(row.start_time // 10**9, UTC)
            mark_dirty(self.store, self.project, start, start + timedelta(seconds=1))

    def run_job(self, steps: int | None = None, settling: timedelta = timedelta(0)) -> None:
        for index, _ in enumerate(RollupJob(self.store, settling).steps()):
            if index + 1 == steps:
                return

    def check(self) -> None:
        """The total of one range, another one each time."""
        since, until = SELECTIONS[self.count % len(SELECTIONS)]
        self._check(Selection(project=self.project, since=HOUR + since, until=HOUR + until))

    def _check(self, selection: Selection) -> None:
        spans = counted(self.spans.values(), selection)
        found = counted_requests(self.store, selection)
        assert len(found) == bool(spans)
        if found:
            assert_same(found[0], spans)

    def check_all(self) -> None:
        for since, until in SELECTIONS:
            selection = Selection(project=self.project, since=HOUR + since, until=HOUR + until)
            self._check(selection)
            self._check_groups(selection, ("tenant", "model", "currency"), None)
            self._check_groups(selection, ("variant",), 60)
            self._check_groups(selection, ("model",), 3600)
            self._check(dataclasses.replace(selection, tenant="a"))
            self._check(dataclasses.replace(selection, model="b", variant="a"))
            self._check_choices(selection)

    def _check_choices(self, selection: Selection) -> None:
        spans = counted(self.spans.values(), selection)
        found = choices(self.store, selection)
        for names, named in (
            (found.models, [model_of(span) for span in spans]),
            (found.tenants, [span.tenant for span in spans]),
            (found.variants, [span.variant for span in spans]),
        ):
            requests = Counter(name for name in named if name)
            assert list(names) == sorted(requests, key=lambda name: (-requests[name], name))

    def check_marks(self) -> None:
        """After the job a plain sum of counted spans says the same."""
        rows = self.store.query(
            "SELECT count() AS requests FROM spans FINAL "
            "WHERE project = {project:String} AND is_counted",
            {"project": self.project},
        )
        since, until = SELECTIONS[0]
        whole = Selection(project=self.project, since=HOUR + since, until=HOUR + until)
        assert rows[0]["requests"] == len(counted(self.spans.values(), whole))

    def _check_groups(
        self, selection: Selection, by: Sequence[Dimension], step_s: int | None
    ) -> None:
        expected: dict[tuple[object, ...], list[SpanRow]] = {}
        for span in counted(self.spans.values(), selection):
            names = {
                "model": model_of(span),
                "tenant": span.tenant or "",
                "variant": span.variant or "",
                "currency": span.cost_currency or "",
            }
            step = span.start_time // 10**9 // step_s * step_s if step_s else 0
            expected.setdefault((step, *(names[name] for name in by)), []).append(span)
        found = counted_requests(self.store, selection, by, step_s=step_s)
        groups = {
            (one.group.step, *(getattr(one.group, name) for name in by)): one for one in found
        }
        assert groups.keys() == expected.keys()
        assert len(groups) == len(found)
        for group, one in groups.items():
            assert_same(one, expected[group])


@pytest.mark.timeout(1800)
@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(todo=actions)
def test_every_number_is_the_oracles(writer_store: Store, todo: list[tuple[str, object]]) -> None:
    world = World(writer_store)
    for name, argument in todo:
        match name, argument:
            case "write", list():
                world.write(argument)
            case "again", int():
                world.send_again(argument)
            case "delete", int():
                world.delete(argument)
            case "job", _:
                world.run_job()
            case "crash", int():
                world.run_job(steps=argument)
            case "unsettled", _:
                world.run_job(settling=timedelta(hours=1))
        world.check()
    world.run_job()
    world.check_all()
    world.check_marks()


def test_money_is_exact(writer_store: Store, project: str) -> None:
    price = Decimal("0.000000001")
    rows = [request(project, number, HOUR, list_cost=price) for number in range(1_000)]
    Writer(writer_store).write_spans(rows)
    RollupJob(writer_store, timedelta(0)).run()
    selection = Selection(project=project, since=HOUR, until=HOUR + timedelta(hours=1))
    assert counted_requests(writer_store, selection)[0].sums.list_cost == 1_000 * price
