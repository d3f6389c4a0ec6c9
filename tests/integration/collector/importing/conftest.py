"""Commands as users run them, and rows of every table with a value in every field."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from tachograph_store.client import Store
from tachograph_store.retention import Retention, expires
from tachograph_store.rows import (
    TABLES,
    EngineReadingRow,
    GpuReadingRow,
    RollupRow,
    ScoreRow,
    SpanRow,
)
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

DAY_NS = 86_400_000_000_000
Tachograph = Callable[..., "subprocess.CompletedProcess[str]"]


def run_tachograph(*arguments: object, home: Path | None = None) -> Any:
    """The command, to its end."""
    environment = {**os.environ, "COLUMNS": "200"}
    if home is not None:
        environment["TACHOGRAPH_HOME"] = str(home)
    return subprocess.run(
        [sys.executable, "-m", "tachograph_cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )


@pytest.fixture
def tachograph(store_server: StoreSettings) -> Tachograph:
    """Runs `tachograph …` on the shared store."""
    return partial(run_tachograph, home=store_server.directory.parent)


def span(project: str, number: int, **columns: Any) -> SpanRow:
    """A span with something in every column."""
    days = Retention.of(StoreSettings())
    start = columns.pop("start_time", time.time_ns() - number * 1_000_003)
    values: dict[str, Any] = {
        "trace_id": f"{number // 3 + 1:032x}",
        "span_id": f"{number + 1:016x}",
        "parent_span_id": f"{number:016x}" if number % 3 else "",
        "duration_ns": 2**63 + number,
        "name": f'chat "m"\r\n\t\\{number}',
        "kind": "CLIENT",
        "status_code": "ERROR",
        "status_message": "é漢\u2028",
        "service_name": f"shop-{number % 2}",
        "service_instance_id": "i-1",
        "scope_name": "scope",
        "scope_version": "1",
        "observer": "proxy",
        "request_id": "r-1",
        "is_counted": True,
        "operation": "chat",
        "provider": "vllm",
        "request_model": "m",
        "response_model": "m-1",
        "response_id": "id",
        "finish_reasons": ["stop", "length"],
        "error_type": "timeout",
        "is_streaming": bool(number % 2),
        "input_tokens": 10**15,
        "output_tokens": number,
        "cache_read_tokens": 3,
        "cache_write_tokens": 2,
        "reasoning_tokens": 1,
        "chunk_count": 2**32 - 1,
        "tenant": "t",
        "tenant_source": "attribute",
        "user": f"user-{number}",
        "session": "s",
        "variant": "v",
        "list_cost": Decimal("123456789.123456789"),
        "compute_cost": Decimal("0.000000001"),
        "reported_cost": Decimal("0.1"),
        "cost_currency": "USD",
        "attribution_method": "tokens",
        "prompt": '[{"role":"user","content":"\\u0000 a\r\nb"}]' * 3,
        "completion": "answer",
        "context": "",
        "truncated": ["name"],
        "attributes": {"a.b": "c", "": "\x07"},
        "resource_attributes": {"host.name": "h"},
        "event_times": [start + 1, start + 999_999_999],
        "event_names": ["one", "two"],
        "event_attributes": [{"x": "y"}, {}],
        "link_trace_ids": [f"{5:032x}"],
        "link_span_ids": [f"{5:016x}"],
        "content_hash": 2**64 - 1 - number,
    }
    for name, hint in get_type_hints(SpanRow).items():
        if hint == float | None:
            values[name] = 0.1 + number / 7
    dates = {
        "expires_on": expires(start, days.spans_days),
        "content_expires_on": expires(start, days.content_days),
    }
    return SpanRow(project=project, start_time=start, **{**values, **dates, **columns})


def sparse(project: str, number: int) -> SpanRow:
    """A span with nothing but what it must have."""
    days = Retention.of(StoreSettings())
    start = time.time_ns() - 3 * DAY_NS
    return SpanRow(
        project=project,
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=start,
        duration_ns=0,
        name="",
        expires_on=expires(start, days.spans_days),
        content_expires_on=expires(start, days.content_days),
    )


def write_everything(store: Store, project: str, spans: int = 40) -> None:
    """Rows of every table."""
    writer = Writer(store)
    days = Retention.of(StoreSettings())
    now = time.time_ns()
    writer.write_spans([span(project, number) for number in range(spans)])
    writer.write_spans([sparse(project, 10**6)])
    writer.write(
        "scores",
        [
            ScoreRow(
                project=project,
                trace_id=f"{2**60 + number:032x}",
                span_id=f"{number + 1:016x}",
                span_time=now - number,
                evaluator="safety",
                evaluator_version="1",
                name="pii",
                source="evaluator",
                value=1 / (number + 3) if number else None,
                label="pass",
                explanation="because\r\n",
                offsets=[(0, 2**32 - 1, "EMAIL"), (3, 4, "")],
                model="m",
                tenant="t",
                variant="v",
                duration_ns=5,
                cost=Decimal("0.000000007"),
                sample_weight=1.5,
                created_at=datetime.now(UTC),
                expires_on=expires(now, days.spans_days),
            )
            for number in range(5)
        ],
    )
    writer.write(
        "gpu_readings",
        [
            GpuReadingRow(
                project=project,
                gpu_id=f"GPU-{number}",
                time=now - number,
                gpu_index=number,
                power_w=99.1,
                throttle_reasons=2**40,
                attributes={"a": "b"},
                expires_on=expires(now, days.readings_days),
            )
            for number in range(3)
        ],
    )
    writer.write(
        "engine_readings",
        [
            EngineReadingRow(
                project=project,
                name="vllm:num_requests_running",
                labels={"le": "+Inf"},
                labels_hash=2**64 - 2,
                time=now,
                kind="gauge",
                value=float(2**60),
                expires_on=expires(now, days.readings_days),
            )
        ],
    )
    writer.write("rollups", [rollup(project, period_s) for period_s in (60, 3600)])


def rollup(project: str, period_s: int) -> RollupRow:
    """A rollup of a time whose spans are gone."""
    days = Retention.of(StoreSettings())
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=100)
    kinds: Mapping[Any, Any] = {
        str: "x",
        int: 7,
        int | None: None,
        float | None: 0.1,
        Decimal | None: Decimal("1.000000003"),
        Sequence[int]: [1, 2, 65535],
    }
    hints = get_type_hints(RollupRow)
    values = {name: kinds[hint] for name, hint in hints.items() if hint in kinds}
    own: dict[str, Any] = {
        "project": project,
        "period_s": period_s,
        "grouping": "all",
        "period_start": start,
        "is_deleted": 0,
        "spans_expire_on": date(2026, 1, 1),
        "expires_on": expires(start, days.rollups_days),
    }
    return RollupRow(**{**values, **own})


def stored(store: Store, project: str, table: str) -> list[dict[str, Any]]:
    """Every exported column of a project's rows."""
    own = {"project", "version", "stored_at", "booked_by", "booked_block", "booked_source"}
    names = [item.name for item in fields(TABLES[table]) if item.name not in own]
    return store.query(
        f"SELECT {', '.join(names)} FROM {table} FINAL WHERE project = {{project:String}} "
        f"ORDER BY {', '.join(names[:8])}",
        {"project": project},
    )
