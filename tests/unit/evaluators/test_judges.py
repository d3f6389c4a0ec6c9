"""The built-in evaluators with their real models: order, labels, offsets, bounds."""

import os
import time

import pytest

from tachograph_evaluators.evaluator import NOT_APPLICABLE, Answer, Evaluator, Score
from tachograph_evaluators.judges.coherence import Coherence
from tachograph_evaluators.judges.grounding import Grounding
from tachograph_evaluators.judges.pii import PersonalData
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.judges.toxicity import Toxicity

CONTEXT = (
    "The Amber Lighthouse was built in 1874 by the engineer Clara Whitfield. It stands 41 metres "
    "tall on the northern cliff. Visitors may climb its 198 steps from April to October."
)
GARBAGE = "\x00\x01\ufffd\x02\x1b" * 500


def judge(
    evaluator: Evaluator,
    response: str | None = None,
    prompt: str | None = None,
    context: str | None = None,
) -> dict[str, Score]:
    answer = Answer(
        project="p",
        trace_id="t",
        span_id="s",
        span_time=0,
        response=response,
        prompt=prompt,
        context=context,
    )
    [scores] = evaluator.evaluate([answer])
    assert sorted(score.name for score in scores) == sorted(evaluator.scores)
    return {score.name: score for score in scores}


def value(score: Score) -> float:
    assert score.value is not None
    return score.value


def test_grounding_orders_faithful_partly_invented_and_foreign() -> None:
    def grounded(response: str) -> Score:
        return judge(Grounding(), response=response, context=CONTEXT)["grounding"]

    faithful = grounded("Clara Whitfield built the Amber Lighthouse in 1874. It is 41 metres tall.")
    invented = "It was destroyed by an earthquake and rebuilt by a Norwegian bank."
    partly = grounded(f"Clara Whitfield built the Amber Lighthouse in 1874. {invented}")
    foreign = grounded("Photosynthesis turns carbon dioxide and water into sugar and oxygen.")
    assert value(faithful) > 0.8 > value(partly) > value(foreign)
    assert (faithful.label, foreign.label) == ("pass", "fail")
    assert faithful.offsets == []
    [(start, stop, label)] = partly.offsets
    text = f"Clara Whitfield built the Amber Lighthouse in 1874. {invented}"
    assert (text[start:stop], label) == (invented, "unsupported")


def test_grounding_wants_the_right_numbers() -> None:
    right = judge(Grounding(), response="It has 198 steps.", context=CONTEXT)["grounding"]
    wrong = judge(Grounding(), response="It has 512 steps.", context=CONTEXT)["grounding"]
    assert value(right) > value(wrong) + 0.2


def test_grounding_finds_support_late_in_a_long_context() -> None:
    filler = "The council met on a Tuesday and talked about parking near the harbour. " * 4000
    found = judge(Grounding(), response="It stands 41 metres tall.", context=filler + CONTEXT)
    assert value(found["grounding"]) > 0.5


def test_a_batch_gives_what_single_answers_give() -> None:
    responses = ["It stands 41 metres tall.", "", "Bananas are yellow.", GARBAGE]
    answers = [
        Answer(
            project="p", trace_id="t", span_id=str(n), span_time=0, response=text, context=CONTEXT
        )
        for n, text in enumerate(responses)
    ]
    together = [scores[0].value for scores in Grounding().evaluate(answers)]
    alone = [Grounding().evaluate([answer])[0][0].value for answer in answers]
    assert together == pytest.approx(alone, abs=1e-4)
    assert [v is None for v in together] == [False, True, False, True]


def test_toxicity_marks_the_sentence() -> None:
    clean = judge(Toxicity(), response="Thank you for asking. The shop opens at nine.")
    nasty = judge(Toxicity(), response="The shop opens at nine. Fuck you, you stupid bitch.")
    assert (clean["toxicity"].label, nasty["toxicity"].label) == ("pass", "fail")
    assert nasty["toxicity"].offsets == [(24, 51, "toxic")]


def test_pii_names_what_it_found() -> None:
    text = "Write to ada.lovelace@example.org or pay with 4111 1111 1111 1111."
    found = judge(PersonalData(), response=text)["pii"]
    assert found.label == "fail"
    assert [(text[a:b], kind) for a, b, kind in found.offsets] == [
        ("ada.lovelace@example.org", "email"),
        ("4111 1111 1111 1111", "credit_card"),
    ]
    assert judge(PersonalData(), response="The order has two items.")["pii"].value == 1.0


def test_relevance_prefers_the_answer_to_the_question() -> None:
    prompt = "How do I reset the password of my account?"
    on = judge(Coherence(), prompt=prompt, response="Open settings and choose reset password.")
    off = judge(Coherence(), prompt=prompt, response="Penguins breed on the Antarctic coast.")
    assert value(on["relevance"]) > 0.8
    assert value(off["relevance"]) < 0.3
    assert (on["relevance"].label, off["relevance"].label) == ("pass", "fail")
    assert judge(Coherence(), response="Alone.")["relevance"].label == NOT_APPLICABLE


@pytest.mark.parametrize(
    "looping",
    [
        "The answer is forty two. " * 12,
        "I think that " + "very " * 80 + "good.",
        "Sure. " + "a" * 300,
        "one two three four five six seven eight nine ten eleven twelve " * 5,
    ],
)
def test_repetition_is_seen(looping: str) -> None:
    plain = judge(Coherence(), response=CONTEXT)["repetition"]
    looped = judge(Coherence(), response=looping)["repetition"]
    assert (plain.value, plain.label, looped.label) == (1.0, "pass", "fail")


LIGHT = JudgeSettings(small_model=False)


@pytest.mark.parametrize("evaluator", [Toxicity(), PersonalData(), Coherence(), Grounding(LIGHT)])
@pytest.mark.parametrize(
    "response",
    [
        "",
        " \n\t ",
        GARBAGE,
        os.urandom(20_000).decode("latin-1"),
        "Lighthouses are tall buildings. " * 33_000,
        "x" * 1_000_000,
        "ab " * 333_000,
        "今日は天気がいいですね。散歩に行きましょう。" * 50,
        "\ud800 lonely surrogate",
    ],
    ids=["empty", "blank", "garbage", "bytes", "1MB", "1MB-word", "1MB-words", "ja", "surrogate"],
)
def test_hostile_answers_are_judged_or_refused_in_bounded_time(
    evaluator: Evaluator, response: str
) -> None:
    started_s = time.process_time()
    scores = judge(evaluator, response=response, prompt="What is it?", context=CONTEXT)
    assert time.process_time() - started_s < 20
    for score in scores.values():
        assert (score.value is None) == (score.label == NOT_APPLICABLE)
        assert all(0 <= a < b <= len(response) for a, b, _ in score.offsets)
        assert len(score.offsets) <= 200
