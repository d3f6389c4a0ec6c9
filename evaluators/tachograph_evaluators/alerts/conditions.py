"""When is a rule broken: conditions judge what was read over the windows they ask for.

The state machine and the evaluator know a condition only by the protocol below, so a burn rate
(two windows), an absence (samples) or a budget (a calendar window) is one more class here and one
more entry in the rule file's table of kinds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, `since` included, `until` excluded; both timezone-aware UTC."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A metric over one window. `value` is None where nothing that has one was there."""

    value: float | None
    samples: int
    window: Window


class Verdict(StrEnum):
    """What a condition says of its readings."""

    BREACHED = "breached"
    BETWEEN = "between"  # past neither bound: keeps an incident firing, begins none
    CLEAR = "clear"
    NO_DATA = "no_data"  # fewer samples than the rule asks for, or no value


class Condition(Protocol):
    """Judges readings of a metric; pure."""

    @property
    def threshold(self) -> float:
        """The bound that people are shown, in the metric's unit."""

    def windows(self, now: datetime) -> Sequence[Window]:
        """The windows to read, the one to report first."""

    def judge(self, readings: Sequence[Reading]) -> Verdict:
        """The verdict on readings of exactly those windows, in that order."""

    def describe(self) -> str:
        """The condition in words, after the metric's name: `below 0.7 over 300 s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Broken while the metric over a rolling window is strictly past the threshold.

    `resolve_threshold` is the bound that must be reached for the incident to end (hysteresis);
    it lies on the good side of `threshold` or equals it.
    """

    comparison: Literal["below", "above"]
    threshold: float
    resolve_threshold: float
    window_s: int
    min_samples: int

    def windows(self, now: datetime) -> Sequence[Window]:
        """One window that ends now."""
        return [Window(now - timedelta(seconds=self.window_s), now)]

    def judge(self, readings: Sequence[Reading]) -> Verdict:
        """BREACHED, BETWEEN or CLEAR by the value; NO_DATA below `min_samples`."""
        (reading,) = readings
        if reading.value is None or reading.samples < self.min_samples:
            return Verdict.NO_DATA
        sign = 1.0 if self.comparison == "above" else -1.0
        if sign * reading.value > sign * self.threshold:
            return Verdict.BREACHED
        if sign * reading.value > sign * self.resolve_threshold:
            return Verdict.BETWEEN
        return Verdict.CLEAR

    def describe(self) -> str:
        """E.g. `below 0.7 over 300 s`."""
        return f"{self.comparison} {self.threshold:g} over {self.window_s} s"
