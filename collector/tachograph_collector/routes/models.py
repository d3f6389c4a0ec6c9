"""The shapes of REST requests and answers (they make the OpenAPI page)."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tachograph_store.queries.gpu import GpuDevice
from tachograph_store.queries.ledger import LedgerBalance, LedgerEntry
from tachograph_store.queries.neighbours import Neighbour
from tachograph_store.queries.sessions import SessionLine
from tachograph_store.queries.slow_causes import Cause, Part, Phases
from tachograph_store.queries.top import TopKind, TopOrder, TopSegment
from tachograph_store.queries.traces import TraceLine, TraceScores
from tachograph_store.rows import ScoreRow, SpanRow

TraceId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="32 lower-case hex digits")]
SpanId = Annotated[str, Field(pattern="^[0-9a-f]{16}$", description="16 lower-case hex digits")]


class ErrorDetail(BaseModel):
    """What went wrong, and what to do."""

    code: str
    message: str
    field: str | None
    remedy: str | None


class ErrorAnswer(BaseModel):
    """The body of every answer other than success."""

    error: ErrorDetail


class WhoAmI(BaseModel):
    """Whom the collector takes the caller for; `key_id` is null without a key."""

    project: str
    role: Literal["ingest", "view", "read", "admin"]
    key_id: str | None


class Percentiles(BaseModel):
    """Seconds; null where nothing was measured."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None


class SegmentAnswer(BaseModel):
    """Counted requests of one segment; null is unknown, never 0."""

    segment: str | None
    requests: int
    errors: int
    input_tokens: int | None = Field(description="includes cached tokens")
    output_tokens: int | None = Field(description="includes reasoning tokens")
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    without_tokens: int = Field(description="requests whose token counts are unknown")
    duration: Percentiles
    first_chunk: Percentiles
    list_cost: Decimal | None
    compute_cost: Decimal | None
    reported_cost: Decimal | None
    currencies: list[str]
    gpu_seconds: float | None
    energy_j: float | None


class SummaryAnswer(BaseModel):
    """Totals of a time range, the busiest segment first."""

    since: datetime
    until: datetime
    by: Literal["model", "tenant", "variant"] | None
    segments: list[SegmentAnswer]


class UnitCostAnswer(BaseModel):
    """What one model's or tenant's tokens cost on this machine; null is unknown, never 0."""

    model_config = ConfigDict(from_attributes=True)

    segment: str | None
    requests: int
    without_energy: int = Field(description="requests of which no one knows what they used")
    tokens: int | None = Field(description="input and output")
    gpu_s: float | None
    energy_j: float | None
    busy_per_million: float | None = Field(description="a million tokens, were it never idle")
    idle_per_million: float | None = Field(description="what idle time adds to it")
    per_million: float | None = Field(description="the sum of both")
    list_per_million: float | None = Field(description="at the hosted model")
    break_even_ratio: float | None = Field(
        description="utilisation at which both cost the same; above 1 none is enough"
    )


class UnitCostsAnswer(BaseModel):
    """The machine of a project and what requests used of it; the whole is paid by the segments."""

    since: datetime
    until: datetime
    by: Literal["model", "tenant"]
    currency: str
    gpu_count: int
    gpu_seconds: float = Field(description="for which devices were seen, added up")
    busy_gpu_seconds: float
    utilization_ratio: float | None
    energy_j: float | None
    request_energy_j: float | None
    segments: list[UnitCostAnswer]


class Equation(BaseModel):
    """One equation: `left` is the sum of `right`."""

    model_config = ConfigDict(from_attributes=True)

    left: str
    left_count: int
    right: dict[str, int]
    difference: int


class LedgerAnswer(BaseModel):
    """The books: `entries` are those of a time range, in whole minutes; the rest is since they began.

    received = accepted + rejected; accepted = stored + duplicate + waiting + quarantined;
    stored = live + expired + forgotten, of spans.
    """

    since: datetime
    until: datetime
    entries: list[LedgerEntry]
    is_balanced: bool = Field(description="whether every equation holds, for every source")
    equations: list[Equation] = Field(description="over all sources; difference is left - right")
    lines: list[LedgerBalance] = Field(description="both sides of each equation by source")


class TracePageAnswer(BaseModel):
    """Traces, newest first; `next_cursor` is null on the last page.

    Times are nanoseconds since the epoch: read them as 64-bit integers.
    """

    traces: list[TraceLine]
    scores: dict[str, TraceScores] = Field(description="by trace id; absent where not scored")
    next_cursor: str | None


class TraceAnswer(BaseModel):
    """One trace; times are nanoseconds since the epoch: read them as 64-bit integers."""

    trace_id: str
    spans: list[SpanRow]
    scores: list[ScoreRow]


class FoundAnswer(BaseModel):
    """Traces that a search found, in the order asked for; `is_cut` when the limit left some out."""

    traces: list[TraceLine]
    scores: dict[str, TraceScores] = Field(description="by trace id; absent where not scored")
    is_cut: bool


class SessionPageAnswer(BaseModel):
    """Sessions of a time range, the last active first; sums are those of the range."""

    sessions: list[SessionLine]
    next_cursor: str | None


class TopAnswer(BaseModel):
    """Segments in the order asked for."""

    by: TopKind
    order: TopOrder
    segments: list[TopSegment]


class NeighboursAnswer(BaseModel):
    """What ran beside a span: `total` calls, the listed ones having shared most time with it."""

    neighbours: list[Neighbour]
    total: int
    devices: list[GpuDevice]


class SlownessAnswer(BaseModel):
    """Where a request's time went: its phases, and each second by its cause, the largest first.

    `cause` is None where nothing is known of its phases; `norm_calls` is how many calls told the
    engine's usual speed (too few: long prompts and answers are not told from a slow engine).
    """

    cause: Cause | None
    ratio: float | None
    phases: Phases
    parts: list[Part]
    norm_calls: int


class ScoreRequest(BaseModel):
    """A judgement of one answer: at least a value or a label."""

    model_config = ConfigDict(extra="forbid", str_max_length=20_000)

    trace_id: TraceId
    span_id: SpanId
    name: str = Field(min_length=1, max_length=200, description="what is judged, e.g. thumbs")
    value: float | None = Field(
        default=None, ge=0, le=1, allow_inf_nan=False, description="0 is bad, 1 is good"
    )
    label: str | None = Field(default=None, max_length=200)
    comment: str | None = Field(default=None, max_length=20_000)
    source: Literal["human", "api"] = "human"
    sample_weight: float = Field(
        default=1.0,
        ge=1,
        le=1e9,
        description="inverse of the probability with which the answer was drawn to be labelled",
    )


class ScoreAnswer(BaseModel):
    """The score as it was kept."""

    trace_id: str
    span_id: str
    name: str
    evaluator: str
    author: str
    value: float | None
    label: str | None
    created_at: datetime
