"""From the text of a rule file to a `RuleBook`, or a complaint for each entry that is broken."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, cast

from tachograph_evaluators.alerts.address import AddressRefused, parse_target
from tachograph_evaluators.alerts.conditions import Condition, Threshold
from tachograph_evaluators.alerts.fields import FieldError, Table
from tachograph_evaluators.alerts.metrics import Metric, metric_named
from tachograph_evaluators.alerts.rules import NoData, Rule, RuleBook, Segment, Severity, Webhook

DAY_S: Final = 86_400
LONGEST_WINDOW_S: Final = 31 * DAY_S
LONGEST_WAIT_S: Final = 7 * DAY_S
MOST_RULES: Final = 1_000
MOST_WEBHOOKS: Final = 100
_WEBHOOK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class RuleFileError(ValueError):
    """A rule file that cannot be used. `problems`: each names file, rule, field and remedy."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        self.path = path
        self.problems = [f"{path}: {problem}" for problem in problems]
        super().__init__("\n".join(self.problems))


def parse_rules(text: str, path: Path, modified_at: datetime | None = None) -> RuleBook:
    """Read a rule file's text. `path` is named in complaints and anchors relative secret files.

    Raises RuleFileError with the first problem of each webhook and rule.
    """
    try:
        document = Table(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RuleFileError(path, [f"is not TOML: {error}; mend that line"]) from None
    problems: list[str] = []
    webhooks: dict[str, Webhook] = {}
    rules: dict[tuple[str, str], Rule] = {}
    dashboard_url: str | None = None
    try:
        dashboard_url = _dashboard_url(document)
        webhook_tables = document.tables("webhook", most=MOST_WEBHOOKS)
        rule_tables = document.tables("rule", most=MOST_RULES)
        document.finish()
    except FieldError as error:
        raise RuleFileError(path, [str(error)]) from None

    for number, table in enumerate(webhook_tables, start=1):
        with _complaints(problems, f"webhook {_label(table, number)}"):
            webhook = _webhook(table, path.parent)
            if webhook.name in webhooks:
                raise FieldError("name", "is used twice", "give each webhook a name of its own")
            webhooks[webhook.name] = webhook
    named = {_label(table, 0) for table in webhook_tables}
    for number, table in enumerate(rule_tables, start=1):
        with _complaints(problems, f"rule {_label(table, number)}"):
            rule = _rule(table)
            if (rule.project, rule.name) in rules:
                raise FieldError("name", "is used twice", "give each rule of a project its own")
            # A webhook that is itself broken is complained about once, above.
            for name in rule.notify:
                if f'"{name}"' not in named:
                    raise FieldError(
                        "notify",
                        f'names "{name}", which is no webhook of this file',
                        f"write one of {', '.join(webhooks) or '(none)'}, or add a [[webhook]]",
                    )
            rules[rule.project, rule.name] = rule
    if problems:
        raise RuleFileError(path, problems)
    return RuleBook(
        rules=tuple(rules.values()),
        webhooks=webhooks,
        dashboard_url=dashboard_url,
        modified_at=modified_at,
    )


@contextmanager
def _complaints(problems: list[str], where: str) -> Iterator[None]:
    """Turns a FieldError of one table into a line, so that the other tables are read too."""
    try:
        yield
    except FieldError as error:
        problems.append(f"{where}: {error}")


def _label(table: Table, number: int) -> str:
    try:
        name = table.text("name")
    except FieldError:
        name = None
    return f'"{name}"' if name is not None else f"number {number}"


def _dashboard_url(document: Table) -> str | None:
    url = document.text("dashboard_url", longest=2_000)
    if url is not None and not url.startswith(("http://", "https://")):
        raise FieldError("dashboard_url", "is no web address", "write http://… or https://…")
    return None if url is None else url.rstrip("/")


def _webhook(table: Table, folder: Path) -> Webhook:
    name = table.required_text("name", longest=100)
    if not _WEBHOOK_NAME.fullmatch(name):
        raise FieldError("name", "has other characters", "use letters, digits, and . _ - inside")
    url = table.required_text("url", longest=2_000)
    try:
        parse_target(url)
    except AddressRefused as error:
        raise FieldError("url", error.reason, error.remedy) from None
    if table.has("secret"):
        raise FieldError(
            "secret",
            "would lie in the rule file",
            'put it in a file of its own (secret_file = "…") or the environment (secret_env = "…")',
        )
    secret_file = table.text("secret_file", longest=4_000)
    secret_env = table.text("secret_env")
    if (secret_file is None) == (secret_env is None):
        raise FieldError(
            "secret_file",
            "and secret_env are both written" if secret_file else "or secret_env is missing",
            "say with exactly one of them where the whsec_… secret lies",
        )
    ca_file = table.text("ca_file", longest=4_000)
    webhook = Webhook(
        name=name,
        url=url,
        secret_file=None if secret_file is None else folder / Path(secret_file).expanduser(),
        secret_env=secret_env,
        allow_private=table.flag("allow_private"),
        ca_file=None if ca_file is None else folder / Path(ca_file).expanduser(),
    )
    table.finish()
    return webhook


def _rule(table: Table) -> Rule:
    name = table.required_text("name")
    try:
        metric = metric_named(table.required_text("metric", longest=300))
    except ValueError as error:
        if isinstance(error, FieldError):
            raise
        raise FieldError("metric", "is not known", f"write {error}") from None
    kind = table.choice("kind", CONDITION_KINDS) or "threshold"
    segment = table.table("segment")
    rule = Rule(
        name=name,
        project=table.required_text("project"),
        metric=metric,
        condition=CONDITION_KINDS[kind](table, metric),
        segment=_segment(segment),
        for_s=table.number("for_s", least=0, most=LONGEST_WAIT_S) or 0.0,
        resolve_after_s=table.number("resolve_after_s", least=0, most=LONGEST_WAIT_S) or 0.0,
        renotify_s=table.number("renotify_s", least=1, most=LONGEST_WINDOW_S),
        no_data=NoData(table.choice("no_data", list(NoData)) or NoData.IGNORE),
        severity=Severity(table.choice("severity", list(Severity)) or Severity.WARNING),
        notify=table.texts("notify", most=20),
    )
    table.finish()
    return rule


def _segment(table: Table) -> Segment:
    try:
        segment = Segment(
            model=table.text("model"), tenant=table.text("tenant"), variant=table.text("variant")
        )
        table.finish()
    except FieldError as error:
        raise FieldError(f"segment.{error.field}", "cannot stand", str(error)) from None
    return segment


def _threshold(table: Table, metric: Metric) -> Condition:
    comparison = table.choice("comparison", ("below", "above"))
    if comparison is None:
        raise FieldError("comparison", "is missing", 'add a line: comparison = "below" or "above"')
    threshold = table.required_number("threshold")
    bounds = {"least": threshold} if comparison == "below" else {"most": threshold}
    resolve_threshold = table.number("resolve_threshold", **bounds)
    if resolve_threshold is None:
        resolve_threshold = threshold
    window_s = table.whole("window_s", least=1, most=LONGEST_WINDOW_S)
    if window_s is None:
        raise FieldError("window_s", "is missing", "add a line: window_s = 300")
    min_samples = table.whole("min_samples", least=0, most=10**9)
    # An empty window is a fact about a total, and no fact about a mean.
    least = 0 if metric.is_total else 1
    return Threshold(
        comparison=cast(Literal["below", "above"], comparison),
        threshold=threshold,
        resolve_threshold=resolve_threshold,
        window_s=window_s,
        min_samples=least if min_samples is None else max(min_samples, least),
    )


CONDITION_KINDS: Final[Mapping[str, Callable[[Table, Metric], Condition]]] = {
    "threshold": _threshold,
}
"""`kind` of a rule -> what reads the condition's fields."""
