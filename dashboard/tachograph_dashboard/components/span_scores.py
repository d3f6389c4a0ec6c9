"""Scores of one answer, and the passages they point at."""

from collections.abc import Sequence
from datetime import tzinfo

import streamlit as st

from tachograph_dashboard.components.bubbles import offending
from tachograph_dashboard.components.tables import Column, table
from tachograph_store.rows import ScoreRow

COLUMNS = {
    "name": Column("Score", width="small"),
    "value": Column("Value", "number", "%.3f", width="small"),
    "label": Column("Label", width="small"),
    "explanation": Column("Explanation", width="medium"),
    "by": Column("By"),
}


def span_scores(scores: Sequence[ScoreRow], answer: str, zone: tzinfo) -> None:
    """A table of scores, the lowest first, then the passages in their surroundings."""
    if not scores:
        st.caption("Not yet scored.")
        return
    lowest_first = sorted(scores, key=lambda score: (score.value is None, score.value or 0.0))
    table([_row(score) for score in lowest_first], COLUMNS, zone=zone, key="scores")
    pointing = [score for score in lowest_first if score.offsets]
    if pointing and answer:
        st.caption("What they point at, between ⟦ and ⟧:")
        with st.container(key="bubble-context-offsets", gap="xsmall"):
            for score in pointing[:20]:
                offending(answer, score.offsets)


def _row(score: ScoreRow) -> dict[str, object]:
    return {
        "name": score.name,
        "value": score.value,
        "label": score.error_type or score.label,
        "by": score.evaluator if score.source == "evaluator" else score.author or score.source,
        "explanation": score.explanation,
    }
