"""What became of the records of one export request."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tachograph.semconv.values import RejectReason

_EXPLANATIONS: Final[Mapping[str, str]] = {
    RejectReason.TOO_OLD: "older than the retention",
    RejectReason.IN_FUTURE: "more than 10 minutes in the future",
    RejectReason.BAD_TRACE_ID: "the trace id is not 16 bytes, or is zero",
    RejectReason.BAD_SPAN_ID: "a span id is not 8 bytes, or is zero",
    RejectReason.BAD_TIME: "a time is zero, or the end lies before the start",
    RejectReason.BAD_VALUE: "a value is missing, not finite or outside its range",
    RejectReason.UNSUPPORTED: "no table takes it",
}


@dataclass(slots=True)
class Rejections:
    """Records refused one by one, counted by source and reason."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, source: str, reason: str, count: int = 1) -> None:
        """Count `count` records of a source under a `RejectReason`."""
        self.counts[source, reason] += count

    @property
    def total(self) -> int:
        """How many records were refused."""
        return self.counts.total()

    def message(self) -> str:
        """One line for the sender: every reason with its number."""
        by_reason: Counter[str] = Counter()
        for (_, reason), count in self.counts.items():
            by_reason[reason] += count
        return "; ".join(
            f"{count} rejected as {reason}: {_EXPLANATIONS.get(reason, reason)}"
            for reason, count in by_reason.most_common()
        )
