"""What must hold: in the end each answer has exactly one score of each name and version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.chaos_eval.stack import EVALUATORS

from tachograph_store.client import Store, connect
from tachograph_store.errors import StoreError
from tachograph_store.rows import SpanRow
from tachograph_store.settings import StoreSettings

# Rows as they lie there, not as FINAL shows them: a row too many is one that was scored twice.
_ROWS: Final = """
SELECT span_id, evaluator, name, count() AS found
FROM scores WHERE project = {project:String} AND startsWith(span_id, {prefix:String})
GROUP BY span_id, evaluator, name
"""
_SCORED: Final = """
SELECT uniqExact(span_id, evaluator, name) AS pairs, count() - pairs AS surplus
FROM scores WHERE project = {project:String}
"""
_OPEN: Final = """
SELECT count() AS leases FROM jobs FINAL
WHERE project = {project:String} AND kind = 'evaluation' AND state NOT IN ('done', 'skipped')
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How far the scores are; `surplus` counts rows beyond one of a key that were ever seen."""

    scored: int
    surplus: int


def count(settings: StoreSettings, project: str) -> Count | None:
    """None while the store does not answer."""
    try:
        with connect(settings) as store:
            row = store.query(_SCORED, {"project": project})[0]
            return Count(row["pairs"], row["surplus"])
    except StoreError:
        return None


def open_leases(settings: StoreSettings, project: str) -> int | None:
    """Evaluations that are not settled; None while the store does not answer."""
    try:
        with connect(settings) as store:
            return int(store.query(_OPEN, {"project": project})[0]["leases"])
    except StoreError:
        return None


def missing_and_duplicate(
    settings: StoreSettings, project: str, spans: Sequence[SpanRow]
) -> tuple[int, int]:
    """Scores that lack, and rows beyond one a score."""
    wanted = {
        (span.span_id, evaluator, name)
        for span in spans
        for evaluator, names in EVALUATORS.items()
        for name in names
    }
    with connect(settings) as store:
        found = _found(store, project)
    return len(wanted - set(found)), sum(rows - 1 for rows in found.values())


def _found(store: Store, project: str) -> dict[tuple[str, str, str], int]:
    found: dict[tuple[str, str, str], int] = {}
    for prefix in "0123456789abcdef":  # answers are bounded: piece by piece
        for row in store.query(_ROWS, {"project": project, "prefix": prefix}):
            found[row["span_id"], row["evaluator"], row["name"]] = row["found"]
    return found
