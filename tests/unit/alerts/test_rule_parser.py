"""Rule files: what is read, and how complaints are worded."""

from pathlib import Path

import pytest

from tachograph_evaluators.alerts.conditions import Threshold
from tachograph_evaluators.alerts.rule_parser import RuleFileError, parse_rules
from tachograph_evaluators.alerts.rules import NoData, RuleBook, Severity

PATH = Path("/etc/tachograph/alerts.toml")
WEBHOOK = """
[[webhook]]
name = "on-call"
url = "https://hooks.example.com/t/SECRET-PATH"
secret_file = "on-call.secret"
"""
RULE = """
[[rule]]
name = "Grounding fell"
project = "shop"
metric = "score:grounding"
comparison = "below"
threshold = 0.7
window_s = 300
"""


def parse(text: str) -> RuleBook:
    return parse_rules(text, PATH)


def complaint(text: str) -> str:
    with pytest.raises(RuleFileError) as caught:
        parse(text)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{PATH}: ")
    return problem


def test_a_full_file() -> None:
    book = parse(
        'dashboard_url = "http://127.0.0.1:8501/"\n'
        + WEBHOOK
        + 'allow_private = true\nca_file = "/etc/ca.pem"\n'
        + RULE
        + """
        kind = "threshold"
        resolve_threshold = 0.8
        min_samples = 20
        for_s = 60
        resolve_after_s = 120.5
        renotify_s = 3600
        no_data = "firing"
        severity = "critical"
        notify = ["on-call"]
        segment = { model = "llama", tenant = "acme", variant = "b" }
        """
    )
    webhook = book.webhooks["on-call"]
    assert webhook.secret_file == Path("/etc/tachograph/on-call.secret")
    assert webhook.ca_file == Path("/etc/ca.pem")
    assert webhook.allow_private
    assert "SECRET-PATH" not in repr(book)
    (rule,) = book.rules
    assert rule.condition == Threshold(
        comparison="below", threshold=0.7, resolve_threshold=0.8, window_s=300, min_samples=20
    )
    assert (rule.for_s, rule.resolve_after_s, rule.renotify_s) == (60.0, 120.5, 3600.0)
    assert (rule.no_data, rule.severity) == (NoData.FIRING, Severity.CRITICAL)
    assert rule.key == ("Grounding fell", "model=llama, tenant=acme, variant=b")
    assert book.dashboard_url == "http://127.0.0.1:8501"
    assert book.projects == ["shop"]


def test_defaults() -> None:
    (rule,) = parse(RULE).rules
    assert rule.condition == Threshold(
        comparison="below", threshold=0.7, resolve_threshold=0.7, window_s=300, min_samples=1
    )
    assert (rule.for_s, rule.resolve_after_s, rule.renotify_s) == (0.0, 0.0, None)
    assert (rule.no_data, rule.severity, rule.notify) == (NoData.IGNORE, Severity.WARNING, ())
    assert rule.key == ("Grounding fell", "")


def test_a_total_needs_no_samples() -> None:
    (rule,) = parse(RULE.replace("score:grounding", "requests")).rules
    assert isinstance(rule.condition, Threshold)
    assert rule.condition.min_samples == 0


def test_an_empty_file_has_no_rules() -> None:
    assert parse("") == RuleBook()


@pytest.mark.parametrize(
    ("line", "where", "remedy"),
    [
        ('metric = "latency"', "metric: ", "score:NAME"),
        ('comparison = "under"', "comparison: is 'under'", "below, above"),
        ("threshold = true", "threshold: is True", "finite number"),
        ('threshold = "0.7"', "threshold: is '0.7'", "without quotes"),
        ("threshold = nan", "threshold: is nan", "finite number"),
        ("threshold = inf", "threshold: is inf", "finite number"),
        ("window_s = 0", "window_s: is 0", "from 1 to"),
        ("window_s = 1.5", "window_s: is 1.5", "whole number"),
        ("window_s = 9e9", "window_s: is 9e+09", "from 1 to"),
        ("min_samples = -1", "min_samples: ", "from 0"),
        ("for_s = -1", "for_s: ", "from 0"),
        ("renotify_s = 0", "renotify_s: ", "from 1"),
        ("resolve_threshold = 0.6", "resolve_threshold: is 0.6", "from 0.7"),
        ('no_data = "ok"', "no_data: ", "ignore, firing, resolved"),
        ('severity = "page"', "severity: ", "critical, error, warning, info"),
        ('kind = "burn_rate"', "kind: ", "threshold"),
        ('notify = "on-call"', "notify: ", "list of texts"),
        ('notify = ["nobody"]', 'notify: names "nobody"', "on-call"),
        ('notify = ["on-call", "on-call"]', "notify: repeats", "different"),
        ("segment = { modle = 'x' }", "segment.modle: ", "did you mean model?"),
        ("segment = { model = '' }", "segment.model: ", "1 to 200"),
        ('segment = "x"', "segment: ", "write a table"),
        ("treshold = 1", "treshold: is not a field", "did you mean threshold?"),
        ('project = "a\\u202eb"', "project: holds control", "plain text"),
    ],
)
def test_each_wrong_field_is_named_with_its_remedy(line: str, where: str, remedy: str) -> None:
    field = line.split(" = ")[0]
    kept = [each for each in RULE.splitlines() if not each.startswith(f"{field} =")]
    problem = complaint(WEBHOOK + "\n".join([*kept, line]))
    assert problem.startswith(f'{PATH}: rule "Grounding fell": {where}')
    assert remedy in problem


@pytest.mark.parametrize("field", ["project", "metric", "comparison", "threshold", "window_s"])
def test_each_missing_field_is_named(field: str) -> None:
    kept = [each for each in RULE.splitlines() if not each.startswith(f"{field} =")]
    assert f'rule "Grounding fell": {field}: is missing; add a line' in complaint("\n".join(kept))


def test_a_rule_without_name_is_told_by_its_number() -> None:
    assert "rule number 2: name: is missing" in complaint(RULE + "\n[[rule]]\nproject = 'x'")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("https://hooks", "ftp://hooks"), "url: is neither http nor https"),
        (("https://hooks", "https://user:pw@hooks"), "url: holds credentials"),
        (('secret_file = "on-call.secret"', ""), "exactly one"),
        (("secret_file", 'secret_env = "S"\nsecret_file'), "exactly one"),
        (("secret_file", "secret"), "secret_file ="),
        (('on-call"\nurl', 'on call"\nurl'), "letters, digits"),
        (("secret_file", "allow_private = 1\nsecret_file"), "true or false"),
    ],
)
def test_webhooks_are_checked(change: tuple[str, str], expected: str) -> None:
    problem = complaint(WEBHOOK.replace(*change))
    assert expected in problem
    assert "webhook " in problem
    assert "user:pw" not in problem


def test_names_are_unique_within_a_project() -> None:
    assert "name: is used twice" in complaint(RULE + RULE)
    assert "name: is used twice" in complaint(WEBHOOK + WEBHOOK)
    assert len(parse(RULE + RULE.replace("shop", "bank")).rules) == 2


def test_all_problems_come_at_once() -> None:
    text = WEBHOOK.replace("https:", "ftp:") + (RULE + 'notify = ["on-call"]').replace(
        "window_s = 300", "window_s = 0"
    )
    with pytest.raises(RuleFileError) as caught:
        parse(text)
    assert [problem.split(": ")[1] for problem in caught.value.problems] == [
        'webhook "on-call"',
        'rule "Grounding fell"',
    ]


def test_top_level_mistakes() -> None:
    assert "is not TOML" in complaint("[[rule]\n")
    assert "rules: is not a field here; did you mean rule?" in complaint("[[rules]]\nname = 'x'")
    assert "begin each one with [[rule]]" in complaint("[rule]\nname = 'x'")
    assert "dashboard_url: is no web address" in complaint("dashboard_url = 'javascript:x'")
