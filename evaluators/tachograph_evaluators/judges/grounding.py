"""Grounding: does the context support the answer, sentence by sentence?"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import ClassVar, Final

from tachograph_evaluators.evaluator import (
    MAX_OFFSETS,
    Answer,
    Score,
    not_applicable,
    verdict,
)
from tachograph_evaluators.judges import grounding_witness
from tachograph_evaluators.judges.grounding_evidence import Evidence, probability
from tachograph_evaluators.judges.grounding_witness import EVIDENCE_CHARS, Case, Testimony
from tachograph_evaluators.judges.models import encoder
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.judges.support import Context, Support
from tachograph_evaluators.judges.text import (
    MAX_TEXT_CHARS,
    Span,
    content_stems,
    is_readable,
    sentences,
    stem,
)
from tachograph_evaluators.small_model.weights import installed_version

THRESHOLD: Final = 0.5
"""At or above it an answer, or a sentence, counts as supported."""

_WORST_SHARE: Final = 0.3  # of an answer's score: one invented sentence must show in a long answer
_MANY_CLAIMS: Final = 4  # from here on an answer is long enough for one sentence to be lost in it
_VERDICTS: Final = 256  # kept, so that another evaluator may ask for the same answers again

_CHIT_CHAT_LINES: Final = (
    "absolutely agree amazing awesome bye cool course definitely exactly fantastic fun funny glad",
    "good great guess haha happy hello hey hi hmm hope interesting know lol love lovely mean",
    "maybe neat nice nope okay oops please perfect pretty right see sorry sound sounds sure",
    "thank thanks think totally true understand welcome wonderful wow yep",
)
_CHIT_CHAT: Final = frozenset(stem(word) for line in _CHIT_CHAT_LINES for word in line.split())


class Grounding:
    """Scores `grounding`; offsets mark the sentences that the context does not support."""

    name = "grounding"
    scores = ("grounding",)
    needs = frozenset({"response", "context"})
    batch_size = 8  # what the small model holds at once

    # Of the process: `hallucination` asks for the same answers.
    _verdicts: ClassVar[OrderedDict[bytes, Score]] = OrderedDict()
    _lock: ClassVar = threading.Lock()

    def __init__(self, settings: JudgeSettings | None = None) -> None:
        self._uses_model = (settings or JudgeSettings()).small_model
        self.version = f"2-{installed_version()}" if self._uses_model else "2-light"

    def warm_up(self) -> None:
        """Load the encoder and the small model."""
        encoder().encode(["ready"])
        if self._uses_model:
            _has_head()

    def texts(self, batch: Sequence[Answer]) -> list[str]:
        """What the encoder will be asked."""
        return [text for answer in batch if _applies(answer) for text in _Case(answer).texts()]

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer against its context."""
        with self._lock:  # the models are one at a time anyway
            keys = [self._key(answer) for answer in batch]
            fresh = {
                key: answer
                for key, answer in zip(keys, batch, strict=True)
                if key not in self._verdicts
            }
            made = self._judge(list(fresh.values()))
            known = dict(zip(fresh, made, strict=True))
            found = [[known.get(key) or self._verdicts[key]] for key in keys]
            self._verdicts.update(known)
            while len(self._verdicts) > _VERDICTS:
                self._verdicts.popitem(last=False)
            return found

    def _key(self, answer: Answer) -> bytes:
        digest = blake2b(digest_size=16)
        for text in (self.version, answer.response or "", answer.context or ""):
            content = text.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "big") + content)
        return digest.digest()

    def _judge(self, batch: Sequence[Answer]) -> list[Score]:
        readable = {i: _Case(answer) for i, answer in enumerate(batch) if _applies(answer)}
        # One call fills the encoder's cache for all of them.
        encoder().encode([text for case in readable.values() for text in case.texts()])
        heard = [Testimony() for _ in readable]
        if self._uses_model and readable:
            cases = [case.for_model() for case in readable.values()]
            heard = grounding_witness.hear(cases, entailment=_has_head())
        scores = {
            index: case.judge(testimony)
            for (index, case), testimony in zip(readable.items(), heard, strict=True)
        }
        return [
            scores.get(index)
            or not_applicable("grounding", "answer or context holds no readable text")
            for index in range(len(batch))
        ]


@cache
def _has_head() -> bool:
    return grounding_witness.has_head()


def _applies(answer: Answer) -> bool:
    return is_readable(answer.response or "") and is_readable(answer.context or "")


class _Case:
    """One readable answer beside its context."""

    def __init__(self, answer: Answer) -> None:
        self._response = (answer.response or "")[:MAX_TEXT_CHARS]
        self._parts = sentences(self._response)
        self._claims = [is_claim(part) for part in self._parts]
        self._context = Context(answer.context or "", encoder())

    def texts(self) -> list[str]:
        return self._context.texts(self._parts)

    def for_model(self) -> Case:
        evidence = self._context.evidence(self._parts, EVIDENCE_CHARS)
        return Case(self._response, self._parts, evidence, self._claims)

    def evidence(self, heard: Testimony) -> tuple[Evidence, list[Evidence]]:
        """Of the whole answer, and of each sentence."""
        features = self._context.measure(self._parts)
        whole = answer_support(self._context, self._response, features)
        parts = [
            Evidence(*feature, heard.parts_explained.get(number), heard.parts_entailed.get(number))
            for number, feature in enumerate(features)
        ]
        return Evidence(*whole, heard.explained, heard.entailed), parts

    def judge(self, heard: Testimony) -> Score:
        whole, parts = self.evidence(heard)
        value = probability(whole)
        claims = [
            (part, probability(evidence))
            for part, evidence, claims in zip(self._parts, parts, self._claims, strict=True)
            if claims
        ]
        if len(claims) >= _MANY_CLAIMS:
            value = (1 - _WORST_SHARE) * value + _WORST_SHARE * min(p for _, p in claims)
        unsupported = [part for part, supported in claims if supported < THRESHOLD]
        return Score(
            name="grounding",
            value=value,
            label=verdict(value, THRESHOLD),
            explanation=f"{len(unsupported)} of {len(claims)} claims lack support in the context",
            offsets=[(p.start, p.stop, "unsupported") for p in unsupported][:MAX_OFFSETS],
        )


def measure(answer: Answer, heard: Testimony | None = None) -> Evidence:
    """The evidence of a whole answer, as the fit wants it."""
    return _Case(answer).evidence(heard or Testimony())[0]


def model_case(answer: Answer) -> Case:
    """What the small model is asked about an answer."""
    return _Case(answer).for_model()


def is_claim(sentence: Span) -> bool:
    """Questions, and sentences of nothing but courtesies, claim nothing."""
    content = content_stems(sentence.text)
    return not sentence.text.rstrip().endswith("?") and any(
        word not in _CHIT_CHAT for word in content
    )


def answer_support(context: Context, response: str, features: Sequence[Support]) -> Support:
    """Features of a whole answer: its words together, its sentences' cosines on average."""
    coverage, pairs = context.coverage(response)
    return Support(coverage, pairs, sum(part.cosine for part in features) / len(features))
