"""The bounds of what one record may bring, and the window of time it may lie in."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tachograph.semconv.values import RejectReason
from tachograph_collector.settings import CollectorSettings
from tachograph_store.settings import StoreSettings

NANOSECONDS = 1_000_000_000
FUTURE_TOLERANCE_S = 600
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes of attributes and how long rows are kept, for one translation."""

    max_attributes: int
    max_attribute_bytes: int
    max_content_bytes: int
    max_events: int
    max_links: int
    retention_days: int
    content_retention_days: int
    readings_retention_days: int

    @classmethod
    def of(cls, settings: CollectorSettings, store: StoreSettings) -> "Limits":
        """The limits that the settings name; content goes with its span at the latest."""
        return cls(
            max_attributes=settings.max_attributes,
            max_attribute_bytes=settings.max_attribute_bytes,
            max_content_bytes=settings.max_content_bytes,
            max_events=settings.max_events,
            max_links=settings.max_links,
            retention_days=store.retention_days,
            content_retention_days=min(store.content_retention_days, store.retention_days),
            readings_retention_days=store.readings_retention_days,
        )


@dataclass(frozen=True, slots=True)
class Window:
    """Event times that are accepted, ns since the epoch, both ends included."""

    earliest: int
    latest: int

    @classmethod
    def around(cls, now: int, retention_days: int) -> "Window":
        """[now - retention, now + 10 min]."""
        return cls(
            now - retention_days * _DAY_S * NANOSECONDS, now + FUTURE_TOLERANCE_S * NANOSECONDS
        )

    def reject_reason(self, time: int) -> str | None:
        """Why a record of this time (ns) is refused, or None."""
        if time <= 0:
            return RejectReason.BAD_TIME
        if time < self.earliest:
            return RejectReason.TOO_OLD
        if time > self.latest:
            return RejectReason.IN_FUTURE
        return None


def expiry(time: int, days: int) -> date:
    """The date from which a row of this time (ns since the epoch) may be deleted."""
    return utc(time).date() + timedelta(days=days)


def utc(time: int) -> datetime:
    """The moment, to the microsecond."""
    return datetime.fromtimestamp(time // NANOSECONDS, UTC).replace(
        microsecond=time % NANOSECONDS // 1000
    )
