"""From the text of an evaluation file to a `RuleBook`, or a complaint for each broken entry."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Final

from tachograph_evaluators.alerts.fields import FieldError, Table
from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.rules.rule import DEFAULT_PRIORITY, Behind, Filter, Rule, RuleBook

MOST_RULES: Final = 500
_MOST_NAMES: Final = 100
_LONGEST_LAG_S: Final = 86_400


def parse_rules(text: str, path: Path, installed: Collection[str]) -> RuleBook:
    """Read the file's text; `installed` are the evaluators that a rule may name.

    Raises RuleFileError with the first problem of each rule.
    """
    try:
        document = Table(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RuleFileError(path, [f"is not TOML: {error}; mend that line"]) from None
    problems: list[str] = []
    rules: dict[str, Rule] = {}
    behind = Behind()
    try:
        behind = _behind(document.table("behind"))
        tables = document.tables("rule", most=MOST_RULES)
        document.finish()
    except FieldError as error:
        raise RuleFileError(path, [str(error)]) from None
    for number, table in enumerate(tables, start=1):
        try:
            rule = _rule(table, installed)
            if rule.name in rules:
                raise FieldError("name", "is used twice", "give each rule a name of its own")
            rules[rule.name] = rule
        except FieldError as error:
            problems.append(f"rule {number}: {error}")
    if problems:
        raise RuleFileError(path, problems)
    return (
        RuleBook(rules=tuple(rules.values()), behind=behind) if rules else RuleBook(behind=behind)
    )


def _behind(table: Table) -> Behind:
    known = Behind()
    try:
        after_s = table.number("after_s", least=1, most=_LONGEST_LAG_S)
        least_rate = table.number("least_rate", least=0.0001, most=1)
        table.finish()
    except FieldError as error:
        raise FieldError(f"behind.{error.field}", "cannot stand", str(error)) from None
    return Behind(
        after_s=known.after_s if after_s is None else after_s,
        least_rate=known.least_rate if least_rate is None else least_rate,
    )


def _rule(table: Table, installed: Collection[str]) -> Rule:
    name = table.required_text("name")
    evaluators = table.texts("evaluators", most=_MOST_NAMES)
    for evaluator in evaluators:
        if evaluator not in installed:
            raise FieldError(
                "evaluators",
                f'names "{evaluator}", which does not run here',
                f"write some of {', '.join(sorted(installed)) or '(none installed)'}",
            )
    sample_rate = table.number("sample_rate", least=0, most=1)
    priority = table.whole("priority", least=0, most=9)
    rule = Rule(
        name=name,
        filter=_filter(table.table("filter")),
        evaluators=evaluators,
        sample_rate=1.0 if sample_rate is None else sample_rate,
        priority=DEFAULT_PRIORITY if priority is None else priority,
        drop_when_behind=table.flag("drop_when_behind") if table.has("drop_when_behind") else True,
    )
    table.finish()
    return rule


def _filter(table: Table) -> Filter:
    try:
        found = Filter(
            projects=table.texts("projects", most=_MOST_NAMES),
            models=table.texts("models", most=_MOST_NAMES),
            tenants=table.texts("tenants", most=_MOST_NAMES),
            operations=table.texts("operations", most=_MOST_NAMES),
        )
        table.finish()
    except FieldError as error:
        raise FieldError(f"filter.{error.field}", "cannot stand", str(error)) from None
    return found
