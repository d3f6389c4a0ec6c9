"""Alerts count a request that a foreign client and the proxy saw once, before the job has come by."""

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.rollups.requests import HOUR, request

from tachograph_store.client import Store
from tachograph_store.queries.alerts import alerts_span_window
from tachograph_store.queries.selection import Selection
from tachograph_store.rollup import RollupJob
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

TRACE = f"{7:032x}"


def seen_by_both(project: str) -> dict[str, SpanRow]:
    client = request(project, 1, HOUR, trace_id=TRACE, observer="client", input_tokens=10)
    child: dict[str, Any] = {"trace_id": TRACE, "parent_span_id": client.span_id}
    proxy = request(project, 2, HOUR + timedelta(seconds=1), input_tokens=11, **child)
    return {"client": client, "proxy": proxy}


@pytest.mark.parametrize("job_runs", ["never in between", "in between", "afterwards"])
@pytest.mark.parametrize("first", ["client", "proxy"])
def test_a_request_counts_once(
    writer_store: Store, project: str, first: str, job_runs: str
) -> None:
    both = seen_by_both(project)
    alone = request(project, 3, HOUR, observer="client", input_tokens=100)
    writer = Writer(writer_store)
    writer.write_spans([both.pop(first), alone])
    if job_runs == "in between":
        RollupJob(writer_store, timedelta(0)).run()
    writer.write_spans([*both.values()])
    if job_runs == "afterwards":
        RollupJob(writer_store, timedelta(0)).run()
    since = HOUR - timedelta(minutes=5)
    window = Selection(project=project, since=since, until=HOUR + timedelta(minutes=5))
    measures = alerts_span_window(writer_store, window)
    assert (measures["requests"].value, measures["input_tokens"].value) == (2, 111)
