"""Hallucination: what the context does not support; without one, what the model does not repeat."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Final

from tachograph_evaluators.evaluator import (
    MAX_OFFSETS,
    Answer,
    Score,
    not_applicable,
    verdict,
)
from tachograph_evaluators.judges.grounding import Grounding, is_claim
from tachograph_evaluators.judges.llm_client import ChatClient
from tachograph_evaluators.judges.self_consistency import MIN_SAMPLES, agreement, ask_again
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.judges.text import MAX_TEXT_CHARS, is_readable, sentences

REPEATED: Final = 0.5
"""Agreement with other answers from which a sentence counts as repeated."""


class Hallucination:
    """Scores `hallucination`; offsets mark sentences that nothing supports.

    With a context it is the verdict of `grounding`. Without: other answers to the same prompt (a
    worker finds them in the store), or those that the engine gives when it is asked again (off until
    its URL is set). Where there is
    neither, nothing can be said, and that is what it says: a small model's surprise alone is
    no evidence, since fluent inventions surprise it no more than facts.
    """

    name = "hallucination"
    scores = ("hallucination",)
    needs = frozenset({"response"})
    batch_size = 8

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        self._settings = settings or JudgeSettings()
        self._grounding = Grounding(self._settings)
        again = "-again" if self._settings.engine_url else ""
        self.version = f"2-{self._grounding.version}{again}"
        self.most_samples = self._settings.samples

    @cached_property
    def _client(self) -> ChatClient:
        return ChatClient(self._settings.engine_url, self._settings)

    def warm_up(self) -> None:
        """Load the models of grounding."""
        self._grounding.warm_up()

    def texts(self, batch: Sequence[Answer]) -> list[str]:
        """What the encoder will be asked."""
        return self._grounding.texts([answer for answer in batch if _has_context(answer)])

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer by what there is to hold it against. Raises EndpointError."""
        grounded = [answer for answer in batch if _has_context(answer)]
        verdicts = iter(self._grounding.evaluate(grounded))
        return [
            [replace(next(verdicts)[0], name="hallucination")]
            if _has_context(answer)
            else [self._without_context(answer)]
            for answer in batch
        ]

    def _without_context(self, answer: Answer) -> Score:
        response = (answer.response or "")[:MAX_TEXT_CHARS]
        if not is_readable(response):
            return not_applicable("hallucination", "the answer holds no readable text")
        claims = [part for part in sentences(response) if is_claim(part)]
        if not claims:
            return not_applicable("hallucination", "the answer claims nothing")
        samples, cost = self._samples(answer)
        if len(samples) < MIN_SAMPLES:
            return not_applicable(
                "hallucination",
                "no context was recorded, and no other answers to the same prompt to compare with; "
                "set TACHOGRAPH_EVALUATORS_JUDGE_ENGINE_URL to have the engine asked again",
            )
        said = agreement(claims, samples)
        alone = [part for part, share in zip(claims, said, strict=True) if share < REPEATED]
        value = sum(said) / len(said)
        return Score(
            name="hallucination",
            value=value,
            label=verdict(value, REPEATED),
            explanation=f"{len(alone)} of {len(claims)} claims are not repeated in {len(samples)} "
            "other answers to the prompt",
            offsets=[(p.start, p.stop, "not repeated") for p in alone][:MAX_OFFSETS],
            cost=cost,
        )

    def _samples(self, answer: Answer) -> tuple[list[str], Decimal | None]:
        known = [sample for sample in answer.samples if is_readable(sample)]
        if len(known) >= MIN_SAMPLES or not self._settings.engine_url or not answer.prompt:
            return known, None
        replies = ask_again(
            self._client, answer.prompt, self._settings.samples, self._settings.max_chars
        )
        fresh = [reply.text for reply in replies if is_readable(reply.text)]
        return fresh, self._client.cost(replies)


def _has_context(answer: Answer) -> bool:
    return is_readable(answer.context or "")
