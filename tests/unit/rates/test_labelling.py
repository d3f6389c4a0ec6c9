"""Drawing answers to label: the uncertain more often, nobody never, the same ones again."""

import pytest

from tachograph_store.rates.labelling import MOST, Unlabelled, worth_labelling


def _answers(count: int, score: float) -> list[Unlabelled]:
    return [
        Unlabelled(trace_id=f"{score}-{number}", span_id=f"{number}", score=score)
        for number in range(count)
    ]


def test_the_uncertain_are_drawn_more_often_and_the_sure_sometimes() -> None:
    answers = [*_answers(2000, 0.5), *_answers(2000, 0.999)]
    drawn = worth_labelling(answers, 400)
    unsure = [one for one in drawn if one.answer.score == 0.5]
    sure = [one for one in drawn if one.answer.score == 0.999]
    assert 330 <= len(drawn) <= 470
    assert len(unsure) > 3 * len(sure) > 0
    assert unsure[0].label_weight < sure[0].label_weight


def test_weights_add_up_to_all_answers() -> None:
    answers = [*_answers(3000, 0.5), *_answers(3000, 0.95)]
    total = sum(one.label_weight for one in worth_labelling(answers, 600))
    assert total == pytest.approx(6000, rel=0.1)


def test_a_larger_budget_only_adds() -> None:
    answers = _answers(500, 0.4)
    few = {one.answer.span_id for one in worth_labelling(answers, 20)}
    more = {one.answer.span_id for one in worth_labelling(answers, 100)}
    assert few < more


def test_a_weight_is_always_above_one() -> None:
    drawn = worth_labelling(_answers(5, 0.5), 100)
    assert drawn and all(one.label_weight == pytest.approx(1 / MOST) for one in drawn)
    assert worth_labelling([], 10) == []
