"""How far judging is: what waits, what sampling left out, what was given up."""

from collections.abc import Sequence

import streamlit as st

from tachograph_dashboard import data, formats
from tachograph_dashboard.components.cards import card
from tachograph_dashboard.components.tiles import Tile, tiles
from tachograph_dashboard.plain_text import one_line
from tachograph_store.queries.backlog import Backlog, Left


def backlog(project: str, *, even_if_empty: bool = True) -> None:
    """A row of tiles for now, whatever range the page shows; reasons only where there are some."""
    found = data.evaluation_backlog(project)
    if not (even_if_empty or found.open or found.undecided or found.parked or found.skipped):
        return
    if found.sampling_factor is not None:
        st.warning(
            f"Judging is behind: at the moment {100 * found.sampling_factor:.1f} % of what the rules "
            "want is judged. Weights keep every mean right.",
            icon=":material/speed:",
        )
    parked = sum(left.evaluations for left in found.parked)
    skipped = sum(left.evaluations for left in found.skipped)
    tiles(
        [
            Tile("Waiting", formats.count(found.open), _undecided(found)),
            Tile("Lag", formats.seconds(found.lag_s), "of the oldest answer that waits, now"),
            Tile("Left out", formats.count(skipped), "evaluations, by sampling and rules, in 24 h"),
            Tile("Given up", formats.count(parked), "evaluations, after repeated failure"),
        ],
        key="backlog",
    )
    if found.open or found.undecided:
        _how_far(project)
    if found.parked:
        with card("Given up", "`tachograph evaluation parked --retry` tries them again"):
            _reasons(found.parked[:20])
    if found.skipped:
        with st.expander("Why answers were left out"):
            _reasons(found.skipped[:20])


def _how_far(project: str) -> None:
    """The day that workers judge by themselves, anew after an upgrade: nobody began it by hand."""
    progress = data.judged_of_day(project)
    if progress is None or progress.settled >= progress.answers:
        return
    st.caption(
        f"{progress.settled:,} of {progress.answers:,} answers of the last 24 hours are judged by the "
        "newest versions"
    )
    st.progress(progress.settled / progress.answers)


def _undecided(found: Backlog) -> str:
    if found.undecided is None:
        return "evaluations; the planner has not run yet"
    return f"evaluations; {found.undecided:,} answers not yet looked at"


def _reasons(left: Sequence[Left]) -> None:
    for one in left:
        st.text(f"{one.evaluations:,}  {one_line(one.reason or 'no reason kept', 200)}")
