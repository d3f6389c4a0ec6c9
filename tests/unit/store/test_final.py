"""Rows that a sender repeats are replaced by key, in time: until then readers must see each once.

A query reads such a table with FINAL, or stands below with the reason why it need not.
"""

import re

import pytest

from tachograph_store.named import query_names, query_text

REPLACED = (
    "gpu_readings",
    "engine_readings",
    "scores",
    "ledger",
    "incidents",
    "deliveries",
    "jobs",
)
SEES_ONCE = {
    "alerts_known_deliveries": "DISTINCT",
    "alerts_score_window": "the newest of each key by argMax",
    "alerts_span_window": "the newest cursor by argMax",
    "backfill_answers": "an anti-join: which evaluators, not how often",
    "backfill_newest_judges": "the newest by argMax",
    "backfill_progress": "uniqExact",
    "evaluation_candidates": "which evaluators have a lease, not how often",
    "evaluation_cursor": "the newest by argMax",
    "evaluation_cursors": "the newest by argMax",
    "evaluation_missing": "an anti-join: which evaluators, not how often",
    "evaluation_scored": "the newest of each key by argMax",
    "feedback_unlabelled": "NOT IN: which answers, not how often",
    "ledger_balance": "the newest of each line by argMax",
    "ledger_entries": "the newest of each line by argMax",
    "ledger_leaving": "the newest of each line by argMax",
    "ledger_removed": "the newest of each line by argMax",
    "overview_left_out": "IN and NOT IN: which answers, not how often",
    "overview_skips": "whether there is any",
    "overview_unscored": "NOT IN: which answers, not how often",
    "quality_summary": "FINAL, behind IN: which names, not how often",
    "rollup_day_rows": "IN: which answers, not how often",
    "rollup_projects": "DISTINCT",
    "rollup_scored_days": "DISTINCT",
    "rollup_cursor": "the newest by argMax",
    "rollup_state": "the newest by argMax",
    "traces_found": "NOT IN: which answers, not how often",
}
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(" + "|".join(REPLACED) + r")\b(?:\s+AS\s+\w+)?(\s+FINAL)?")


@pytest.mark.parametrize("name", query_names())
def test_a_repeated_row_is_seen_once(name: str) -> None:
    text = re.sub(r"--.*", "", query_text(name))
    is_plain = any(not match[2] for match in _READ.finditer(text))
    assert is_plain == (name in SEES_ONCE), f"{name}: FINAL, or a reason in SEES_ONCE"


def test_reasons_name_queries_that_exist() -> None:
    assert set(SEES_ONCE) <= set(query_names())
