"""Language: does the answer speak the language that it was asked in?

Script first, by Unicode blocks; among languages of the Latin script by their commonest words.
Short texts, names, code and requests that name a language have no verdict.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Final

from tachograph_evaluators.evaluator import Score, not_applicable, verdict

THRESHOLD: Final = 0.5

_SAMPLE_CHARS: Final = 4000  # of the end of the prompt, of the beginning of the answer
_MIN_LETTERS: Final = 24
_MIN_WORDS: Final = 5
_MIN_SHARE: Final = 0.16  # of words that are function words of the language
_MARGIN: Final = 1.5  # times as many as of the next language

_FENCED: Final = re.compile(r"```[^`]{0,20000}(?:```|$)|`[^`\n]{1,200}`|https?://\S{1,500}")
_WORD: Final = re.compile(r"[^\W\d_]+")

_FUNCTION_WORDS: Final = {
    "English": "the of and to in is that it for was on are with as at be this have from or what "
    "how do does i you we he she they my your can not by an which",
    "German": "der die das und ist in den von zu mit sich auf für nicht es ein eine dem des ich "
    "sie wie was kann wird im auch als an werden haben wir du mein",
    "French": "le la les de des et est un une du que qui en dans pour pas sur je vous nous il elle "
    "ce cette au aux avec quel comment mon sont",
    "Spanish": "el la los las de que y en un una es por con para no se su al lo como más pero del "
    "qué cómo mi está son yo le",
    "Italian": "il lo la gli le di che e un una è per con non si del della nel come più ma sono "
    "questo mio qual cosa alla i da",
    "Portuguese": "o a os as de que e um uma é por com para não se do da no na como mais mas qual "
    "meu são em ao eu você",
    "Dutch": "de het een en van is dat in op te zijn met voor niet aan er maar om ook wat hoe ik "
    "je mijn kan worden wij u",
    "Swedish": "och att det som en på är av för med den till inte om ett jag hur vad kan min har "
    "de vi du men var",
    "Polish": "i w nie na się że z do to jest jak co o ale po za od czy dla mój moje przez są być "
    "tak jej jego",
    "Czech": "a se v na je že s z do o to jak co by pro ale jsem jsou není můj jeho po který si "
    "nebo tak",
    "Turkish": "ve bir bu için ile ne da de mi çok gibi ben olarak daha var nasıl benim o en ya "
    "kadar ama her",
    "Indonesian": "yang dan di untuk dengan ini itu dari tidak apa adalah saya bagaimana pada ke "
    "akan bisa anda dalam atau ada",
}
_LEXICON: Final = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}
_NAMED: Final = re.compile(
    r"(?i)\b(?:translat|übersetz|tradui|traduc|traduz|tradu|vertaal|översätt|in (?:english|german|"
    r"french|spanish|italian|portuguese|dutch|swedish|polish|czech|turkish|indonesian|russian|"
    r"chinese|japanese|korean|arabic|hindi|hebrew|greek|latin)|auf (?:deutsch|englisch)|"
    r"en (?:français|anglais|español|inglés)|language|sprache|langue|idioma|lingua)"
)
_SCRIPTS: Final = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "TAMIL", "THAI",
    "HANGUL", "HIRAGANA", "KATAKANA", "CJK", "GEORGIAN", "ARMENIAN",
)  # fmt: skip


def judge(prompt: str | None, response: str) -> Score:
    """One `language` score: 1 for the same language, 0 for another, none where it is unsure."""
    asked = prompt or ""
    if _NAMED.search(asked[-_SAMPLE_CHARS:]):
        return not_applicable("language", "the prompt speaks of a language")
    wanted, given = (identify(text) for text in (asked[-_SAMPLE_CHARS:], response[:_SAMPLE_CHARS]))
    if wanted is None or given is None:
        unsure = "prompt" if wanted is None else "answer"
        return not_applicable("language", f"the language of the {unsure} is not clear")
    value = 1.0 if wanted == given else 0.0
    return Score(
        name="language",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=f"asked in {wanted}, answered in {given}",
        offsets=[] if value else [(0, len(response[:_SAMPLE_CHARS].rstrip()), f"{given}")],
    )


def identify(text: str) -> str | None:
    """The language of a text (of a script with several languages its script), None when unsure."""
    plain = _FENCED.sub(" ", text)
    scripts = Counter(_scripts(plain))
    total = scripts.total()
    if total < _MIN_LETTERS:
        return None
    script, count = scripts.most_common(1)[0]
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > 0.1 * total:
        return "Japanese"
    if count < 0.7 * total:
        return None
    return _latin(plain) if script == "LATIN" else script.title()


def _scripts(text: str) -> Iterator[str]:
    for character in text:
        if character.isascii():
            if character.isalpha():
                yield "LATIN"
        elif character.isalpha():
            name = unicodedata.name(character, "")
            yield next((script for script in _SCRIPTS if name.startswith(script)), "other")


def _latin(text: str) -> str | None:
    words = [match.group().lower() for match in _WORD.finditer(text)]
    if len(words) < _MIN_WORDS:
        return None
    counts = Counter(words)
    hits = {name: sum(counts[word] for word in lexicon) for name, lexicon in _LEXICON.items()}
    (best, most), (_, next_most) = sorted(hits.items(), key=lambda item: -item[1])[:2]
    if most < _MIN_SHARE * len(words) or most < _MARGIN * next_most:
        return None
    return best
