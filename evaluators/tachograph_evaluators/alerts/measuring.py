"""Reads what rules watch, each window of the store once in a pass."""

from collections.abc import Mapping

from tachograph_evaluators.alerts.conditions import Reading, Window
from tachograph_evaluators.alerts.rules import Rule, Segment
from tachograph_store.client import Store
from tachograph_store.queries.alerts import Measure, alerts_score_window, alerts_span_window
from tachograph_store.queries.selection import Selection


class WindowReader:
    """Readings of one project. Rules that watch the same window and segment share one query."""

    def __init__(self, store: Store, project: str) -> None:
        self._store = store
        self._project = project
        self._spans: dict[tuple[Window, Segment], Mapping[str, Measure]] = {}
        self._scores: dict[tuple[Window, Segment, str], Measure] = {}

    def read(self, rule: Rule, window: Window) -> Reading:
        """The rule's metric over the window. Raises StoreError."""
        measure = self._measure(rule, window)
        return Reading(value=measure.value, samples=measure.samples, window=window)

    def _measure(self, rule: Rule, window: Window) -> Measure:
        segment, column = rule.segment, rule.metric.column
        selection = Selection(
            project=self._project,
            since=window.since,
            until=window.until,
            model=segment.model,
            tenant=segment.tenant,
            variant=segment.variant,
        )
        if rule.metric.family == "spans":
            if (window, segment) not in self._spans:
                self._spans[window, segment] = alerts_span_window(self._store, selection)
            return self._spans[window, segment][column]
        if (window, segment, column) not in self._scores:
            measure = alerts_score_window(self._store, selection, column)
            self._scores[window, segment, column] = measure
        return self._scores[window, segment, column]
