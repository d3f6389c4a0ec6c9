"""The registry, the settings and the batches."""

import pytest
from pydantic import ValidationError

from tachograph_evaluators import registry
from tachograph_evaluators.evaluator import Score
from tachograph_evaluators.hints import Hint, bounded_batches
from tachograph_evaluators.leases import Wanted
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.queries.evaluation import AnswerKey


def key(number: int) -> AnswerKey:
    return AnswerKey(trace_id="t", span_id=str(number), start_us=number)


def test_the_built_in_evaluators_are_registered() -> None:
    found = registry.installed()
    names = {name: set(evaluator.scores) for name, evaluator in found.items()}
    own = {"toxicity", "pii", "secrets", "injection", "bias", "refusal", "format", "hallucination"}
    assert own <= set(names)
    assert names["coherence"] > {"coherence", "relevance", "repetition", "language"}
    assert names["grounding"] == {"grounding"}
    assert set(registry.installed(["pii"])) == {"pii"}


def test_an_unknown_evaluator_is_named_with_its_remedy() -> None:
    with pytest.raises(registry.UnknownEvaluator, match="'nonsense'.*installed: .*toxicity"):
        registry.installed(["nonsense"])


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_score_outside_0_to_1_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Score(name="n", value=value, label="pass")


@pytest.mark.parametrize("url", ["memory://", "sqs://", "kafka://x", "localhost"])
def test_brokers_that_lose_everything_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="filesystem://"):
        EvaluatorSettings(broker_url=url)


def test_enabled_is_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TACHOGRAPH_EVALUATORS_ENABLED", "toxicity, grounding,")
    assert EvaluatorSettings().enabled == ("toxicity", "grounding")


def test_batches_are_bounded_by_answers_and_bytes() -> None:
    sized = [(key(n), size) for n, size in enumerate([10, 10, 10, 500, 10, 90, 10])]
    batches = list(bounded_batches(sized, max_answers=3, max_bytes=100))
    assert [[int(k.span_id) for k in batch] for batch in batches] == [[0, 1, 2], [3], [4, 5], [6]]


def test_a_hint_survives_json_and_holds_no_text() -> None:
    hint = Hint(project="p", keys=[key(1)], wanted=[Wanted("a@1", 0.25)], attempt=2, start_by=0.0)
    assert Hint.parse(hint.message()) == hint
    assert hint.is_late
    with pytest.raises((KeyError, TypeError, ValueError)):
        Hint.parse({"project": "p", "keys": [["only-a-trace"]]})
