"""The row contract: one frozen dataclass a table, fields in column order (= insert order).

An integration test compares each class with `DESCRIBE TABLE` after all migrations. NULL is None:
what is unavailable is never 0. Times are timezone-aware UTC datetimes except `start_time`,
`event_times` and reading times, which are int nanoseconds since the epoch (datetime has no
nanoseconds; clickhouse-connect takes ints for DateTime64(9)). Enumerated strings (`observer`,
`role`, `source`) take their values from `tachograph.semconv.values`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanRow:
    """One OTel span. `stored_at`, `version` are set by the writer when the row is written."""

    project: str
    trace_id: str  # 32 lower-case hex digits
    span_id: str  # 16 lower-case hex digits
    parent_span_id: str = ""  # '' for a root, as in OTLP
    start_time: int  # ns since the epoch
    duration_ns: int
    name: str
    kind: str = "INTERNAL"  # INTERNAL | SERVER | CLIENT | PRODUCER | CONSUMER
    status_code: str = "UNSET"  # UNSET | OK | ERROR
    status_message: str = ""
    service_name: str = ""
    service_instance_id: str = ""
    scope_name: str = ""
    scope_version: str = ""
    observer: str = "client"
    request_id: str | None = None
    is_counted: bool = False  # totals sum counted spans only
    operation: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: Sequence[str] = ()
    error_type: str | None = None
    is_streaming: bool | None = None
    input_tokens: int | None = None  # includes cached
    output_tokens: int | None = None  # includes reasoning
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    time_to_first_chunk_s: float | None = None  # from arrival, observer's clock
    time_per_output_chunk_s: float | None = None
    chunk_count: int | None = None
    gap_p50_s: float | None = None
    gap_p95_s: float | None = None
    gap_max_s: float | None = None
    engine_time_to_first_token_s: float | None = None  # from scheduling, engine's clock
    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    tenant: str | None = None
    tenant_source: str | None = None
    user: str | None = None
    session: str | None = None
    variant: str | None = None
    list_cost: Decimal | None = None  # list price of the (equivalent) hosted model
    compute_cost: Decimal | None = None  # hourly price of the machine x seconds used
    reported_cost: Decimal | None = None  # what the sender said (gen_ai.usage.cost.amount)
    cost_currency: str | None = None
    engine_seconds: float | None = None
    gpu_seconds: float | None = None
    energy_j: float | None = None
    energy_error_j: float | None = None
    attribution_method: str | None = None
    prompt: str | None = None  # JSON of gen_ai.input.messages, or plain text
    completion: str | None = None  # JSON of gen_ai.output.messages, or plain text
    context: str | None = None  # what the answer may rely on: retrieved documents, plain text
    truncated: Sequence[str] = ()  # attributes that were cut, by name
    attributes: Mapping[str, str] = field(default_factory=dict)  # what no column took
    resource_attributes: Mapping[str, str] = field(default_factory=dict)
    event_times: Sequence[int] = ()
    event_names: Sequence[str] = ()
    event_attributes: Sequence[Mapping[str, str]] = ()
    link_trace_ids: Sequence[str] = ()
    link_span_ids: Sequence[str] = ()
    content_hash: int = 0  # of all the sender said: tells a retry from a correction
    version: int = 0
    stored_at: datetime | None = None
    expires_on: date
    content_expires_on: date
    booked_by: str = ""  # the books that entered it (`LedgerRow.collector`); '' for none
    booked_block: int = 0  # the block of these books in which it was first stored
    booked_source: str = ""  # the source under which it counted as stored


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuReadingRow:
    """What NVML said of one device at one instant."""

    project: str
    gpu_id: str  # device UUID
    time: int  # ns since the epoch
    host: str = ""
    gpu_index: int | None = None
    gpu_model: str | None = None
    utilization_ratio: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    memory_bus_ratio: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    energy_j: float | None = None
    temperature_c: float | None = None
    clock_graphics_mhz: float | None = None
    clock_memory_mhz: float | None = None
    throttle_reasons: int | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    version: int = 0
    stored_at: datetime | None = None
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineReadingRow:
    """One data point an engine (or the sidecar's proxy) published about itself."""

    project: str
    name: str  # the engine's own metric name; histograms as name_sum, name_count, name_bucket{le}
    instance: str = ""  # service.instance.id of the sidecar that scraped it
    labels: Mapping[str, str] = field(default_factory=dict)
    labels_hash: int = 0
    time: int
    kind: str  # gauge | counter (since the sender began) | delta (since its last point)
    value: float
    unit: str = ""
    version: int = 0
    stored_at: datetime | None = None
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One judgement of one answer; in [0, 1] with 1 good, or NULL with `error_type` or a label."""

    project: str
    trace_id: str  # '' until the span is known whose response the score names
    span_id: str  # the response's id until then
    span_time: int  # start_time of the span judged, ns
    evaluator: str
    evaluator_version: str = ""
    name: str  # what is judged: toxicity, pii, relevance, repetition, grounding, thumbs, ...
    author: str = ""  # the person or key that gave it; '' for evaluators
    source: str  # evaluator | human | api
    value: float | None = None
    label: str | None = None  # e.g. pass | fail | not_applicable | error
    explanation: str | None = None
    offsets: Sequence[tuple[int, int, str]] = ()  # characters of the answer: start, stop, label
    error_type: str | None = None
    model: str | None = None
    tenant: str | None = None
    variant: str | None = None
    duration_ns: int | None = None
    cost: Decimal | None = None
    sample_weight: float = 1.0
    created_at: datetime
    version: int = 0
    stored_at: datetime | None = None
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupRow:
    """Totals of the counted requests of one group in one minute or hour; the rollup job's alone.

    `grouping` says which of model, tenant and variant are told apart, see `tachograph_store.rollup`;
    the others are '', as is a fact that the requests lack. `*_buckets` are numbers of histogram
    buckets, ascending, `*_counts` how many requests fell into each.
    """

    project: str
    period_s: int  # 60 | 3600
    grouping: str  # all | model | tenant | variant | full
    period_start: datetime
    model: str
    tenant: str
    variant: str
    operation: str
    currency: str
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    without_tokens: int
    list_cost: Decimal | None
    without_list_cost: int
    list_priced_tokens: int | None
    compute_cost: Decimal | None
    without_compute_cost: int
    compute_priced_tokens: int | None
    reported_cost: Decimal | None
    engine_seconds: float | None
    without_engine_seconds: int
    gpu_seconds: float | None
    without_gpu_seconds: int
    energy_j: float | None
    without_energy: int
    duration_buckets: Sequence[int]
    duration_counts: Sequence[int]
    first_chunk_buckets: Sequence[int]
    first_chunk_counts: Sequence[int]
    output_chunk_buckets: Sequence[int]
    output_chunk_counts: Sequence[int]
    groups: int  # rows of the grouping `full` that the minute has, or would have
    spans_expire_on: date  # the first of its spans; later it is not computed again
    is_deleted: int = 0
    version: int = 0
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRollupRow:
    """Counted requests of one segment on one day, its answers, or a note; the rollup job's alone.

    See `tachograph_store.day_rollups`. `unscored` are those of `requests` without a score, of the
    kind answers.
    """

    project: str
    kind: str  # user | session | tenant | model | answers | whole, and those of traces: see `place`
    day: date
    segment: str
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    longest_prompt_tokens: int | None
    list_cost: Decimal | None
    compute_cost: Decimal | None
    cost_currency: str | None
    duration_ns: int
    max_duration_ns: int
    unscored: int
    is_valid: int = (
        0  # of a note: 1, 3 the rows may be read, 0 they may not, 2 they are being written
    )
    spans_expire_on: date  # the first of its spans
    answers_expire_on: date  # the first of its answers' texts
    version: int = 0
    expires_on: date
    # Of kind slowest, dearest, longest_prompt, most_tokens: the segment is a trace
    place: float = 0.0  # ns, money or tokens of its foremost request
    start_time: int = 0  # ns since the epoch, when that began


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupMarkRow:
    """Minutes that the rollup job must compute again though no span was written there."""

    project: str
    mark_id: str
    since: datetime
    until: datetime
    is_deleted: int = 0
    version: int = 0
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A lease on one evaluation, the cursor of a resumable job, or a backfill.

    `kind` is `evaluation` (key: span, evaluator, version), `cursor` (ids empty, `evaluator` the
    job's name, `cursor` its opaque position) or `backfill` (ids empty, `evaluator` its id, `cursor`
    what it is to do and how far it is). `created_at` is the span's start_time for evaluations and
    1970-01-01 for the others, so that a renewal replaces the row by version. `sample_rate` is the
    probability with which the evaluation was to be made, 0 where no rule wanted it.
    """

    project: str
    kind: str
    trace_id: str = ""
    span_id: str = ""
    evaluator: str
    evaluator_version: str = ""
    state: str  # leased | running | done | failed | parked | skipped (not sampled)
    attempt: int = 0
    due_at: datetime
    error: str | None = None
    cursor: str = ""
    created_at: datetime
    version: int = 0
    expires_on: date
    sample_rate: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One episode of one rule: pending, firing, resolved."""

    project: str
    incident_id: str
    rule: str
    segment: str = ""
    state: str  # pending | firing | resolved
    severity: str = "warning"  # critical | error | warning | info
    summary: str = ""
    value: float | None = None
    threshold: float | None = None
    samples: int = 0
    pending_at: datetime
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    notified_at: datetime | None = None
    acknowledged_by: str | None = None
    version: int = 0
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One message to one webhook, through all its attempts; `delivery_id` is its webhook-id."""

    project: str
    delivery_id: str
    incident_id: str
    event: str  # alert.firing | alert.resolved
    channel: str  # the webhook's name in the rule file: never its secret
    target: str  # scheme://host:port/… without query or credentials
    body: str
    state: str  # waiting | delivered | failed
    attempt: int = 0
    http_status: int | None = None
    error: str | None = None
    next_attempt_at: datetime
    created_at: datetime
    delivered_at: datetime | None = None
    version: int = 0
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A line in the books: how many records of a source met which fate, since the last line.

    outcome: received | accepted | rejected | stored | duplicate | waiting | quarantined | expired |
    forgotten | dropped | submitted (the last two: what a client says of itself); block,
    expired_through and forgotten_mark say up to where the books counted.
    reason: a RejectReason or DropReason, or ''.
    """

    project: str
    collector: str  # id of the books of one journal
    sequence: int  # 0: the total so far, replaced by newer lines; else a minute's own count
    source: str  # observer or service of the sender
    signal: str  # spans | metrics | logs
    outcome: str
    reason: str = ""
    time: datetime
    count: int
    version: int = 0
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeyRow:
    """A key's public half; the secret is only ever stored as SHA-256."""

    project: str
    key_id: str
    key_hash: str  # hex SHA-256 of the whole key
    name: str
    role: str  # ingest | view | read | admin
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRow:
    """Days that a project keeps its rows; None is the setting's."""

    project: str
    spans_days: int | None = None
    content_days: int | None = None
    readings_days: int | None = None
    rollups_days: int | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequestRow:
    """A user or session that a project forgot; the name stands nowhere, only its salted hash."""

    project: str
    request_id: str
    kind: str  # user | session
    salt: str
    subject_hash: str
    state: str  # begun | done | failed
    requested_at: datetime  # rows of that subject that began until then are not taken any more
    finished_at: datetime | None = None
    version: int = 0
    expires_on: date
    requested_by: str = ""  # id of the API key, `command` for the command line
    host: str = ""  # the machine that works on it
    step: str = ""  # what it is at
    found: Mapping[str, int] = field(default_factory=dict)  # rows by table when it began
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenTraceRow:
    """A trace that a forgotten user had a part in; later rows of it are not taken."""

    project: str
    trace_id: str
    request_id: str
    since: datetime  # minute of its first span
    until: datetime  # minute of its last span
    version: int = 0
    expires_on: date


TABLES: Mapping[str, type] = {
    "spans": SpanRow,
    "gpu_readings": GpuReadingRow,
    "engine_readings": EngineReadingRow,
    "scores": ScoreRow,
    "rollups": RollupRow,
    "day_rollups": DayRollupRow,
    "rollup_marks": RollupMarkRow,
    "jobs": JobRow,
    "incidents": IncidentRow,
    "deliveries": DeliveryRow,
    "ledger": LedgerRow,
    "api_keys": ApiKeyRow,
    "retention": RetentionRow,
    "forget_requests": ForgetRequestRow,
    "forgotten_traces": ForgottenTraceRow,
}
"""Table name -> row class."""
