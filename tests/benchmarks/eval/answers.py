"""Made-up answers of 100 words with contexts of 300, all different: nothing is found in a cache."""

import random
from collections.abc import Sequence
from typing import Final

from tachograph_evaluators.evaluator import Answer

ANSWER_WORDS: Final = 100
CONTEXT_WORDS: Final = 300

_SUBJECTS: Final = (
    "harbour", "library", "museum", "railway", "lighthouse", "orchard", "council", "hospital",
    "theatre", "factory", "bridge", "market", "school", "archive", "observatory", "reservoir",
)  # fmt: skip
_VERBS: Final = (
    "opened", "bought", "repaired", "described", "moved", "painted", "measured", "sold", "planned",
    "replaced", "extended", "visited", "closed", "financed", "inspected", "published",
)  # fmt: skip
_OBJECTS: Final = (
    "a wooden gate", "three new wings", "the northern tower", "an old map", "its roof", "two steam engines",
    "the western garden", "a stone staircase", "several paintings", "the main hall", "a collection of letters",
    "the water supply", "forty windows", "a narrow canal", "the clock", "an iron fence",
)  # fmt: skip
_ENDS: Final = (
    "in the spring of {year}", "with money from the city", "after a long dispute with the mayor",
    "for {count} thousand crowns", "although nobody had asked for it", "because the frost had cracked it",
    "before the war ended", "under the direction of {name} {family}", "when {count} visitors came each day",
)  # fmt: skip
_NAMES: Final = ("Clara", "Joseph", "Amira", "Henrik", "Paulo", "Greta", "Naveen", "Odile", "Tomas")
_FAMILIES: Final = (
    "Whitfield",
    "Larsen",
    "Okafor",
    "Brandt",
    "Moreau",
    "Castellano",
    "Iyer",
    "Novak",
)


def made(count: int, seed: int) -> Sequence[Answer]:
    """Answers whose sentences come half from their context, half from nowhere."""
    generator = random.Random(seed)
    return [_answer(generator, number) for number in range(count)]


def _answer(generator: random.Random, number: int) -> Answer:
    context = _words(generator, CONTEXT_WORDS, [])
    known = context.split(". ")
    response = _words(generator, ANSWER_WORDS, generator.sample(known, len(known) // 6))
    return Answer(
        project="bench",
        trace_id="",
        span_id=str(number),
        span_time=0,
        prompt=f"What is known about the {generator.choice(_SUBJECTS)} of {generator.choice(_FAMILIES)}?",
        context=context,
        response=response,
    )


def _words(generator: random.Random, count: int, given: Sequence[str]) -> str:
    sentences = [*given]
    while sum(len(sentence.split()) for sentence in sentences) < count:
        sentences.append(_sentence(generator))
    generator.shuffle(sentences)
    return ". ".join(" ".join(". ".join(sentences).split()[:count]).split(". ")) + "."


def _sentence(generator: random.Random) -> str:
    end = generator.choice(_ENDS).format(
        year=generator.randint(1600, 1999),
        count=generator.randint(2, 900),
        name=generator.choice(_NAMES),
        family=generator.choice(_FAMILIES),
    )
    subject, verb = generator.choice(_SUBJECTS), generator.choice(_VERBS)
    who = f"the {subject} of {generator.choice(_FAMILIES)}"
    return f"In {generator.randint(1600, 1999)} {who} {verb} {generator.choice(_OBJECTS)} {end}"
