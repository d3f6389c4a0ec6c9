"""The course of each score's mean."""

from datetime import datetime

from tachograph_dashboard import data
from tachograph_dashboard.components import charts
from tachograph_dashboard.components.toolbar import Scope


def score_lines(scope: Scope) -> bool:
    """A line a score over the time range; False when there is nothing to draw."""
    series: dict[str, dict[datetime, float | None]] = {}
    for point in data.quality_series(scope.selection, scope.window.step_s):
        series.setdefault(point.name, {})[point.step] = point.mean
    if series:
        charts.lines(scope.window, series, unit="score", number_format=".2f", domain=(0.0, 1.0))
    return bool(series)
