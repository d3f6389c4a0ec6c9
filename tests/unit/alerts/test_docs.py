"""The example of the documentation is a rule file, and the page names all there is."""

import re
from pathlib import Path

import pytest

from tachograph_evaluators.alerts.metrics import SPAN_METRICS
from tachograph_evaluators.alerts.retry import RETRY_AFTER_S
from tachograph_evaluators.alerts.rule_parser import RuleFileError, parse_rules

DOCS = Path(__file__).parents[3] / "docs" / "alerts.md"
TEXT = DOCS.read_text()


def test_the_example_is_a_good_rule_file() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    book = parse_rules(example, DOCS)
    assert len(book.rules) == 3
    assert set(book.webhooks) == {"on-call", "local"}
    assert {rule.metric.name for rule in book.rules} >= {"score:grounding", "list_cost"}


def test_every_metric_is_named() -> None:
    assert [name for name in SPAN_METRICS if f"`{name}`" not in TEXT] == []


def test_every_field_is_named() -> None:
    with pytest.raises(RuleFileError) as caught:
        parse_rules(
            "[[rule]]\nname='x'\nproject='x'\nmetric='requests'\ncomparison='above'\n"
            "threshold=1\nwindow_s=1\nzzz=1\n",
            DOCS,
        )
    (problem,) = caught.value.problems
    fields = problem.split("fields are: ")[1].split(", ")
    assert len(fields) > 10
    assert [field for field in fields if f"`{field}`" not in TEXT] == []


def test_the_waits_are_as_written() -> None:
    assert RETRY_AFTER_S == (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert "5 seconds, 5 and 30\nminutes, 2, 5, 10, 14, 20 and 24 hours" in TEXT
