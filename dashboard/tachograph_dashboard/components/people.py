"""People and evaluators: agreement, rates corrected by labels, and what to label next."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data, navigation
from tachograph_dashboard.components.cards import card
from tachograph_dashboard.components.feedback import remember_weight
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.toolbar import Scope
from tachograph_dashboard.plain_text import one_line
from tachograph_store.queries.feedback import ENOUGH_DRAWN, Judged, ToLabel, lacking_labels
from tachograph_store.queries.quality import QualitySummary
from tachograph_store.rates.pairs import Interval

BUDGET = 20

AGREEMENT_COLUMNS = {
    "name": Column("Score"),
    "evaluator": Column("Evaluator"),
    "labels": Column("Labels", "number", "%d", help="answers that people labelled"),
    "corrected": Column(
        "Good, corrected",
        help="evaluator and labels together, by prediction-powered inference; 95 % interval",
    ),
    "evaluator_rate": Column("As evaluated", help="the evaluator's mean over all judged answers"),
    "labelled": Column("By labels alone", help="with its 95 % interval"),
    "kappa": Column("Cohen's kappa", help="1 agrees always, 0 as by chance; 95 % interval"),
    "auroc": Column("AUROC", help="how often a good answer scores above a bad one; 95 % interval"),
    "missed": Column("Missed", "number", "%d", help="people say bad, the evaluator passed it"),
    "false_alarm": Column(
        "False alarms", "number", "%d", help="people say good, the evaluator did not pass it"
    ),
    "basis": Column("Labels were", help="drawn: with known probabilities, so the interval holds"),
}
NEXT_COLUMNS = {
    "score": Column("Score", "number", "%.3f", width="small"),
    "span_time": Column("Time", "time"),
    "label": Column("Evaluator says", width="small"),
    "model": Column("Model"),
    "tenant": Column("Tenant"),
    "label_weight": Column("Weight", "number", "%.1f", help="answers that this one stands for"),
}


def people(scope: Scope, summaries: Sequence[QualitySummary]) -> None:
    """Two cards; the second one leads to the traces to label."""
    judged = data.feedback_judged(scope.selection)
    with card("People and evaluators", "how far they agree, and what the rates are in truth"):
        if judged:
            rows = [_row(one) for one in judged]
            table(rows, AGREEMENT_COLUMNS, zone=scope.zone, key="agreement")
            _notes(judged)
        else:
            st.caption(
                "No answer in this time range has a label by people yet. Give some on a trace's "
                "page, by `tachograph.score(…)` or by POST /api/v1/scores."
            )
    _next(scope, summaries)


def _row(one: Judged) -> dict[str, object]:
    confusion = one.agreement.confusion
    rate = one.rate
    return {
        "name": one.name if one.about == one.name else f"{one.name} (thumbs)",
        "evaluator": f"{one.evaluator} {one.version}",
        "labels": one.labels,
        "kappa": _interval(one.agreement.kappa, percent=False),
        "auroc": _interval(one.agreement.auroc, percent=False),
        "missed": confusion.missed,
        "false_alarm": confusion.false_alarm,
        "evaluator_rate": None if rate is None else f"{100 * rate.evaluator:.1f} %",
        "labelled": _interval(rate.labelled if rate else None, percent=True),
        "corrected": _interval(rate.corrected if rate else None, percent=True),
        "basis": "drawn" if one.is_drawn else "given freely",
    }


def _interval(value: Interval | None, *, percent: bool) -> str | None:
    if value is None:
        return None
    if percent:
        return f"{100 * value.estimate:.1f} % ({100 * value.low:.0f}–{100 * value.high:.0f})"
    return f"{value.estimate:.2f} ({value.low:.2f}–{value.high:.2f})"


def _notes(judged: Sequence[Judged]) -> None:
    lacking = lacking_labels(judged)
    if lacking:
        st.caption(f"{lacking} more labels, and rates can be corrected.")
    elif not any(one.is_drawn for one in judged):
        st.caption(
            "Labels that people gave freely may prefer some answers: the corrected rate holds as far "
            f"as they do not. With {ENOUGH_DRAWN} labels from the list below it holds without that."
        )


def _next(scope: Scope, summaries: Sequence[QualitySummary]) -> None:
    choices = [one for one in summaries if one.source == "evaluator" and one.valued]
    if not choices:
        return
    with card("Worth a label", "where a label tells most; pick a row, judge it on its trace"):
        index = st.selectbox(
            "Score",
            range(len(choices)),
            format_func=lambda at: one_line(
                f"{choices[at].name} ({choices[at].evaluator} {choices[at].version})", 80
            ),
            key="next_name",
            label_visibility="collapsed",
            width=320,
        )
        chosen = choices[index or 0]
        found = data.feedback_next(
            scope.selection, chosen.evaluator, chosen.version, chosen.name, BUDGET
        )
        if not found:
            st.caption("Nothing to label here: none drawn, or all of them are labelled.")
            return
        table(
            [{column: getattr(one, column) for column in NEXT_COLUMNS} for one in found],
            NEXT_COLUMNS,
            zone=scope.zone,
            key="next",
            on_pick=lambda row: _open(found[row]),
        )


def _open(one: ToLabel) -> None:
    remember_weight(one.span_id, one.label_weight)
    navigation.go("traces", {"trace": one.trace_id})
