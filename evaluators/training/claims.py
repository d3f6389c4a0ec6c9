"""Claims about a context, true and spoiled: what the grounding head learns from.

True claims are sentences of the context, shortened, reworded, joined, or human answers to human
questions about it. Spoiled ones change one fact (FactCC, arXiv 1910.12840), join facts that do not
belong together, take sentences from elsewhere in the same document or from a related one, answer
wrongly, or go on freely from the beginning of a sentence (made by the language model).
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from training import wordlists

SUPPORTED: Final = 0
UNSUPPORTED: Final = 1

_SENTENCE_END: Final = re.compile(r"(?<=[.!?])[\"'”)]*\s+")
_NUMBER: Final = re.compile(r"\b\d[\d,]*(?:\.\d+)?\b")
_NAME: Final = re.compile(r"(?<=\s)[A-Z][a-zà-ž]{2,}(?:\s[A-Z][a-zà-ž]{2,})*")
_ASIDE: Final = re.compile(r"\s*\([^)]{1,120}\)|,\s[^,]{3,60},(?=\s[a-z])")
_LEAD: Final = re.compile(r"^(?:In|On|During|After|As|By|At|From|While|When)\s[^,]{3,60},\s")
_SUBJECT_QUESTION: Final = re.compile(
    r"^(?:Who|What|Which [a-z ]{2,30}?)\s(?!did|does|do|are)([a-z].*)\?$"
)
_OFFSETS: Final = (-40, -12, -7, -3, -2, -1, 1, 2, 3, 5, 9, 20, 100)


@dataclass(slots=True)
class Example:
    """One context and claims about it: (text, label), label 1 is unsupported."""

    context: str
    claims: list[tuple[str, int]] = field(default_factory=list)


def sentences(text: str) -> list[str]:
    """Sentences of at least five words."""
    parts = (part.strip().removeprefix('is in "') for part in _SENTENCE_END.split(text))
    return [part for part in parts if len(part.split()) >= 5 and not part.endswith("?")]


class ClaimWriter:
    """Writes examples from passages, `share` of them from long ones; equal seeds, equal examples."""

    def __init__(self, passages: Sequence[dict[str, Any]], seed: int, share: float = 0.5) -> None:
        self.random = random.Random(seed)
        self.documents = [sentences(passage["text"]) for passage in passages]
        self._long = [i for i, parts in enumerate(self.documents) if len(parts) > 3]
        self._short = [i for i, parts in enumerate(self.documents) if 0 < len(parts) <= 3]
        self._share = share
        self.answers: list[list[list[str]]] = [passage.get("qa", []) for passage in passages]
        self.all = [(i, s) for i, parts in enumerate(self.documents) for s in parts]
        self.inventions: dict[str, str] = {}
        """Sentences that a language model wrote from the first words of a true one."""
        self.names = [name for _, s in self.all for name in _NAME.findall(s)]
        self._by_word: dict[str, list[int]] = {}
        for place, (_, sentence) in enumerate(self.all):
            for word in set(re.findall(r"[a-z]{5,}", sentence.lower())):
                self._by_word.setdefault(word, []).append(place)

    def example(self, claims: int) -> Example:
        """One context of one document, sometimes with distracting sentences, and its claims."""
        draw = self.random
        long = draw.random() < self._share
        number = draw.choice((self._long if long else self._short) or self._short or self._long)
        document = self.documents[number]
        size = min(len(document), draw.choice((1, 1, 2, 3, 4, 6, 8, 12, 20)))
        start = draw.randrange(len(document) - size + 1)
        inside = document[start : start + size]
        outside = [s for s in document[:start] + document[start + size :] if s not in inside]
        shown = list(inside)
        if draw.random() < 0.45:
            for _ in range(draw.randint(1, 6)):
                shown.insert(draw.randint(0, len(shown)), self.related(number, draw.choice(inside)))
        text = " ".join(shown)
        if draw.random() < 0.15:
            text = text.lower()
        made = Example(text)
        tries = 0
        while len(made.claims) < claims and tries < 4 * claims:
            tries += 1
            wrong = len(made.claims) % 2
            claim = (
                self.spoiled(number, inside, outside, text)
                if wrong
                else self.true(number, inside, text)
            )
            if claim and (claim, 1 - wrong) not in made.claims:
                made.claims.append((claim, wrong))
        return made

    def true(self, number: int, inside: Sequence[str], text: str) -> str | None:
        """A claim that the context supports."""
        draw = self.random
        kind = draw.random()
        if kind < 0.15 and self.answers[number]:
            return self.answer(number, text, right=True)
        if kind < 0.3 and len(inside) > 1:
            return self.style(self.joined(*draw.sample(list(inside), 2)))
        return self.style(self.reworded(draw.choice(list(inside))))

    def spoiled(
        self, number: int, inside: Sequence[str], outside: Sequence[str], text: str
    ) -> str | None:
        """A claim that the context does not support."""
        draw = self.random
        kind = draw.random()
        sentence = draw.choice(list(inside))
        if kind < 0.10 and self.answers[number]:
            return self.answer(number, text, right=False)
        if kind < 0.50:
            wrong = self.corrupted(sentence, text)
            return self.style(self.reworded(wrong, 0.4), cut=False) if wrong else None
        if kind < 0.54:
            return self.crossed(inside)
        invented = [self.inventions[s] for s in inside if s in self.inventions]
        if kind < 0.68 and invented:
            return self.style(draw.choice(invented), cut=False)
        foreign = draw.choice(list(outside)) if outside and draw.random() < 0.5 else None
        foreign = foreign or self.related(number, sentence)
        if kind < 0.84:
            return self.style(self.reworded(foreign))
        if kind < 0.92:
            return self.style(self.joined(self.style(sentence), foreign), cut=False)
        own = self.style(sentence).rstrip(".") + ". " if draw.random() < 0.5 else ""
        return own + draw.choice(wordlists.PERSONAL)

    def related(self, number: int, sentence: str) -> str:
        """A sentence of another document that shares a rare word."""
        words = [
            word
            for word in re.findall(r"[a-z]{5,}", sentence.lower())
            if 1 < len(self._by_word.get(word, ())) < 80
        ]
        for _ in range(6 if words else 0):
            place = self.random.choice(self._by_word[self.random.choice(words)])
            other, found = self.all[place]
            if other != number and found not in self.documents[number]:
                return found
        return self.random.choice(self.all)[1]

    def answer(self, number: int, text: str, *, right: bool) -> str | None:
        """A human question about the context with its answer, or with another one."""
        draw = self.random
        pairs = [pair for pair in self.answers[number] if pair[1].lower() in text.lower()]
        if not pairs:
            return None
        question, answer = draw.choice(pairs)
        if not right:
            names = _NUMBER.findall(text) if answer[:1].isdigit() else _NAME.findall(text)
            others = [name for name in names if name not in answer and answer not in name]
            others += [pair[1] for pair in self.answers[number] if pair[1] != answer]
            answer = draw.choice(others or self.names)
        statement = _SUBJECT_QUESTION.match(question)
        if statement and draw.random() < 0.7:
            return self.style(f"{answer} {statement.group(1)}.", cut=False)
        return draw.choice(("{q} {a}", "{a}. ({q})", "Q: {q} A: {a}", "{q} It is {a}.")).format(
            q=question, a=answer
        )

    def corrupted(self, sentence: str, text: str) -> str | None:
        """The sentence with one fact changed; None where nothing can be changed."""
        draw = self.random
        words = sentence.split()
        bare = [word.lower().strip(".,;:") for word in words]
        numbers, names = _NUMBER.findall(sentence), _NAME.findall(sentence)
        negatable = [i for i, word in enumerate(bare) if word in wordlists.NEGATIONS]
        opposite = [i for i, word in enumerate(bare) if word in wordlists.OPPOSITES]
        overstated = [i for i, word in enumerate(bare) if word in wordlists.OVERSTATED]
        ways = ["number"] * 2 * bool(numbers) + ["name"] * 2 * bool(names)
        ways += ["swap"] * (len(set(names)) > 1) + ["negate"] * bool(negatable)
        ways += ["opposite"] * 2 * bool(opposite) + ["overstate"] * bool(overstated)
        if not ways:
            return None
        way = draw.choice(ways)
        if way == "number":
            return self._other_number(sentence, draw.choice(numbers), text)
        if way == "name":
            old = draw.choice(names)
            near = [n for n in _NAME.findall(text) if n not in sentence]
            new = draw.choice(near if near and draw.random() < 0.6 else self.names)
            return sentence.replace(old, new, 1) if new not in sentence else None
        if way == "swap":
            one, other = draw.sample(sorted(set(names)), 2)
            return sentence.replace(one, "\0").replace(other, one).replace("\0", other)
        table, places = {
            "negate": (draw.choice((wordlists.NEGATIONS, wordlists.SHORT_NEGATIONS)), negatable),
            "opposite": (wordlists.OPPOSITES, opposite),
            "overstate": (wordlists.OVERSTATED, overstated),
        }[way]
        place = draw.choice(places)
        end = words[place][len(words[place].rstrip(".,;:")) :]
        new = table[bare[place]]
        words[place] = (new.capitalize() if words[place][0].isupper() else new) + end
        return " ".join(words)

    def _other_number(self, sentence: str, old: str, text: str) -> str | None:
        near = [n for n in _NUMBER.findall(text) if n not in sentence]
        if near and self.random.random() < 0.4:
            new = self.random.choice(near)
        elif "." in old:
            new = f"{float(old.replace(',', '')) * self.random.choice((0.5, 1.3, 2, 10)):.1f}"
        else:
            value = int(old.replace(",", "")[:9])
            new = f"{abs(value + self.random.choice(_OFFSETS)) or value + 11:{',' if ',' in old else ''}}"
        return re.sub(rf"\b{re.escape(old)}\b", new, sentence, count=1) if new != old else None

    def crossed(self, inside: Sequence[str]) -> str | None:
        """The beginning of one sentence with the end of another."""
        if len(inside) < 2:
            return None
        one, other = (part.split() for part in self.random.sample(list(inside), 2))
        verbs = {"is", "was", "are", "were", "has", "had", "have", "will", "can", "became"}
        heads = [i for i, word in enumerate(one) if word in verbs]
        tails = [i for i, word in enumerate(other) if word in verbs]
        if not heads or not tails:
            return None
        return self.style(" ".join(one[: heads[0]] + other[tails[0] :]), cut=False)

    def joined(self, one: str, other: str) -> str:
        """Two sentences as one text."""
        link = self.random.choice((". ", ". ", ", and ", "; ", ", while "))
        first = one.rstrip(".!? ")
        return first + link + (other if link == ". " else other[:1].lower() + other[1:])

    def reworded(self, sentence: str, chance: float = 0.5) -> str:
        """Asides and leading phrases dropped, a few words replaced by ones that mean the same."""
        draw = self.random
        if draw.random() < chance:
            sentence = _ASIDE.sub("", sentence, count=draw.randint(1, 2))
        if draw.random() < chance * 0.7:
            shorter = _LEAD.sub("", sentence)
            sentence = shorter[:1].upper() + shorter[1:]
        if draw.random() < chance:
            words = sentence.split()
            for i in draw.sample(range(len(words)), len(words)):
                if words[i] in wordlists.ALIKE:
                    words[i] = wordlists.ALIKE[words[i]]
                    if draw.random() < 0.6:
                        break
            sentence = " ".join(words)
        return sentence

    def style(self, text: str, *, cut: bool = True) -> str:
        """Cut short, in small letters, with chat around it: how answers look."""
        draw = self.random
        if cut and draw.random() < 0.4:
            words = text.split()
            text = " ".join(words[: max(4, int(len(words) * draw.uniform(0.4, 1)))])
        if draw.random() < 0.45:
            text = text.lower()
        if draw.random() < 0.4:
            text = draw.choice(wordlists.OPENERS) + text
        if draw.random() < 0.04:
            text += draw.choice(wordlists.CLOSERS)
        return text
