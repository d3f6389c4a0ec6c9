"""People's labels beside what evaluators said: agreement, corrected rates, what to label next."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tachograph_store.client import Store
from tachograph_store.queries import run
from tachograph_store.queries.selection import Selection
from tachograph_store.rates.agreement import Agreement, agreement
from tachograph_store.rates.corrected import LEAST_LABELS, CorrectedRate, Moments, corrected_rate
from tachograph_store.rates.labelling import Drawn, Unlabelled, worth_labelling
from tachograph_store.rates.pairs import Pair

THUMBS: Final = "thumbs"
"""Name of a label on the whole answer; any other is compared with the score of its name."""

ENOUGH_DRAWN: Final = 30
"""From so many drawn labels on, labels that came by themselves are left out of the rate."""

_MOST_UNLABELLED: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One score name of one evaluator version, against people."""

    evaluator: str
    version: str
    name: str
    about: str  # what people labelled: `thumbs`, or the score of that name
    agreement: Agreement
    rate: CorrectedRate | None  # None with too few labels
    labels: int
    drawn: int  # of them drawn by the labelling list, with known weights

    @property
    def is_drawn(self) -> bool:
        """Whether the rate rests on drawn labels only: then its interval holds without more."""
        return self.drawn >= ENOUGH_DRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ToLabel:
    """An answer worth a label; `label_weight` goes with it."""

    trace_id: str
    span_id: str
    span_time: datetime
    score: float
    label: str | None
    model: str | None
    tenant: str | None
    label_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _PairRow:
    evaluator: str
    version: str
    name: str
    about: str
    label: float
    score: float
    score_weight: float
    label_weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _MomentsRow:
    evaluator: str
    version: str
    name: str
    answers: int
    w: float
    wf: float
    ww: float
    wwf: float
    wwff: float
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnlabelledRow:
    trace_id: str
    span_id: str
    span_time: datetime
    score: float
    label: str | None
    model: str | None
    tenant: str | None


def feedback_judged(store: Store, selection: Selection) -> list[Judged]:
    """Each evaluator version that people's labels can be compared with, by name."""
    parameters = selection.parameters()
    pairs: dict[tuple[str, str, str, str], list[Pair]] = defaultdict(list)
    for row in run(store, "feedback_pairs", _PairRow, **parameters):
        pairs[row.evaluator, row.version, row.name, row.about].append(
            Pair(
                label=row.label,
                score=row.score,
                score_weight=row.score_weight,
                label_weight=row.label_weight,
            )
        )
    if not pairs:
        return []
    sums = {
        (row.evaluator, row.version, row.name): Moments(
            answers=row.answers, w=row.w, wf=row.wf, ww=row.ww, wwf=row.wwf, wwff=row.wwff
        )
        for row in run(store, "feedback_moments", _MomentsRow, **parameters)
    }
    found = []
    for (evaluator, version, name, about), labelled in sorted(pairs.items()):
        drawn = [pair for pair in labelled if pair.label_weight > 1]
        used = drawn if len(drawn) >= ENOUGH_DRAWN else labelled
        known = sums.get((evaluator, version, name))
        found.append(
            Judged(
                evaluator=evaluator,
                version=version,
                name=name,
                about=about,
                agreement=agreement(labelled),
                rate=corrected_rate(known, used) if known is not None else None,
                labels=len(labelled),
                drawn=len(drawn),
            )
        )
    return found


def feedback_next(
    store: Store, selection: Selection, evaluator: str, version: str, name: str, budget: int
) -> list[ToLabel]:
    """About `budget` answers whose label would tell most about that evaluator, the first first.

    Of the newest 20,000 of the selection that nobody labelled.
    """
    rows = run(
        store,
        "feedback_unlabelled",
        _UnlabelledRow,
        **selection.parameters(),
        evaluator=evaluator,
        version=version,
        score_name=name,
        limit=_MOST_UNLABELLED,
    )
    by_span = {(row.trace_id, row.span_id): row for row in rows}
    answers = [
        Unlabelled(trace_id=row.trace_id, span_id=row.span_id, score=row.score) for row in rows
    ]
    return [_to_label(by_span, one) for one in worth_labelling(answers, budget)]


def _to_label(rows: dict[tuple[str, str], _UnlabelledRow], drawn: Drawn) -> ToLabel:
    row = rows[drawn.answer.trace_id, drawn.answer.span_id]
    return ToLabel(
        trace_id=row.trace_id,
        span_id=row.span_id,
        span_time=row.span_time,
        score=row.score,
        label=row.label,
        model=row.model,
        tenant=row.tenant,
        label_weight=drawn.label_weight,
    )


def lacking_labels(judged: Sequence[Judged]) -> int:
    """Labels that the best labelled evaluator still lacks for a corrected rate."""
    return max(0, LEAST_LABELS - max((one.labels for one in judged), default=0))
