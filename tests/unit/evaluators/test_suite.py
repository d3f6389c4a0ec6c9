"""A batch through several evaluators: isolation, promises kept, one pass of the encoder."""

from collections.abc import Sequence

import numpy as np
import pytest

from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges.hub_model import HubModel
from tachograph_evaluators.judges.models import bundled_folder, encoder
from tachograph_evaluators.judges.packed import PackedBert, fast_dtype
from tachograph_evaluators.suite import embed_once, judge_batch


def answer(response: str | None) -> Answer:
    return Answer(project="p", trace_id="t", span_id="s", span_time=0, response=response)


class Counting:
    """Raises for "bad", and for a batch that holds it."""

    name = "counting"
    version = "1"
    scores = ("counting",)
    needs = frozenset({"response"})
    batch_size = 4

    def warm_up(self) -> None:
        """Nothing to load."""

    def texts(self, batch: Sequence[Answer]) -> list[str]:
        return [one.response or "" for one in batch]

    def evaluate(self, batch: Sequence[Answer]) -> list[list[Score]]:
        if any(one.response == "bad" for one in batch):
            raise RuntimeError("this one")
        return [[Score(name="counting", value=1.0, label="pass")] for _ in batch]


class Forgetful(Counting):
    name = "forgetful"

    def evaluate(self, batch: Sequence[Answer]) -> list[list[Score]]:
        return super().evaluate(batch)[1:]


def test_one_bad_answer_spoils_no_other() -> None:
    batch = [answer("fine"), answer("bad"), answer(None), answer("fine too")]
    found = judge_batch([Counting(), Forgetful()], batch)
    assert [row[0][0].label for row in found] == ["pass", "error", "not_applicable", "pass"]
    assert (found[1][0][0].error_type, found[1][0][0].explanation) == ("RuntimeError", "this one")
    assert {row[1][0].error_type for row in found if row[1][0].label == "error"} == {
        "WrongScores", "RuntimeError"
    }  # fmt: skip
    duration_ns = found[0][0][0].duration_ns
    assert duration_ns is not None
    assert duration_ns >= 0


def test_a_batch_is_embedded_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[list[str]] = []
    real = encoder().encode

    def counted(texts: Sequence[str]) -> object:
        passes.append(list(texts))
        return real(texts)

    monkeypatch.setattr(encoder(), "encode", counted)
    embed_once([Counting(), Counting()], [answer("one"), answer("two"), answer(""), answer("one")])
    assert passes == [["one", "two"]]


def test_packed_vectors_are_the_ordinary_ones() -> None:
    texts = [
        "Hello world.",
        "",
        "今日は天気がいいですね。",
        "word " * 600,
        "It stands 41 metres tall.",
    ]
    ours = encoder().encode(texts)
    plain = HubModel(str(bundled_folder()), "cpu", is_local=True)
    assert np.allclose(np.linalg.norm(ours, axis=1), 1.0, atol=1e-3)
    assert ((ours * plain.encode(texts)).sum(axis=1) > 0.998).all()
    words = ["lighthouse", "naïve", "今日", "Whitfield", "xqzzyv", "41"]
    packed = PackedBert(bundled_folder(), fast_dtype())
    assert packed.pieces(words) == plain.pieces(words)
    assert np.array_equal(packed.table, plain.table)
