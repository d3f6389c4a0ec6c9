"""Which rows a page looks at: one project, a time range, and optionally model, tenant, variant."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """`since` is inclusive, `until` exclusive, both timezone-aware; None filters nothing."""

    project: str
    since: datetime
    until: datetime
    model: str | None = None
    tenant: str | None = None
    variant: str | None = None

    def parameters(self) -> dict[str, object]:
        """Server-side parameters of the `.sql` files that take a selection."""
        return {
            **self.range_parameters(),
            "models": _one_or_all(self.model),
            "tenants": _one_or_all(self.tenant),
            "variants": _one_or_all(self.variant),
        }

    def range_parameters(self) -> dict[str, object]:
        """Project and time only."""
        return {
            "project": self.project,
            "since_ns": nanoseconds(self.since),
            "until_ns": nanoseconds(self.until),
        }


def whole_days(since: datetime, until: datetime) -> dict[str, object]:
    """Parameters that name the days (UTC) within [since, until), as the partitions of spans are named.

    The rows of a whole day need not be asked for their time. Both names are '' where there is none.
    """
    midnight = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight if midnight == since else midnight + timedelta(days=1)
    end = until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if first >= end:
        return {"whole_from": "", "whole_until": ""}
    return {"whole_from": f"{first:%Y%m%d}", "whole_until": f"{end:%Y%m%d}"}


def nanoseconds(moment: datetime) -> int:
    """Whole nanoseconds since the epoch, without a float's rounding."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _one_or_all(value: str | None) -> list[str]:
    return [] if value is None else [value]
