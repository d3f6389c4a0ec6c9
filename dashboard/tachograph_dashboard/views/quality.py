"""Quality: what evaluators and people thought of the answers, and which were worst."""

import streamlit as st

from tachograph_dashboard import data, formats, navigation, trace_filters
from tachograph_dashboard.components import charts
from tachograph_dashboard.components.backlog import backlog
from tachograph_dashboard.components.cards import card, empty, lacks
from tachograph_dashboard.components.people import people
from tachograph_dashboard.components.score_lines import score_lines
from tachograph_dashboard.components.tables import Column, table
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.components.toolbar import Scope, toolbar
from tachograph_dashboard.plain_text import one_line
from tachograph_dashboard.sessions import Identity
from tachograph_store.queries.overview import Coverage
from tachograph_store.queries.quality import THRESHOLD, QualitySummary

MAX_WORST = 50

SUMMARY_COLUMNS = {
    "name": Column("Score"),
    "evaluator": Column("Evaluator"),
    "version": Column("Version"),
    "coverage": Column("Coverage (%)", "number", "%.1f", help="answers with this score"),
    "mean": Column("Mean", "number", "%.3f"),
    "median": Column("Median", "number", "%.3f"),
    "low": Column("5th percentile", "number", "%.3f"),
    "below": Column(f"Below {THRESHOLD}", "number", "%d"),
    "not_applicable": Column("Not applicable", "number", "%d"),
    "errors": Column("Errors", "number", "%d"),
    "duration_ms": Column("Median time (ms)", "number", "%.1f"),
}
WORST_COLUMNS = {
    "value": Column("Score", "number", "%.3f", width="small"),
    "span_time": Column("Time", "time"),
    "label": Column("Label", width="small"),
    "explanation": Column("Explanation", width="large"),
    "model": Column("Model"),
    "tenant": Column("Tenant"),
    "variant": Column("Variant"),
}
ERROR_COLUMNS = {
    "evaluator": Column("Evaluator"),
    "error_type": Column("Error"),
    "evaluations": Column("Evaluations", "number", "%d"),
    "last_at": Column("Last", "time"),
    "last_explanation": Column("What it said", width="large"),
}


def render(identity: Identity) -> None:
    """The page for one project."""
    scope = toolbar("Quality", identity.project)
    summaries = data.quality_summary(scope.selection)
    coverage = data.overview_unscored(scope.selection)
    if not summaries:
        _nothing(coverage)
        backlog(identity.project, even_if_empty=False)
        return
    _tiles(summaries, coverage)
    backlog(identity.project)
    _trend(scope)
    _distributions(scope, summaries)
    with card("Scores", "by evaluator; people's feedback has no evaluator"):
        table(
            [_summary_row(summary, coverage) for summary in summaries],
            SUMMARY_COLUMNS,
            zone=scope.zone,
            key="summaries",
        )
    people(scope, summaries)
    _worst(scope, summaries)
    _errors(scope)


def _nothing(coverage: Coverage) -> None:
    if coverage.answers and coverage.answers == coverage.left_out:
        empty(
            f"All {coverage.answers:,} answers were left out by sampling or the rules",
            ["`tachograph evaluation check` shows the rules in force."],
        )
    elif coverage.answers:
        empty(
            f"None of {coverage.answers:,} answers is scored yet",
            ["Run `tachograph worker` and `tachograph beat`, or `tachograph up` for all of it."],
        )
    else:
        empty("No answer in this time range", ["Widen the time range or clear a filter."])


def _tiles(summaries: list[QualitySummary], coverage: Coverage) -> None:
    judged = [summary for summary in summaries if summary.source == "evaluator"]
    people = [summary for summary in summaries if summary.source == "human"]
    ratio = coverage.scored / coverage.answers if coverage.answers else None
    left_out = f", {coverage.left_out:,} left out" if coverage.left_out else ""
    up = sum((summary.mean or 0.0) * summary.valued for summary in people)
    votes = sum(summary.valued for summary in people)
    tiles(
        [
            Tile(
                "Answers scored",
                formats.percent(ratio),
                f"{coverage.unscored:,} of {coverage.answers:,} not yet{left_out}",
                link=trace_filters.only("unscored"),
                link_label="Those not yet scored",
            ),
            Tile(
                f"Scores below {THRESHOLD}",
                formats.count(sum(summary.below for summary in judged)),
                f"of {sum(summary.valued for summary in judged):,} by evaluators",
                link=trace_filters.only("low_score"),
                link_label="Their traces",
            ),
            Tile(
                "Evaluator errors",
                formats.count(sum(summary.errors for summary in judged)),
                f"{sum(summary.not_applicable for summary in judged):,} not applicable",
            ),
            Tile(
                "People's feedback",
                formats.percent(up / votes if votes else None),
                f"positive, of {votes:,} votes" if votes else "no vote yet",
            ),
        ]
    )


def _trend(scope: Scope) -> None:
    with card("Trend", "mean score by evaluators, 1 is good"):
        if not score_lines(scope):
            st.caption("No evaluator has given a value in this time range.")


def _distributions(scope: Scope, summaries: list[QualitySummary]) -> None:
    counts: dict[str, list[int]] = {}
    for tenth in data.quality_distribution(scope.selection):
        counts.setdefault(tenth.name, [0] * 10)[tenth.tenth] = tenth.scores
    names = sorted(counts)
    for start in range(0, min(len(names), 12), 3):
        for place, name in zip(st.columns(3), names[start : start + 3], strict=False):
            with place, st.container(border=True, height="stretch"):
                st.text(one_line(name, 60))
                charts.histogram(counts[name], bad_below=THRESHOLD)
                without = sum(
                    summary.answers - summary.valued
                    for summary in summaries
                    if summary.name == name
                )
                lacks(f"{without:,} without a value" if without > 0 else None)


def _summary_row(summary: QualitySummary, coverage: Coverage) -> dict[str, object]:
    return {
        "name": summary.name,
        "evaluator": summary.evaluator if summary.source == "evaluator" else summary.source,
        "version": summary.version,
        "coverage": min(100.0, 100 * summary.answers / coverage.answers)
        if coverage.answers
        else None,
        "mean": summary.mean,
        "median": summary.median,
        "low": summary.low,
        "below": summary.below,
        "not_applicable": summary.not_applicable,
        "errors": summary.errors,
        "duration_ms": None if summary.duration_ns is None else summary.duration_ns / 1e6,
    }


def _worst(scope: Scope, summaries: list[QualitySummary]) -> None:
    lowest_first = sorted(
        summaries, key=lambda summary: 1.0 if summary.mean is None else summary.mean
    )
    names = list(dict.fromkeys(summary.name for summary in lowest_first if summary.valued))
    if not names:
        return
    with card("Worst answers", "pick a row to open its trace"):
        name = st.selectbox(
            "Score",
            names,
            format_func=lambda option: one_line(option, 60),
            key="worst_name",
            label_visibility="collapsed",
            width=260,
        )
        worst = data.quality_worst(scope.selection, name, MAX_WORST)
        table(
            [{column: getattr(answer, column) for column in WORST_COLUMNS} for answer in worst],
            WORST_COLUMNS,
            zone=scope.zone,
            key="worst",
            on_pick=lambda row: navigation.go("traces", {"trace": worst[row].trace_id}),
        )


def _errors(scope: Scope) -> None:
    errors = data.quality_errors(scope.selection)
    with card("Errors of evaluators", "an answer that could not be judged is not a bad answer"):
        if not errors:
            st.caption("None in this time range.")
            return
        table(
            [{column: getattr(error, column) for column in ERROR_COLUMNS} for error in errors],
            ERROR_COLUMNS,
            zone=scope.zone,
            key="errors",
            on_pick=lambda row: navigation.go("traces", {"trace": errors[row].last_trace_id}),
        )
