"""The evaluation file: what it says, what is complained about, what is in force."""

from pathlib import Path

import pytest

from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.rules.parser import parse_rules
from tachograph_evaluators.rules.rule import Behind, Filter, Rule, RuleBook
from tachograph_evaluators.rules.rule_file import RuleFile, load_rules
from tachograph_evaluators.rules.sampling import (
    NO_RULE,
    behind_factor,
    decide,
    permanent_number,
)
from tachograph_store.queries.evaluation import Candidate

INSTALLED = ("grounding", "safety")
FILE = """
[behind]
after_s = 60
least_rate = 0.02

[[rule]]
name = "checkout"
evaluators = ["grounding"]
priority = 9
drop_when_behind = false
[rule.filter]
projects = ["shop"]
tenants = ["acme-*"]

[[rule]]
name = "rest"
sample_rate = 0.1
"""


def _answer(number: int = 0, **facts: str | None) -> Candidate:
    known = {"project": "shop", "model": "m", "tenant": "acme-eu", "operation": "chat"}
    return Candidate(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_ns=0,
        stored_us=0,
        text_bytes=0,
        evaluators=(),
        **(known | facts),  # type: ignore[arg-type]
    )


def test_the_first_rule_that_is_about_answer_and_evaluator_decides() -> None:
    book = parse_rules(FILE, Path("evaluation.toml"), INSTALLED)
    assert book.behind == Behind(after_s=60, least_rate=0.02)
    grounding, safety = (book.rule_for(_answer(), name) for name in INSTALLED)
    assert grounding is not None and safety is not None
    assert (grounding.name, safety.name) == ("checkout", "rest")
    other = book.rule_for(_answer(tenant=None), "grounding")
    assert other is not None and other.name == "rest"


def test_an_empty_file_judges_everything() -> None:
    assert parse_rules("", Path("evaluation.toml"), INSTALLED) == RuleBook()
    assert RuleBook().rules == (Rule(name="everything"),)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[rule]]\nname = "a"\nsample_rat = 1', "sample_rat: is not a field here; did you mean"),
        ('[[rule]]\nname = "a"\nsample_rate = 2', "sample_rate: is 2; write a number from 0 to 1"),
        ('[[rule]]\nname = "a"\nevaluators = ["truth"]', 'names "truth", which does not run here'),
        ('[[rule]]\nname = "a"\n[rule.filter]\ntenant = ["x"]', "did you mean tenants?"),
        ('[[rule]]\nname = "a"\n[[rule]]\nname = "a"', "rule 2: name: is used twice"),
        ("[[rule]]\nsample_rate = 1", "rule 1: name: is missing"),
        ("[behind]\nafter_s = 0", "behind.after_s"),
        ("[[rule]", "is not TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(text: str, complaint: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        parse_rules(text, Path("evaluation.toml"), INSTALLED)
    assert complaint in str(caught.value)
    assert str(caught.value).startswith("evaluation.toml: ")


def test_a_file_that_breaks_keeps_the_last_good_rules(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.toml"
    rules = RuleFile(path, INSTALLED)
    assert rules.current() == RuleBook()
    path.write_text(FILE)
    assert len(rules.current().rules) == 2
    path.write_text("[[rule]")
    assert len(rules.current().rules) == 2
    with pytest.raises(RuleFileError):
        RuleFile(path, INSTALLED).current()  # broken from the start: not read as "everything"
    with pytest.raises(RuleFileError, match="larger"):
        path.write_bytes(b"#" * (1 << 21))
        load_rules(path, INSTALLED)


def test_the_weighted_sample_says_the_truth_though_the_rate_changes() -> None:
    """Horvitz-Thompson over a rate that falls with the lag: the count of all answers comes out."""
    book = RuleBook(rules=(Rule(name="half", sample_rate=0.5),))
    total = 0.0
    for number in range(20_000):
        factor = behind_factor(300 + 0.2 * number, book.behind)
        decision = decide(book, _answer(number), "safety", factor)
        if decision.is_taken:
            total += 1 / decision.sample_rate
    assert total == pytest.approx(20_000, rel=0.05)


def test_evaluators_of_different_rates_judge_nested_samples() -> None:
    book = RuleBook(
        rules=(
            Rule(name="few", evaluators=("grounding",), sample_rate=0.1),
            Rule(name="many", sample_rate=0.6),
        )
    )
    taken = {
        name: {n for n in range(2000) if decide(book, _answer(n), name, 1.0).is_taken}
        for name in INSTALLED
    }
    assert 0 < len(taken["grounding"]) < len(taken["safety"])
    assert taken["grounding"] < taken["safety"]


def test_rules_may_refuse_to_drop_and_never_drop_below_the_least_rate() -> None:
    keep = RuleBook(rules=(Rule(name="keep", drop_when_behind=False),))
    assert decide(keep, _answer(), "safety", 0.001).sample_rate == 1.0
    assert decide(RuleBook(), _answer(), "safety", 0.001).sample_rate == 0.01
    nobody = RuleBook(rules=(Rule(name="other", filter=Filter(projects=("x",))),))
    decision = decide(nobody, _answer(), "safety", 1.0)
    assert (decision.is_taken, decision.sample_rate, decision.reason) == (False, 0.0, NO_RULE)


def test_permanent_numbers_are_uniform_and_permanent() -> None:
    numbers = [permanent_number("p", f"{n:032x}", "s") for n in range(5000)]
    assert abs(sum(numbers) / 5000 - 0.5) < 0.02
    assert numbers[0] == permanent_number("p", f"{0:032x}", "s")
    assert 0.0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1.0
