"""Rows for the benchmark, made inside the engine from their numbers: any run makes the same.

Four spans a trace: an agent's root, two counted model calls with text, a retrieval between them.
Ten projects, of which `main` holds 80 %; nine tenths of the traces lie evenly over 29 days, one
tenth in the last. Besides: one session of 20,000 traces, one trace of 3,000 spans, words of known
frequency, scores for one call in five, and two devices read every ten seconds.
"""

from datetime import datetime, timedelta

from rich.progress import track
from tests.benchmarks.queries.texts import letters, words_sql

from tachograph_store.client import Store
from tachograph_store.queries.selection import nanoseconds

SPANS_PER_TRACE = 4
DAYS = 30
CHUNK_SPANS = 100_000
LARGE_SESSION = "session-large"
LARGE_SESSION_TRACES = 20_000
LARGE_TRACE = "ab" * 16
LARGE_TRACE_SPANS = 3_000
RARE_WORD = "quetzalcoatl"
"""In one text of 20,011, whatever the project."""
RARE_EVERY = 20_011
FOREIGN_WORD = "энергопотребление"
"""In one text of 1,009: a script other than Latin."""
FOREIGN_EVERY = 1_009
INSTRUCTIONS = "You answer customers of a shop. Be brief, and say so when you do not know."

SPANS = """
INSERT INTO spans (project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, kind,
    status_code, status_message, error_type, service_name, service_instance_id, observer,
    request_id, is_counted, operation, provider, request_model, response_model, finish_reasons,
    is_streaming, input_tokens, output_tokens, cache_read_tokens, time_to_first_chunk_s,
    chunk_count, queue_s, prefill_s, decode_s, tenant, tenant_source, user, session, variant,
    list_cost, compute_cost, cost_currency, gpu_seconds, energy_j, prompt, completion, attributes,
    resource_attributes, content_hash, version, stored_at, expires_on, content_expires_on)
WITH
    '__LETTERS__' AS letters,
    number AS n,
    intDiv(n, 4) AS trace,
    n % 4 AS place,
    place = 1 OR place = 3 AS is_call,
    intHash64(trace) AS draw,
    intHash64(n + 1000000000000) AS own,
    trace < {even_traces:UInt64} AS is_even,
    if(is_even, {since_ns:Int64} + toInt64(trace) * {even_step_ns:Int64},
        {busy_ns:Int64} + toInt64(trace - {even_traces:UInt64}) * {busy_step_ns:Int64}) AS trace_ns,
    500000000 + own % 2000000000 + if(own % 997 = 0, 40000000000, 0) AS call_ns,
    trace >= {large_from:UInt64} AND trace < {large_from:UInt64} + {large_traces:UInt64} AS is_large,
    own % 50 = 0 AS is_failed,
    80 + own % 900 AS tokens_in,
    if(is_failed, NULL, 40 + own % 300) AS tokens_out
SELECT
    if(draw % 100 < 80 OR is_large, 'main', concat('project-', toString(1 + draw % 9))),
    concat(leftPad(lower(hex(draw)), 16, '0'), leftPad(lower(hex(intHash64(draw))), 16, '0')),
    leftPad(lower(hex(own)), 16, '0'),
    if(place = 0, '', leftPad(lower(hex(intHash64(trace * 4 + 1000000000000))), 16, '0')),
    fromUnixTimestamp64Nano(trace_ns + toInt64(place) * 300000000 + toInt64(own % 100000000), 'UTC'),
    multiIf(place = 0, 4000000000 + own % 1000000000, place = 2, 5000000 + own % 50000000, call_ns),
    multiIf(place = 0, 'invoke_agent support', place = 2, 'retrieval documents', 'chat'),
    multiIf(place = 0, 'INTERNAL', is_call, 'SERVER', 'CLIENT'),
    if(is_call AND is_failed, 'ERROR', 'UNSET'),
    if(is_call AND is_failed, 'upstream answered 503', ''),
    if(is_call AND is_failed, '503', NULL),
    if(is_call, 'tachograph-sidecar', concat('shop-', toString(draw % 7))),
    if(is_call, concat('sidecar-', toString(draw % 2)), ''),
    if(is_call, 'proxy', 'client'),
    if(is_call, leftPad(lower(hex(intHash64(own))), 16, '0'), NULL),
    is_call,
    multiIf(place = 0, 'invoke_agent', place = 2, 'retrieval', 'chat'),
    if(is_call, 'vllm', NULL),
    if(is_call, ['qwen3-8b', 'qwen3-8b', 'llama-3.3-70b', 'mistral-small', 'gemma-3-12b'][1 + draw % 5], NULL) AS model,
    model,
    if(is_call AND NOT is_failed, ['stop'], []),
    if(is_call, own % 20 != 0, NULL),
    if(is_call, tokens_in, NULL),
    if(is_call, tokens_out, NULL),
    if(is_call, intDiv(tokens_in, 2), NULL),
    if(is_call AND own % 20 != 0, 0.05 + (own % 700) / 1000, NULL),
    if(is_call AND own % 20 != 0, tokens_out, NULL),
    if(is_call, (own % 50) / 1000, NULL),
    if(is_call, 0.02 + (own % 300) / 1000, NULL),
    if(is_call, call_ns * 8e-10, NULL),
    if(place = 2, NULL, concat('tenant-', toString(floor(exp((draw % 4096) / 4096 * log(40)))))),
    if(is_call, 'key', NULL),
    if(place = 2, NULL, concat('user-', toString(intHash32(toUInt32(draw)) % 5000))),
    if(place = 2, NULL, if(is_large, {large_session:String}, concat('session-', toString(intDiv(trace, 12))))),
    if(is_call, ['prompt-v1', 'prompt-v2'][1 + own % 2], NULL),
    if(is_call, toDecimal64(0.0000004 * tokens_in + 0.0000012 * ifNull(tokens_out, 0), 9), NULL),
    if(is_call AND own % 10 != 0, toDecimal64(0.0005 * call_ns / 1e9, 9), NULL),
    if(is_call, 'USD', NULL),
    if(is_call, call_ns * 2e-10, NULL),
    if(is_call, call_ns * 6e-8, NULL),
    if(is_call, concat('[{"role":"system","parts":[{"type":"text","content":"', {instructions:String},
        '"}]},{"role":"user","parts":[{"type":"text","content":"', __PROMPT__,
        if(n % {rare_every:UInt64} = 1, concat(' ', {rare:String}), ''), '"}]}]'), NULL),
    if(is_call, concat('[{"role":"assistant","parts":[{"type":"text","content":"', __ANSWER__,
        if(n % {foreign_every:UInt64} = 1, concat('\\n', {foreign:String}), ''),
        '"}],"finish_reason":"stop"}]'), NULL),
    if(is_call, map('gen_ai.request.temperature', '0.7', 'server.address', '10.0.0.7',
        'server.port', '8000', 'http.response.status_code', if(is_failed, '503', '200')), map()),
    map('host.name', concat('node-', toString(draw % 2)), 'telemetry.sdk.language', 'python'),
    own, n + 1,
    fromUnixTimestamp64Nano(trace_ns + 5000000000, 'UTC'), toDate('2099-01-01'), toDate('2099-01-01')
FROM numbers({first:UInt64}, {count:UInt64})
"""


def fill_spans(store: Store, rows: int, until: datetime, first_row: int = 0) -> None:
    """Those of `rows` spans from `first_row` on, in the order of time; they end at `until`."""
    sql = (
        SPANS.replace("__LETTERS__", letters())
        .replace("__PROMPT__", words_sql("n * 2", "110 + own % 100"))
        .replace("__ANSWER__", words_sql("n * 2 + 1", "60 + own % 100"))
    )
    traces = rows // SPANS_PER_TRACE
    even = traces * 9 // 10
    since, busy = until - timedelta(days=DAYS), until - timedelta(days=1)
    day_ns = 86_400_000_000_000
    parameters = {
        "even_traces": even,
        "since_ns": nanoseconds(since),
        "even_step_ns": (DAYS - 1) * day_ns // even,
        "busy_ns": nanoseconds(busy),
        "busy_step_ns": day_ns // (traces - even),
        "large_from": even * 4 // 5,
        "large_traces": min(LARGE_SESSION_TRACES, even // 10),
        "large_session": LARGE_SESSION,
        "rare": RARE_WORD,
        "rare_every": RARE_EVERY,
        "foreign": FOREIGN_WORD,
        "foreign_every": FOREIGN_EVERY,
        "instructions": INSTRUCTIONS,
    }
    for first in track(range(first_row, rows, CHUNK_SPANS), description="spans"):
        count = min(CHUNK_SPANS, rows - first)
        store.command(sql, {**parameters, "first": first, "count": count})
    store.command(LARGE, {**parameters, "spans": LARGE_TRACE_SPANS, "trace_id": LARGE_TRACE})


LARGE = """
INSERT INTO spans (project, trace_id, span_id, parent_span_id, start_time, duration_ns, name, kind,
    status_code, service_name, observer, is_counted, operation, request_model, response_model,
    input_tokens, output_tokens, tenant, user, session, prompt, completion, content_hash, version,
    stored_at, expires_on, content_expires_on)
SELECT 'main', {trace_id:String}, leftPad(lower(hex(intHash64(number + 5000000000000))), 16, '0'),
    if(number = 0, '', leftPad(lower(hex(intHash64(toUInt64(5000000000000)))), 16, '0')),
    fromUnixTimestamp64Nano({busy_ns:Int64} + toInt64(number) * 100000000, 'UTC'), 90000000,
    if(number = 0, 'invoke_agent planner', 'chat'), 'CLIENT', 'UNSET', 'planner', 'client',
    number > 0, if(number = 0, 'invoke_agent', 'chat'), 'qwen3-8b', 'qwen3-8b', 100, 20, 'tenant-1',
    'user-1', 'session-planner', 'step', 'done', number, number + 1,
    fromUnixTimestamp64Nano({busy_ns:Int64}, 'UTC'), toDate('2099-01-01'), toDate('2099-01-01')
FROM numbers({spans:UInt64})
"""
SCORES = """
INSERT INTO scores (project, trace_id, span_id, span_time, evaluator, evaluator_version, name,
    source, value, label, error_type, model, tenant, variant, duration_ns, sample_weight,
    created_at, version, stored_at, expires_on)
SELECT project, trace_id, span_id, start_time, judge.1, '1', judge.2, 'evaluator',
    if(draw % 200 = 0, NULL, (draw % 1000) / 999) AS value, if(value < 0.5, 'fail', 'pass'),
    if(draw % 200 = 0, 'timeout', NULL), response_model, tenant, variant, 3000000 + draw % 5000000,
    1, stored_at, version, stored_at, toDate('2099-01-01')
FROM
(
    SELECT *, arrayJoin([('coherence', 'relevance'), ('safety', 'toxicity')]) AS judge,
        intHash64(content_hash + length(judge.2)) AS draw
    FROM
    (
        SELECT project, trace_id, span_id, start_time, response_model, tenant, variant, version,
            stored_at, content_hash
        FROM spans
        WHERE toYYYYMMDD(start_time) = {day:UInt32} AND is_counted AND status_code != 'ERROR'
            AND content_hash % 5 = 0
    )
)
"""
READINGS = """
INSERT INTO gpu_readings (project, gpu_id, time, host, gpu_index, gpu_model, utilization_ratio,
    memory_used_bytes, memory_total_bytes, power_w, power_limit_w, energy_j, temperature_c,
    throttle_reasons, version, stored_at, expires_on)
SELECT 'main', concat('GPU-', toString(device)),
    fromUnixTimestamp64Nano({since_ns:Int64} + toInt64(intDiv(number, 2)) * 10000000000, 'UTC') AS at,
    concat('node-', toString(device)), device, 'NVIDIA H100', (draw % 100) / 100,
    40000000000 + draw % 30000000000, 85000000000, 124 + draw % 500, 700,
    intDiv(number, 2) * 3000., 40 + draw % 40, if(draw % 50 = 0, 4, 0), number + 1, at,
    toDate('2099-01-01')
FROM (SELECT number, number % 2 AS device, intHash64(number) AS draw
    FROM numbers({first:UInt64}, {count:UInt64}))
"""


def fill_scores(store: Store, until: datetime) -> None:
    """Two scores for one call in five, a day at a time."""
    for back in track(range(DAYS, -1, -1), description="scores"):
        store.command(SCORES, {"day": int(f"{until - timedelta(days=back):%Y%m%d}")})


def fill_readings(store: Store, until: datetime) -> None:
    """Two devices of the project `main` every ten seconds."""
    count = DAYS * 86_400 // 10 * 2
    since_ns = nanoseconds(until - timedelta(days=DAYS))
    for first in track(range(0, count, CHUNK_SPANS), description="GPU readings"):
        parameters = {
            "since_ns": since_ns,
            "first": first,
            "count": min(CHUNK_SPANS, count - first),
        }
        store.command(READINGS, parameters)


def merge_past_days(store: Store) -> None:
    """What the engine does by itself with days that are over, a quarter of an hour later.

    A migration of a newer version leaves days in pieces too, and no run lasts that long.
    """
    days = store.query(
        "SELECT table, partition_id FROM system.parts WHERE active AND database = currentDatabase() "
        "AND table IN ('spans', 'scores', 'gpu_readings') "
        "AND partition_id < formatDateTime(now('UTC'), '%Y%m%d') "
        "GROUP BY table, partition_id HAVING count() > 1 ORDER BY table, partition_id"
    )
    for day in track(days, description="merging days that are over", disable=not days):
        store.command(f"OPTIMIZE TABLE {day['table']} PARTITION ID '{day['partition_id']}' FINAL")
