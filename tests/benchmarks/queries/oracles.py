"""The same answers from raw, deduplicated rows: by other SQL that no index helps, or in Python."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tachograph_store.queries.selection import nanoseconds

if TYPE_CHECKING:
    from tests.benchmarks.queries.questions import Frame

PERCENTILE_ERROR = 0.045
"""Histograms have buckets 4 % wide."""

_RANGE = (
    "project = 'main' AND {time} >= fromUnixTimestamp64Nano({{since:Int64}}, 'UTC') "
    "AND {time} < fromUnixTimestamp64Nano({{until:Int64}}, 'UTC')"
)
SPANS = f"FROM spans FINAL WHERE {_RANGE.format(time='start_time')}"
CALLS = f"{SPANS} AND is_counted"
SCORES = f"FROM scores FINAL WHERE {_RANGE.format(time='span_time')}"


class Near:
    """A percentile that a histogram may miss by its bucket's width."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = list(values)

    def __eq__(self, other: object) -> bool:
        values = [getattr(other, name) for name in ("p50_s", "p95_s", "p99_s")]
        return all(
            abs(told - exact) <= PERCENTILE_ERROR * exact
            for told, exact in zip(values, self.values, strict=True)
        )

    def __repr__(self) -> str:
        return f"near {self.values}"


def _rows(frame: "Frame", days: float, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    since = nanoseconds(frame.until - timedelta(days=days))
    every = {"since": since, "until": nanoseconds(frame.until), **parameters}
    return frame.store.query(sql, every)


def latest(frame: "Frame", filters: Mapping[str, Any]) -> list[str]:
    """Trace ids of the newest spans that pass, by sorting all of them."""
    columns = {"status": "status_code", "model": "response_model"}
    conditions = "".join(f" AND {columns.get(n, n)} = '{v}'" for n, v in filters.items())
    days = 30 if filters else 1
    sql = (
        f"SELECT trace_id, max(start_time) AS newest {SPANS}{conditions} GROUP BY trace_id "
        "ORDER BY newest DESC, trace_id DESC LIMIT 50"
    )
    return [row["trace_id"] for row in _rows(frame, days, sql)]


def searched(frame: "Frame", words: Sequence[str], phrase: str) -> list[str]:
    """The newest 200 traces of a day whose text holds all words, by matching every text."""
    text = "concat(ifNull(prompt, ''), ' ', ifNull(completion, ''))"
    has = "".join(
        rf" AND match({text}, '(?i)(^|[^a-z0-9]|\\\\n){sought}($|[^a-z0-9])')"
        for sought in (*words, *([phrase] if phrase else []))
    )
    sql = (
        f"SELECT trace_id, max(start_time) AS newest {CALLS}{has} GROUP BY trace_id "
        "ORDER BY newest DESC LIMIT 200"
    )
    return sorted(row["trace_id"] for row in _rows(frame, 1, sql))


def found(frame: "Frame", days: float, *, only: str = "", order: str = "newest") -> list[str]:
    """The first fifty traces of requests that lack or have something."""
    key = "concat(trace_id, span_id)"
    scored = f"SELECT {key} {SCORES}"
    conditions = {
        "": "",
        "failed": " AND status_code = 'ERROR'",
        "low_score": f" AND {key} IN ({scored} AND value < 0.5)",
        "unscored": f" AND status_code != 'ERROR' AND completion IS NOT NULL AND {key} NOT IN ({scored})",
        "no_first_chunk": " AND time_to_first_chunk_s IS NULL",
    }
    orders = {"newest": "1", "slowest": "duration_ns", "dearest": "coalesce(list_cost, 0)"}
    sql = (
        f"SELECT trace_id, max(({orders[order]}, start_time)) AS place {CALLS}{conditions[only]} "
        "GROUP BY trace_id ORDER BY place DESC, trace_id LIMIT 50"
    )
    return [row["trace_id"] for row in _rows(frame, days, sql)]


def span_ids(frame: "Frame", trace_id: str) -> list[str]:
    """A trace's spans without the index."""
    sql = "SELECT DISTINCT span_id FROM spans WHERE project = 'main' AND reverse(trace_id) = reverse({trace:String})"
    return sorted(row["span_id"] for row in _rows(frame, 30, sql, trace=trace_id))


def scores_of(frame: "Frame", trace_id: str) -> list[tuple[str, str]]:
    """A trace's scores without the index."""
    sql = (
        "SELECT DISTINCT span_id, name FROM scores "
        "WHERE project = 'main' AND reverse(trace_id) = reverse({trace:String})"
    )
    return sorted((row["span_id"], row["name"]) for row in _rows(frame, 30, sql, trace=trace_id))


def neighbours(frame: "Frame") -> tuple[int, int]:
    """Calls of the planner that overlap the sixth of its spans: none, it works one by one."""
    sql = (
        f"SELECT toUnixTimestamp64Nano(start_time) AS start, duration_ns, span_id {CALLS} "
        "AND service_name = 'planner' ORDER BY start_time, span_id"
    )
    spans = _rows(frame, 2, sql)
    own = spans[4]
    stop = own["start"] + own["duration_ns"]
    others = [
        s for s in spans if s["start"] < stop and s["start"] + s["duration_ns"] > own["start"]
    ]
    return len(others) - 1, 2


def totals(frame: "Frame", days: float, filters: Mapping[str, str]) -> tuple[Any, ...]:
    """Sums and exact percentiles of raw spans."""
    conditions = "".join(f" AND {name} = '{value}'" for name, value in filters.items())
    sql = (
        "SELECT count() AS requests, countIf(status_code = 'ERROR') AS errors, "
        "sum(input_tokens) AS tokens, sum(list_cost) AS cost, "
        f"quantilesExact(0.5, 0.95, 0.99)(duration_ns) AS durations {CALLS}{conditions}"
    )
    row = _rows(frame, days, sql)[0]
    exact = Near([ns * 1e-9 for ns in row["durations"]])
    return row["requests"], row["errors"], row["tokens"], row["cost"], exact


def by_model_and_hour(groups: Sequence[Any]) -> Any:
    """Requests and median by hour and model, as the page draws them."""
    return {(g.group.step, g.group.model): (g.sums.requests, g.durations_s[0]) for g in groups}


class _NearMedians(dict[tuple[int, str], tuple[int, float]]):
    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, dict)
            and other.keys() == self.keys()
            and all(
                other[key][0] == requests
                and abs(other[key][1] - median) <= PERCENTILE_ERROR * median
                for key, (requests, median) in self.items()
            )
        )

    __hash__ = None


def percentiles(frame: "Frame") -> Any:
    """Exact medians of raw spans by hour and model."""
    sql = (
        "SELECT toUnixTimestamp(toStartOfHour(start_time)) AS hour, response_model AS model, "
        f"count() AS requests, quantileExact(0.5)(duration_ns) AS median {CALLS} GROUP BY hour, model"
    )
    return _NearMedians(
        {
            (row["hour"], row["model"]): (row["requests"], row["median"] * 1e-9)
            for row in _rows(frame, 1, sql)
        }
    )


def series(frame: "Frame", days: float, step_s: int) -> list[tuple[datetime, int, int]]:
    """Requests and errors of each step."""
    sql = (
        f"SELECT intDiv(toUnixTimestamp(start_time), {step_s}) * {step_s} AS step, "
        f"count() AS requests, countIf(status_code = 'ERROR') AS errors {CALLS} "
        "GROUP BY step ORDER BY step"
    )
    return [
        (datetime.fromtimestamp(row["step"], UTC), row["requests"], row["errors"])
        for row in _rows(frame, days, sql)
    ]


def choices(frame: "Frame") -> tuple[set[str], set[str], set[str]]:
    """Distinct values of the range."""
    sql = (
        "SELECT groupUniqArray(response_model) AS models, groupUniqArray(tenant) AS tenants, "
        f"groupUniqArray(variant) AS variants {CALLS}"
    )
    row = _rows(frame, 30, sql)[0]
    return set(row["models"]), set(row["tenants"]), set(row["variants"])


def unscored(frame: "Frame", days: float) -> tuple[int, int]:
    """Answers, and those of them without a score, by joining the strings of both."""
    sql = (
        "SELECT count() AS answers, countIf(scored.span_id = '') AS unscored FROM "
        f"(SELECT trace_id, span_id {CALLS} AND status_code != 'ERROR' AND completion IS NOT NULL) "
        f"AS asked LEFT JOIN (SELECT DISTINCT trace_id, span_id {SCORES}) AS scored "
        "ON asked.trace_id = scored.trace_id AND asked.span_id = scored.span_id"
    )
    row = _rows(frame, days, sql)[0]
    return row["answers"], row["unscored"]


SCORE_ESSENCES: Mapping[str, Callable[[Any], Any]] = {
    "summary": lambda rows: sorted((r.name, r.answers, r.valued, r.below, r.errors) for r in rows),
    "series": lambda rows: sum(row.scores for row in rows),
    "distribution": lambda rows: sum(row.scores for row in rows),
    "worst": lambda rows: [row.value for row in rows],
    "errors": lambda rows: sorted((r.evaluator, r.evaluations) for r in rows),
}


def scores(frame: "Frame", days: float, what: str) -> Any:
    """Counts of scores, in Python where the page counts in the engine."""
    sql = (
        "SELECT name, evaluator, value, error_type, count() AS scores "
        f"{SCORES} GROUP BY name, evaluator, value, error_type"
    )
    rows = _rows(frame, days, sql)
    valued = [row for row in rows if row["value"] is not None]
    if what in ("series", "distribution"):
        return sum(row["scores"] for row in valued)
    if what == "worst":
        judged = sorted((r["value"], r["scores"]) for r in valued if r["name"] == "relevance")
        return [value for value, count in judged for _ in range(count)][:50]
    errors: dict[str, int] = {}
    summary: dict[str, list[int]] = {}
    for row in rows:
        one = summary.setdefault(row["name"], [0, 0, 0, 0])
        one[0] += row["scores"]
        one[1] += row["scores"] * (row["value"] is not None)
        one[2] += row["scores"] * (row["value"] is not None and row["value"] < 0.5)
        one[3] += row["scores"] * (row["error_type"] is not None)
        if row["error_type"] is not None:
            errors[row["evaluator"]] = errors.get(row["evaluator"], 0) + row["scores"]
    return (
        sorted(errors.items())
        if what == "errors"
        else sorted((name, *counts) for name, counts in summary.items())
    )


def cost_lines(rows: Sequence[Any]) -> set[tuple[Any, ...]]:
    """What is compared of lines by tenant, model and currency."""
    return {(row.tenant, row.model, row.requests, row.list_cost) for row in rows}


def cost(frame: "Frame") -> set[tuple[Any, ...]]:
    """Requests and list price by tenant, model and currency."""
    sql = (
        "SELECT tenant, response_model AS model, count() AS requests, "
        f"sumOrNull(list_cost) AS cost {CALLS} GROUP BY tenant, model, cost_currency"
    )
    rows = _rows(frame, 30, sql)
    return {(row["tenant"], row["model"], row["requests"], row["cost"]) for row in rows}


def devices(frame: "Frame") -> list[tuple[str, int]]:
    """Readings of each device."""
    sql = (
        "SELECT gpu_id, count() AS readings FROM gpu_readings FINAL "
        f"WHERE {_RANGE.format(time='time')} GROUP BY gpu_id ORDER BY gpu_id"
    )
    return [(row["gpu_id"], row["readings"]) for row in _rows(frame, 1, sql)]


def device_steps(frame: "Frame", days: float, step_s: int) -> int:
    """Steps in which a device was read."""
    sql = (
        f"SELECT uniqExact(gpu_id, intDiv(toUnixTimestamp(time), {step_s})) AS steps "
        f"FROM gpu_readings WHERE {_RANGE.format(time='time')}"
    )
    return int(_rows(frame, days, sql)[0]["steps"])


def alerts(frame: "Frame") -> list[int]:
    """The data set has neither rules that fired nor messages."""
    counts = [
        _rows(frame, 30, f"SELECT count() AS n FROM {t} FINAL WHERE project = 'main'")[0]["n"]
        for t in ("incidents", "deliveries")
    ]
    return [0, *counts]


def books(frame: "Frame") -> int:
    """The sum of all lines."""
    sql = "SELECT sum(count) AS total FROM ledger FINAL WHERE project = 'main'"
    return int(_rows(frame, 30, sql)[0]["total"])


def top(frame: "Frame", by: str, days: float = 30) -> list[Any]:
    """The highest list prices of a segment."""
    sql = (
        f"SELECT sum(list_cost) AS cost {CALLS} AND {by} IS NOT NULL GROUP BY {by} "
        "ORDER BY cost DESC LIMIT 50"
    )
    return [row["cost"] for row in _rows(frame, days, sql)]


def sessions(frame: "Frame") -> list[tuple[str, int]]:
    """The last active sessions and their traces, by grouping all spans of a week."""
    sql = (
        f"SELECT session, uniqExact(trace_id) AS traces, max(start_time) AS last {SPANS} "
        "AND session IS NOT NULL GROUP BY session ORDER BY last DESC, session DESC LIMIT 50"
    )
    return [(row["session"], row["traces"]) for row in _rows(frame, 7, sql)]
