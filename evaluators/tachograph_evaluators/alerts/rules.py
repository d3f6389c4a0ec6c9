"""What a rule file says, once read: webhooks and rules, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from tachograph_evaluators.alerts.conditions import Condition
from tachograph_evaluators.alerts.metrics import Metric


class NoData(StrEnum):
    """What a window without enough samples means.

    `ignore`: no evidence either way; a firing incident stays, a pending one is withdrawn.
    `firing`: as bad as a breach. `resolved`: as good as a clear value.
    """

    IGNORE = "ignore"
    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How bad, in PagerDuty's words."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The part of a project that a rule watches; None takes all."""

    model: str | None = None
    tenant: str | None = None
    variant: str | None = None

    def facts(self) -> dict[str, str]:
        """The filters that are set, by name."""
        pairs = {"model": self.model, "tenant": self.tenant, "variant": self.variant}
        return {name: value for name, value in pairs.items() if value is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.facts().items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver. Exactly one of `secret_file` and `secret_env` says where its secret lies."""

    name: str
    url: str = field(repr=False)  # its path may be a credential, as Slack's is
    secret_file: Path | None = None
    secret_env: str | None = None
    allow_private: bool = False
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing to watch in one project, and whom to tell."""

    name: str
    project: str
    metric: Metric
    condition: Condition
    segment: Segment = Segment()
    for_s: float = 0.0
    """Seconds that the condition must stay broken before the incident fires."""
    resolve_after_s: float = 0.0
    """Seconds that it must stay clear before the incident is resolved."""
    renotify_s: float | None = None
    """Seconds between reminders while firing; None sends none."""
    no_data: NoData = NoData.IGNORE
    severity: Severity = Severity.WARNING
    notify: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What an incident belongs to inside its project: rule and segment."""
        return self.name, str(self.segment)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """A whole rule file."""

    rules: tuple[Rule, ...] = ()
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    dashboard_url: str | None = None
    modified_at: datetime | None = None
    """When the file last changed: a webhook switched off by a 410 before that is tried again."""

    @property
    def projects(self) -> list[str]:
        """Projects that rules name, sorted."""
        return sorted({rule.project for rule in self.rules})
