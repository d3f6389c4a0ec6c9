"""Coherence: what goes on from what was said, what repeats it, what leads elsewhere."""

import pytest

from tachograph_evaluators.evaluator import NOT_APPLICABLE, Answer, Score
from tachograph_evaluators.judges import continuity
from tachograph_evaluators.judges.coherence import Coherence

TALK = "hi , do you like sports ?\ni do , mostly swimming . which sport do you like most ?"


def scores(**texts: str | None) -> dict[str, Score]:
    answer = Answer(project="p", trace_id="t", span_id="s", span_time=0, **texts)  # type: ignore[arg-type]
    [found] = Coherence().evaluate([answer])
    assert [score.name for score in found] == list(Coherence.scores)
    return {score.name: score for score in found}


def value(score: Score) -> float:
    assert score.value is not None
    return score.value


def test_an_answer_that_goes_on_beats_one_that_leads_elsewhere_or_nowhere() -> None:
    on = scores(prompt=TALK, response="i like football most , and i swim in summer too .")[
        "coherence"
    ]
    off = scores(prompt=TALK, response="the invoice was paid by the bank of scotland .")[
        "coherence"
    ]
    loop = scores(prompt=TALK, response="sport sport sport sport sport sport sport .")["coherence"]
    assert value(on) > value(off) + 0.2
    assert value(on) > value(loop) + 0.2
    assert (on.label, off.label) == ("pass", "fail")


def test_an_echo_scores_lower_than_a_reply() -> None:
    assert (
        continuity.echo(
            TALK, ["i", "do", "mostly", "swimming", "which", "sport", "do", "you", "like", "most"]
        )
        == 1.0
    )
    assert continuity.echo(TALK, ["football", "for", "me"]) == 0.0


def test_sentences_thrown_together_lack_local_coherence() -> None:
    plain = "The cat slept on the sofa. The cat woke up at noon. Then the cat ate its food."
    mixed = "The cat slept on the sofa. Inflation fell in March. Photons have no mass."
    assert value(scores(response=plain)["local_coherence"]) > 0.6
    thrown = scores(response=mixed)["local_coherence"]
    assert thrown.label == "fail"
    [(start, stop, _)] = thrown.offsets
    assert mixed[start:stop] in ("Inflation fell in March.", "Photons have no mass.")
    assert scores(response="One sentence.")["local_coherence"].label == NOT_APPLICABLE


@pytest.mark.parametrize("response", ["", "\x00\ufffd" * 500, "今日は。" * 300, "\ud800"])
def test_every_score_is_given_whatever_the_answer(response: str) -> None:
    for score in scores(prompt="What is it?", response=response).values():
        assert (score.value is None) == (score.label == NOT_APPLICABLE)


def test_what_was_asked_stands_at_the_end() -> None:
    assert continuity.tail_of("a" * 50 + "\nfirst line of some length here, really\nlast one") == (
        "a" * 50 + " first line of some length here, really last one"
    )
