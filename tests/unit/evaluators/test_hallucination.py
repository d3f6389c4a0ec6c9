"""Hallucination with a context, with other answers, with neither; and the evidence of grounding."""

import pytest
from tests.fixtures.judging_work import JudgingWork

from tachograph_evaluators.evaluator import NOT_APPLICABLE, Answer, Score
from tachograph_evaluators.judges.grounding import Grounding, is_claim
from tachograph_evaluators.judges.grounding_evidence import Evidence, fits, probability
from tachograph_evaluators.judges.grounding_witness import explained
from tachograph_evaluators.judges.hallucination import Hallucination
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.judges.support import Context
from tachograph_evaluators.judges.text import MAX_SENTENCES, Span, sentences

LIGHT = JudgeSettings(small_model=False)
CONTEXT = "The Amber Lighthouse was built in 1874 by Clara Whitfield. It stands 41 metres tall."
FILLER = "The council met on a Tuesday and talked about parking near the harbour. " * 4000


def judge(response: str, context: str | None = None, samples: tuple[str, ...] = ()) -> Score:
    answer = Answer(
        project="p", trace_id="t", span_id="s", span_time=0, prompt="How tall is it?",
        response=response, context=context, samples=samples,
    )  # fmt: skip
    [[score]] = Hallucination(LIGHT).evaluate([answer])
    assert score.name == "hallucination"
    return score


def test_with_a_context_it_is_the_verdict_of_grounding() -> None:
    right = judge("It stands 41 metres tall.", CONTEXT)
    wrong = judge("A Norwegian bank rebuilt it after the earthquake.", CONTEXT)
    assert (right.label, wrong.label) == ("pass", "fail")
    assert wrong.offsets == [(0, 49, "unsupported")]


def test_without_a_context_other_answers_tell_what_was_invented() -> None:
    samples = (
        "The lighthouse stands 41 metres tall on the northern cliff.",
        "It is 41 metres tall and was built in 1874.",
        "41 metres tall. It stands on the cliff.",
    )
    response = "The lighthouse stands 41 metres tall. Napoleon slept there with seventy horses."
    score = judge(response, samples=samples)
    assert [response[a:b] for a, b, _ in score.offsets] == [
        "Napoleon slept there with seventy horses."
    ]
    repeated = judge("It stands 41 metres tall.", samples=samples)
    assert repeated.value is not None
    assert score.value is not None
    assert repeated.value > score.value + 0.2


@pytest.mark.parametrize(
    ("response", "samples", "reason"),
    [
        ("It stands 41 metres tall.", (), "ENGINE_URL"),
        ("It stands 41 metres tall.", ("One other answer.",), "ENGINE_URL"),
        ("\x00\x01\ufffd" * 99, ("a b", "c d"), "no readable text"),
        ("Thanks! Great question, right?", ("a b", "c d"), "claims nothing"),
    ],
)
def test_where_nothing_can_be_said_it_says_so(
    response: str, samples: tuple[str, ...], reason: str
) -> None:
    score = judge(response, samples=samples)
    assert (score.value, score.label) == (None, NOT_APPLICABLE)
    assert reason in (score.explanation or "")


@pytest.mark.parametrize(
    ("sentence", "claims"),
    [
        ("It stands 41 metres tall.", True),
        ("Is it tall?", False),
        ("Thanks, that sounds great!", False),
        ("Oh, wow.", False),
        ("I think it opened in May.", True),
    ],
)
def test_courtesies_and_questions_claim_nothing(sentence: str, claims: bool) -> None:
    assert is_claim(Span(0, len(sentence), sentence)) is claims


def test_every_witness_speaks_for_support() -> None:
    for fit in fits().values():
        assert all(weight > 0 for weight in fit.weights.values())
        assert fit.slope > 0
    base = Evidence(0.5, 0.3, 0.5, 0.3)
    assert probability(Evidence(0.5, 0.3, 0.5, 0.6)) > probability(base)
    assert probability(Evidence(0.9, 0.3, 0.5, 0.3)) > probability(base)
    assert probability(Evidence(1.0, 1.0, 1.0)) > 0.9
    assert probability(Evidence(0.0, 0.0, 0.0)) < 0.1


@pytest.mark.parametrize(
    ("told", "blind", "share"), [(2.0, 8.0, 0.75), (9.0, 3.0, -1.0), (1.0, 0.0, 0.0)]
)
def test_the_share_of_surprise_that_a_context_explains(
    told: float, blind: float, share: float
) -> None:
    assert explained(told, blind) == share


def test_the_passages_that_matter_are_picked_out_of_a_long_context() -> None:
    context = Context(f"{FILLER}{CONTEXT} {FILLER}", encoder())
    evidence = context.evidence(sentences("It is 41 metres tall."), 1000)
    assert "It stands 41 metres tall." in evidence
    assert len(evidence) <= 1000


def test_a_megabyte_against_two_hundred_pages_is_bounded_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = " ".join(
        f"Page {n}: the harbour was dredged in {1500 + n}. {FILLER[:2500]}" for n in range(200)
    )
    response = "The harbour was dredged in 1571. " + " ".join(
        f"Bananas ripen in Peru since {n}." for n in range(34_000)
    )
    answer = Answer(
        project="p", trace_id="t", span_id="s", span_time=0, response=response, context=pages
    )
    work = JudgingWork(monkeypatch)
    [[score]] = Grounding(LIGHT).evaluate([answer])
    assert len(work.embedded) <= MAX_SENTENCES + 50
    assert work.looked_up_words < 4_000
    assert work.stemmed_texts < 9_000
    assert score.value is not None
    assert score.label == "fail"
    assert len(score.offsets) <= 200
    assert all(0 <= start < stop <= len(response) for start, stop, _ in score.offsets)
