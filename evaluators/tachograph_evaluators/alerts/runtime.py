"""What a worker process keeps for alerts: the rule file, two connections, two locks."""

from datetime import datetime
from pathlib import Path

from tachograph_evaluators.alerts.delivery import Outcome, deliver_due
from tachograph_evaluators.alerts.evaluate import Evaluation, evaluate_rules
from tachograph_evaluators.alerts.exclusive import exclusive
from tachograph_evaluators.alerts.rule_file import RuleFile
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.client import Store
from tachograph_store.settings import home
from tachograph_store.writer import Writer


def rules_path(settings: EvaluatorSettings) -> Path:
    """The rule file: `TACHOGRAPH_EVALUATORS_ALERT_RULES`, else `<TACHOGRAPH_HOME>/alerts.toml`."""
    return settings.alert_rules or home() / "alerts.toml"


class AlertRuntime:
    """Evaluates and delivers, one at a time on this machine whoever asks."""

    def __init__(self, rules: Path, locks: Path, reader: Store, writer: Writer) -> None:
        self._rule_file = RuleFile(rules)
        self._locks = locks
        self._reader = reader
        self._writer = writer

    @property
    def problem(self) -> str | None:
        """Why the rule file as it stands is not in force; None while it is."""
        return self._rule_file.problem

    def evaluate(self, now: datetime) -> Evaluation | None:
        """Evaluate all rules; None when another process is doing so. Raises StoreError."""
        with exclusive(self._locks / "alerts-evaluate.lock") as is_ours:
            if not is_ours:
                return None
            return evaluate_rules(self._reader, self._writer, self._rule_file.current(), now)

    def deliver(self, now: datetime) -> Outcome | None:
        """Send what is due; None when another process is doing so. Raises StoreError."""
        with exclusive(self._locks / "alerts-deliver.lock") as is_ours:
            if not is_ours:
                return None
            return deliver_due(self._reader, self._writer, self._rule_file.current(), now)
