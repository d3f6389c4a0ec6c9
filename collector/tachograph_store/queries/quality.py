"""What evaluators and people thought of the answers."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tachograph_store.client import Store
from tachograph_store.queries.selection import Selection

THRESHOLD = 0.5
"""Scores below this count as bad answers where no rule says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityPoint:
    """Mean score of one name in one step."""

    step: datetime
    name: str
    scores: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySummary:
    """One score name of one version of an evaluator (or of people, `source` human)."""

    evaluator: str
    name: str
    source: str
    answers: int
    valued: int
    mean: float | None
    low: float | None  # 5th percentile
    median: float | None
    below: int  # values under the threshold
    errors: int
    not_applicable: int
    duration_ns: float | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityBin:
    """How many values lie in [tenth / 10, (tenth + 1) / 10); the last one includes 1."""

    name: str
    tenth: int
    scores: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstAnswer:
    """An answer near the bottom of one score name."""

    trace_id: str
    span_id: str
    span_time: datetime
    evaluator: str
    name: str
    value: float
    label: str | None
    explanation: str | None  # first 300 characters
    model: str | None
    tenant: str | None
    variant: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorError:
    """Failures of one evaluator for one reason."""

    evaluator: str
    error_type: str
    evaluations: int
    last_at: datetime
    last_explanation: str | None
    last_trace_id: str


def quality_series(store: Store, selection: Selection, step_s: int) -> list[QualityPoint]:
    """Evaluators' mean scores in steps of `step_s` seconds, oldest first."""
    rows = store.rows("quality_series", {**selection.parameters(), "step_s": step_s})
    return [
        QualityPoint(
            step=datetime.fromtimestamp(row["step"], UTC),
            name=row["name"],
            scores=row["scores"],
            mean=row["mean"],
        )
        for row in rows
    ]


def quality_summary(store: Store, selection: Selection) -> list[QualitySummary]:
    """One line an evaluator version and score name, the version that judged last first."""
    rows = store.rows("quality_summary", {**selection.parameters(), "threshold": THRESHOLD})
    return [QualitySummary(**row) for row in rows]


def quality_distribution(store: Store, selection: Selection) -> list[QualityBin]:
    """Histogram of values in tenths by score name; empty tenths have no row."""
    return [QualityBin(**row) for row in store.rows("quality_distribution", selection.parameters())]


def quality_worst(store: Store, selection: Selection, name: str, limit: int) -> list[WorstAnswer]:
    """The `limit` lowest scores of one name, the lowest first."""
    rows = store.rows("quality_worst", {**selection.parameters(), "name": name, "limit": limit})
    return [WorstAnswer(**row) for row in rows]


def quality_errors(store: Store, selection: Selection) -> list[EvaluatorError]:
    """Failed evaluations by evaluator and error, the most frequent first."""
    return [EvaluatorError(**row) for row in store.rows("quality_errors", selection.parameters())]
