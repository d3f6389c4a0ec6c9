"""How the engine reads for every question that pages ask: by key, by partition, by index.

A new query needs its line in `PLANS`, or a prefix in `JOBS` when no page waits for it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.store.conftest import OwnStore

from tachograph_store.client import Store, connect
from tachograph_store.named import query_names, query_text
from tachograph_store.queries.selection import nanoseconds

JOBS = (
    "alerts_",
    "backfill_",
    "evaluation_",
    "feedback_",
    "import_",
    "retention_",
    "rollup_",
    "forget_",
    "forgotten_",
    "export_",
    "ledger_",
)
"""Prefixes of queries that jobs and commands ask: nobody waits in front of a page."""

DAYS = 6
NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)
SINCE, UNTIL = NOON - timedelta(hours=3), NOON
TRACE = "0" * 31 + "8"

PARAMETERS: dict[str, Any] = {
    "project": "p",
    "since_ns": nanoseconds(SINCE),
    "until_ns": nanoseconds(UNTIL),
    "models": [],
    "tenants": [],
    "variants": [],
    "users": [],
    "sessions": [],
    "statuses": [],
    "observers": [],
    "counted": [],
    "text": "",
    "before_ns": nanoseconds(UNTIL),
    "before_trace_id": "g",
    "among": [],
    "is_narrow": False,
    "before_session": "z",
    "limit": 50,
    "depth": 10_000,
    "trace_ids": [TRACE],
    "trace_id": TRACE,
    "span_id": "0" * 16,
    "spans": [],
    "newest_ns": nanoseconds(UNTIL),
    "oldest_ns": nanoseconds(SINCE),
    "only": "",
    "has_skips": False,
    "has_told": False,
    "events": ["gen_ai.choice"],
    "quiet_partitions": [],
    "order": "newest",
    "price": "",
    "operations": ["chat"],
    "threshold": 0.5,
    "whole_from": "",
    "whole_until": "",
    "is_whole": False,
    "words": "",
    "phrase_1": "",
    "phrase_2": "",
    "phrase_3": "",
    "part": "",
    "name": "relevance",
    "step_s": 600,
    "start_ns": nanoseconds(SINCE),
    "stop_ns": nanoseconds(SINCE) + 1_000_000_000,
    "service_name": "s",
    "instance": "",
    "model": "m",
    "by": "user",
    "response_ids": ["r"],
    # of rollups
    "by_model": True,
    "by_tenant": False,
    "by_variant": False,
    "with_times": True,
    "grouping": "model",
    "hours_since_s": int(SINCE.timestamp()),
    "hours_until_s": int(UNTIL.timestamp()),
    "minutes_since_s": int(SINCE.timestamp()),
    "minutes_until_s": int(UNTIL.timestamp()),
    "raw_hours": [],
    "raw_minutes": [],
    "tail_ns": nanoseconds(UNTIL - timedelta(minutes=2)),
    "child_since_ns": nanoseconds(SINCE),
    "child_until_ns": nanoseconds(UNTIL),
    "child_tail_ns": nanoseconds(UNTIL - timedelta(minutes=2)),
    "child_minutes": 12,
    "child_early_s": 60,
    "has_doubles": True,
    # of days that were added up
    "days": [],
    "versions": [],
    "known_partitions": [],
}


@dataclass(frozen=True)
class Plan:
    """What must be seen of each read of `table`.

    `narrowed`: a project's rows of some days only are read; `skips`: these indexes leave out
    granules besides. Without both, the primary key at least finds the project.
    """

    table: str
    narrowed: bool = True
    skips: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


BY_TRACE = Plan("spans", narrowed=False, skips=("trace_id_index",))
SCORES_BY_TRACE = Plan("scores", narrowed=False, skips=("trace_id_index",))
WHOLE = {"since_ns": nanoseconds(NOON - timedelta(days=DAYS))}
SPANS_OF_RANGE, SCORES_OF_RANGE = Plan("spans"), Plan("scores")
WHOLE_DAYS = WHOLE | {
    "whole_from": f"{NOON - timedelta(days=3):%Y%m%d}",
    "whole_until": f"{NOON - timedelta(days=1):%Y%m%d}",
}
ONLY_WHOLE_DAYS = WHOLE_DAYS | {"is_whole": True}
ADDED_UP = {
    "days": [(NOON - timedelta(days=back)).date() for back in (3,)],
    "versions": [1],
    "known_partitions": [f"{NOON - timedelta(days=back):%Y%m%d}" for back in (3,)],
}
QUIET = [f"{NOON - timedelta(days=back):%Y%m%d}" for back in (2, 3)]

PLANS: dict[str, list[Plan]] = {
    "batch_sizes": [Plan("engine_readings", parameters={"names": ["vllm:num_requests_running"]})],
    "choices_rollups": [Plan("rollups", narrowed=False)],
    "counted_rollups": [Plan("rollups", narrowed=False)],
    "counted_spans": [SPANS_OF_RANGE],
    "day_tops": [Plan("day_rollups", narrowed=False, parameters=ADDED_UP | {"looked_at": 1000})],
    "deliveries_list": [Plan("deliveries", narrowed=False)],
    "engine_pressure": [
        Plan(
            "engine_readings",
            parameters={
                "cache_names": ["vllm:kv_cache_usage_perc"],
                "preemption_names": ["vllm:num_preemptions_total"],
                "waiting_names": ["vllm:num_requests_waiting"],
            },
        )
    ],
    "gpu_accounts": [Plan("engine_readings")],
    "gpu_devices": [Plan("gpu_readings")],
    "gpu_health": [Plan("engine_readings")],
    "gpu_processes": [Plan("engine_readings")],
    "gpu_series": [Plan("gpu_readings")],
    "machine_use": [Plan("gpu_readings", parameters={"max_gap_s": 120})],
    "incidents_list": [Plan("incidents", narrowed=False)],
    "neighbours": [SPANS_OF_RANGE],
    "slowness_engine": [Plan("engine_readings")],
    "slowness_norms": [SPANS_OF_RANGE],
    "overview_day_answers": [Plan("day_rollups", narrowed=False, parameters=ADDED_UP)],
    "overview_left_out": [SPANS_OF_RANGE, SCORES_OF_RANGE],
    "overview_skips": [Plan("jobs", narrowed=False)],
    "overview_unscored": [
        SPANS_OF_RANGE,
        SCORES_OF_RANGE,
        Plan("spans", parameters=ONLY_WHOLE_DAYS),
        Plan("scores", parameters=ONLY_WHOLE_DAYS),
    ],
    "quality_distribution": [SCORES_OF_RANGE],
    "quality_errors": [SCORES_OF_RANGE],
    "quality_series": [SCORES_OF_RANGE],
    "quality_summary": [SCORES_OF_RANGE],
    "quality_worst": [SCORES_OF_RANGE],
    "rules_seen": [Plan("incidents", narrowed=False)],
    "sessions_lines": [
        SPANS_OF_RANGE,
        Plan("spans", False, ("session_index",), WHOLE | {"sessions": ["session-4"]}),
    ],
    "sessions_page": [SPANS_OF_RANGE],
    "span_facts": [replace(BY_TRACE, parameters={"spans": [TRACE + "0" * 16]})],
    "span_of_response": [Plan("spans", narrowed=False)],
    "told_any": [
        Plan("spans", parameters={"has_told": True}),
        Plan("spans", parameters=WHOLE | {"has_told": True, "quiet_partitions": QUIET}),
    ],
    "top_segments": [
        Plan("spans", parameters=WHOLE_DAYS),
        Plan("spans", parameters=WHOLE_DAYS | ADDED_UP),
        Plan("day_rollups", narrowed=False, parameters=WHOLE_DAYS | ADDED_UP),
    ],
    "trace_scores": [SCORES_BY_TRACE],
    "trace_spans": [BY_TRACE],
    "traces_found": [
        SPANS_OF_RANGE,
        Plan("spans", False, ("searched_index",), WHOLE | {"words": "rare4711"}),
        Plan("spans", False, ("searched_index",), WHOLE | {"phrase_1": "rare4711 word"}),
        Plan("spans", False, ("searched_index",), WHOLE | {"part": "%are4711%"}),
        Plan("spans", parameters=ONLY_WHOLE_DAYS | {"order": "dearest", "price": "list"}),
        Plan("spans", parameters=ONLY_WHOLE_DAYS | {"order": "dearest", "price": "compute"}),
        Plan("spans", parameters=ONLY_WHOLE_DAYS | ADDED_UP | {"order": "slowest"}),
        Plan("spans", parameters={"only": "low_score"}),
        Plan("spans", parameters={"only": "unscored"}),
        Plan("spans", parameters={"only": "unscored", "has_skips": True}),
        Plan("spans", parameters={"only": "unscored", "has_told": True}),
    ],
    "traces_lines": [Plan("spans", skips=("trace_id_index",))],
    "traces_page": [
        SPANS_OF_RANGE,
        Plan("spans", False, ("session_index",), WHOLE | {"sessions": ["session-4"]}),
        Plan("spans", False, ("user_index",), WHOLE | {"users": ["user-4"]}),
        Plan("spans", False, ("trace_id_index",), WHOLE | {"among": [TRACE]}),
    ],
    "traces_scores": [Plan("scores", skips=("trace_id_index",))],
}

SPANS = """
INSERT INTO spans (project, trace_id, span_id, start_time, duration_ns, name, is_counted, operation,
    session, user, prompt, completion, content_hash, version, stored_at, expires_on,
    content_expires_on)
SELECT ['p', 'q'][1 + number % 2], leftPad(hex(number), 32, '0'), leftPad(hex(number), 16, '0'),
    fromUnixTimestamp64Nano(1789041600000000000 - toInt64(number) * 10000000000, 'UTC'), 1000, 'chat',
    true, 'chat', concat('session-', toString(intDiv(number, 40))),
    concat('user-', toString(intDiv(number, 400))), concat('rare', toString(number), ' word'), 'yes',
    number, 1, now64(6), toDate('2099-01-01'), toDate('2099-01-01')
FROM numbers(51840)
"""
SCORES = """
INSERT INTO scores (project, trace_id, span_id, span_time, evaluator, name, source, value,
    created_at, version, stored_at, expires_on)
SELECT project, trace_id, span_id, start_time, 'e', 'relevance', 'evaluator', 0.5, now64(6), 1,
    now64(6), toDate('2099-01-01')
FROM spans
"""
LEASES = """
INSERT INTO jobs (project, kind, trace_id, span_id, evaluator, state, created_at, version, expires_on)
SELECT project, 'evaluation', trace_id, span_id, 'e', 'skipped', start_time, 1, toDate('2099-01-01')
FROM spans
"""
READINGS = """
INSERT INTO gpu_readings (project, gpu_id, time, version, stored_at, expires_on)
SELECT project, 'GPU-1', start_time, 1, now64(6), toDate('2099-01-01') FROM spans
"""
ENGINE_READINGS = """
INSERT INTO engine_readings (project, name, instance, time, kind, value, version, stored_at, expires_on)
SELECT project, 'vllm:kv_cache_usage_perc', '', start_time, 'gauge', 0.5, 1, now64(6),
    toDate('2099-01-01')
FROM spans
"""
INCIDENTS = """
INSERT INTO incidents (project, incident_id, pending_at, version, expires_on)
SELECT ['p', 'q'][1 + number % 2], toString(number), now64(6), 1, toDate('2099-01-01')
FROM numbers(20000)
"""
DELIVERIES = """
INSERT INTO deliveries (project, delivery_id, created_at, version, expires_on)
SELECT ['p', 'q'][1 + number % 2], toString(number), now64(6), 1, toDate('2099-01-01')
FROM numbers(20000)
"""
ROLLUPS = """
INSERT INTO rollups (project, period_start, period_s, grouping, version, expires_on)
SELECT ['p', 'q'][1 + number % 2], toDateTime(1789041600 - number * 60, 'UTC'), 60, 'model', 1,
    toDate('2099-01-01')
FROM numbers(20000)
"""
DAY_ROLLUPS = """
INSERT INTO day_rollups (project, kind, day, segment, version, expires_on)
SELECT ['p', 'q'][1 + number % 2], ['user', 'answers'][1 + intDiv(number, 2) % 2],
    toDate('2026-09-10') - intDiv(number, 4000), toString(number), 1, toDate('2099-01-01')
FROM numbers(40000)
"""
TABLES = (
    "day_rollups",
    "spans",
    "scores",
    "jobs",
    "gpu_readings",
    "engine_readings",
    "incidents",
    "deliveries",
    "rollups",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two projects over six days, merged: a reader of them."""
    own = OwnStore(tmp_path_factory.mktemp("plans"), {})
    try:
        own.start()
        with connect(own.settings, "writer") as writer:
            for sql in (
                SPANS,
                SCORES,
                LEASES,
                READINGS,
                ENGINE_READINGS,
                INCIDENTS,
                DELIVERIES,
                ROLLUPS,
                DAY_ROLLUPS,
            ):
                writer.command(sql)
        with connect(own.settings, "migrator") as migrator:
            for table in TABLES:
                migrator.command(f"OPTIMIZE TABLE {table} FINAL")
        with connect(own.settings) as reader:
            parts = reader.query("SELECT uniqExact(_partition_id) AS days FROM spans")
            assert parts[0]["days"] == DAYS + 1
            yield reader
    finally:
        own.discard()


def reads(store: Store, name: str, parameters: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """The tables that the query reads, with the indexes that narrow each read."""
    rows = store.query(f"EXPLAIN json = 1, indexes = 1 {query_text(name)}", parameters)
    document = json.loads("".join(row["explain"] for row in rows))
    found: list[tuple[str, list[Any]]] = []

    def walk(node: dict[str, Any]) -> None:
        if node["Node Type"] == "ReadFromMergeTree":
            found.append((node["Description"].removeprefix("default."), node.get("Indexes", [])))
        for child in node.get("Plans", []):
            walk(child)

    for plan in document:
        walk(plan["Plan"])
    return found


def test_every_query_has_an_expectation() -> None:
    pages = {name for name in query_names() if not name.startswith(JOBS)}
    assert pages == set(PLANS), "add the query's plan to PLANS, or its prefix to JOBS"


CASES = [
    pytest.param(name, plan, id=f"{name}-{number}")
    for name, plans in PLANS.items()
    for number, plan in enumerate(plans)
]


@pytest.mark.parametrize(("name", "plan"), CASES)
def test_a_page_reads_by_its_indexes(filled: Store, name: str, plan: Plan) -> None:
    found = [
        indexes
        for table, indexes in reads(filled, name, {**PARAMETERS, **plan.parameters})
        if table == plan.table
    ]
    assert found, f"{name} does not read {plan.table}"
    for indexes in found:
        by_type = {index["Type"]: index for index in indexes if index["Type"] != "Skip"}
        skips = {index["Name"]: index for index in indexes if index["Type"] == "Skip"}
        if any(index["Selected Parts"] == 0 for index in indexes):
            continue  # narrowed to nothing
        assert "project in ['p', 'p']" in by_type["PrimaryKey"]["Condition"]
        if plan.narrowed:
            # Days that are asked for by name are all there is from the beginning.
            assert indexes[-1]["Selected Parts"] < DAYS + 1
        for skip in plan.skips:
            assert skips[skip]["Selected Granules"] < skips[skip]["Initial Granules"], skips[skip]


@pytest.mark.parametrize("changes", [{}, {"status": "ERROR"}], ids=["unfiltered", "filtered"])
def test_the_latest_are_not_looked_for_in_the_whole_range(
    filled: Store, changes: dict[str, Any]
) -> None:
    statuses = [changes["status"]] if changes else []
    two_hours = nanoseconds(UNTIL - timedelta(hours=2))
    parameters = {**PARAMETERS, "since_ns": two_hours, "statuses": statuses}
    for table, indexes in reads(filled, "traces_page", parameters):
        assert table == "spans"
        assert indexes[-1]["Selected Parts"] <= 1


def test_what_a_page_read_before_is_not_unpacked_again(filled: Store) -> None:
    def hits() -> int:
        rows = filled.query(
            "SELECT sum(value) AS hits FROM system.events WHERE event = 'UncompressedCacheHits'"
        )
        return int(rows[0]["hits"])

    parameters = {**PARAMETERS, "trace_ids": [TRACE]}
    filled.rows("traces_lines", parameters)
    before = hits()
    filled.rows("traces_lines", parameters)
    assert hits() > before


def test_a_prompt_asked_again_is_found_by_its_index(filled: Store) -> None:
    asked = filled.query("SELECT cityHash64('rare4712 word') AS prompt_hash")[0]["prompt_hash"]
    parameters = {
        **PARAMETERS,
        **WHOLE,
        "prompt_hashes": [asked],
        "samples": 4,
        "max_bytes": 1000,
    }
    for name in ("evaluation_repeats", "evaluation_told_repeats"):
        found = reads(filled, name, parameters)
        assert {table for table, _ in found} == {"spans"}
        skips = [index for _, indexes in found for index in indexes if index["Type"] == "Skip"]
        by_prompt = [skip for skip in skips if skip["Name"] == "prompt_index"]
        if name == "evaluation_repeats":
            assert max(skip["Initial Granules"] for skip in by_prompt) > 2
        assert max(skip["Selected Granules"] for skip in by_prompt) <= 2
    assert len(filled.rows("evaluation_repeats", parameters)) == 1
