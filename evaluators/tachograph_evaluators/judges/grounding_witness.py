"""The small language model as a witness: does the context make the answer likely, and true?"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tachograph_evaluators.judges.text import Span
from tachograph_evaluators.small_model import HeadError, SmallModel, Surprise, shared

EVIDENCE_CHARS: Final = 3000
"""Of a context; the passages nearest to the answer where it is longer."""

_CHUNK_CHARS: Final = 1200  # of an answer: what the model reads as one continuation
_MAX_CHUNKS: Final = 8  # sentences behind them are judged by the other witnesses
_WHOLE_CLAIM_CHARS: Final = 400  # a short answer is one claim as well as its sentences

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Case:
    """One answer with the context that is read beside it."""

    response: str
    parts: Sequence[Span]
    evidence: str
    claims: Sequence[bool]


@dataclass(slots=True)
class Testimony:
    """Of one answer as a whole and of each of its parts (by index); None: not asked."""

    explained: float | None = None
    entailed: float | None = None
    parts_explained: Mapping[int, float] = field(default_factory=dict)
    parts_entailed: Mapping[int, float] = field(default_factory=dict)


def hear(cases: Sequence[Case], entailment: bool) -> list[Testimony]:
    """Ask the model about all answers of a batch at once."""
    model = shared()
    found = [Testimony() for _ in cases]
    _explain(model, cases, found)
    if entailment:
        _entail(model, cases, found)
    return found


def has_head() -> bool:
    """Whether the entailment head's weights are installed."""
    try:
        shared().head("grounding", [("ready", "ready")])
    except HeadError as error:
        _log.info("grounding goes without its entailment head: %s", error)
        return False
    return True


def _explain(model: SmallModel, cases: Sequence[Case], found: Sequence[Testimony]) -> None:
    chunks = [(index, chunk) for index, case in enumerate(cases) for chunk in _chunks(case)]
    with_context = model.surprise(
        [
            (f"{cases[index].evidence}\n\nReply: ", cases[index].response[start:stop])
            for index, (start, stop, _) in chunks
        ]
    )
    alone = model.surprise(
        [("Reply: ", cases[index].response[start:stop]) for index, (start, stop, _) in chunks]
    )
    totals: dict[int, tuple[float, float]] = {}
    for (index, (start, _, members)), told, blind in zip(chunks, with_context, alone, strict=True):
        so_far = totals.get(index, (0.0, 0.0))
        totals[index] = so_far[0] + told.nll_nats, so_far[1] + blind.nll_nats
        parts = {}
        for number in members:
            part = cases[index].parts[number]
            parts[number] = _share(told, blind, part.start - start, part.stop - start)
        found[index].parts_explained = {**found[index].parts_explained, **parts}
    for index, (told_nats, blind_nats) in totals.items():
        found[index].explained = explained(told_nats, blind_nats)


def _share(told: Surprise, blind: Surprise, start: int, stop: int) -> float:
    return explained(told.between(start, stop)[0], blind.between(start, stop)[0])


def explained(told_nats: float, blind_nats: float) -> float:
    """Share of the surprise that the context takes away, in [-1, 1]."""
    return max(-1.0, 1.0 - told_nats / blind_nats) if blind_nats > 0 else 0.0


def _chunks(case: Case) -> list[tuple[int, int, list[int]]]:
    """Runs of sentences of bounded length: start, stop and the sentences' indices."""
    found: list[tuple[int, int, list[int]]] = []
    for number, part in enumerate(case.parts):
        if found and part.stop - found[-1][0] <= _CHUNK_CHARS:
            start, _, members = found[-1]
            found[-1] = (start, part.stop, [*members, number])
        elif len(found) < _MAX_CHUNKS:
            found.append((part.start, part.stop, [number]))
        else:
            break
    return found


def _entail(model: SmallModel, cases: Sequence[Case], found: Sequence[Testimony]) -> None:
    asked: list[tuple[int, int | None]] = []
    pairs: list[tuple[str, str]] = []
    for index, case in enumerate(cases):
        read = [number for _, _, members in _chunks(case) for number in members]
        for number in read:
            if case.claims[number]:
                asked.append((index, number))
                pairs.append((case.evidence, case.parts[number].text))
        is_one_claim = len(case.parts) == 1 and case.claims[0]
        if len(case.response) <= _WHOLE_CLAIM_CHARS and not is_one_claim:
            asked.append((index, None))
            pairs.append((case.evidence, case.response))
    by_case: dict[int, dict[int | None, float]] = {}
    for (index, claim), logit in zip(asked, model.head("grounding", pairs), strict=True):
        by_case.setdefault(index, {})[claim] = -logit  # the head says yes to what lacks support
    for index, logits in by_case.items():
        parts = {claim: logit for claim, logit in logits.items() if claim is not None}
        found[index].parts_entailed = parts
        whole = logits.get(None)
        found[index].entailed = whole if whole is not None else _mean(list(parts.values()))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
