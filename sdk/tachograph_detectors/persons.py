"""People's names and places, by lists, by the shape of a name and by what stands around it.

A run of capitalised words is weighed: what is known of its words, its ending (-ová, -sson,
-ić), a title before it, words around it that speak of people ("my name is", "said"), and what
speaks against (a company's ending, a place's preposition). Names in lower case, in scripts other
than Latin, and of people nobody speaks about are missed; measured in docs/evaluators.md.
"""

import re
from itertools import pairwise
from typing import Final

from tachograph_detectors.finding import Finding
from tachograph_detectors.names import Names, names

_NAME: Final = r"(?:[ODL]['’])?[^\W\d_a-zß-öø-ÿ][^\W\d_]{1,30}(?:['’-][^\W\d_]{1,30}){0,3}"
_PARTICLE: Final = r"(?:van|von|der|den|de|del|della|di|da|dos|la|le|el|al|bin|ibn|af|ten|ter|zu)"
_RUN: Final = re.compile(
    rf"(?<![\w@/.'’-]){_NAME}"
    rf"(?:(?:[ ]{_PARTICLE}){{0,2}}[ ](?:[^\W\d_a-z]\.?[ ]){{0,2}}{_NAME}){{0,3}}(?![\w@])"
)
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_BEFORE_CHARS: Final = 32
_AFTER_CHARS: Final = 24
_THRESHOLD: Final = 2.0
_COMPANY_SHARE: Final = 1.3
_FIRM: Final = 3.0
_JOINTS: Final = frozenset({", ", " and ", ", and ", " & ", " or "})

_TITLE: Final = re.compile(
    r"(?:\b(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|lady|lord|madam|president|senator|captain|"
    r"herr|frau|monsieur|madame|señora?|signora?)\.?\s)$",
    re.IGNORECASE,
)
_CUE_BEFORE: Final = re.compile(
    r"(?:\b(?:name(?:\son\s[\w ]{0,20})?(?:\sis|['’]s|:)|named|called|i['’]?m|i am|this is|dear|hi|"
    r"hello|hey|sincerely,?|regards,?|signed|thanks,?|contact|customer|patient|employee|cardholder|"
    r"by|with|meet|told|asked|told me|and|between|brother|sister|mother|father|wife|husband|son|"
    r"daughter|uncle|aunt|friend|singer|producer|author|writer|kid|child|called|sung by|played by|assistant to|call me|actor|actress|director|ceo|founder|"
    r"for|to|user|speaker|shouted at|produced by|written by)[\s:]{1,2})$",
    re.IGNORECASE,
)
_STRONG_BEFORE: Final = re.compile(
    r"(?:\b(?:name(?:\son\s[\w ]{0,20})?(?:\sis|['’]s|:)|named|dear|sincerely,?|regards,?|signed|"
    r"brother|sister|mother|father|wife|husband|daughter|kid|uncle|aunt|friend|founder|cardholder|call me|"
    r"called|sung by|"
    r"produced by|written by)[\s:,]{1,2})$",
    re.IGNORECASE,
)
_CUE_AFTER: Final = re.compile(
    r"^(?:['’]s\b|,?\s(?:said|says|told|tells|asked|asks|shouted|wrote|writes|sang|sings|plays|"
    r"played|explained|lives|lived|was born|is from|comes from|married|called|thinks|thought|loves|"
    r"likes|wants|works|moved|flew|went|began|spent|has been|is an?|had|gave|shouted at|and\s[A-Z])"
    r"|[:!,]\s?[\"“])"
)
_PLACE_BEFORE: Final = re.compile(
    r"(?:\b(?:in|at|near|from|of|across|around|outside|throughout|visit|visiting)\s)$",
    re.IGNORECASE,
)
_COMPANY: Final = re.compile(
    r"\b(?:Inc|Ltd|LLC|Corp|GmbH|AG|PLC|Co|Company|Group|Bank|University|Institute|College|School|"
    r"Street|St|Road|Avenue|Ave|Lane|Drive|Square|Park|River|Lake|Mountain|Island|County|City|Band|"
    r"Records|Media|Systems|Solutions|Services|Technologies|Partners|Capital|Associates|Software|"
    r"Labs|Union|Party|League|Club|Museum|Church|Hotel|Airlines|Times|News|Magazine|Department)\b"
)
_COMPANY_AFTER: Final = re.compile(r"^(?:\s&|-[A-Z]|,?\s(?:Inc|Ltd|LLC|Corp|GmbH)\b)")
_ADDRESS_BEFORE: Final = re.compile(
    r"(?:[0-9]\s|\b(?:Rua|Via|Rue|Calle|Av|Avenida|Avenue|Plaza|Piazza|Place|Apt\.?|Suite|corner of)\s"
    r"|corner of\s.{1,20}\sand\s)$"
)
_ADDRESS_AFTER: Final = re.compile(r"^(?:\s[0-9]|\s(?:u\.|út|utca|street|road|strasse))")
_INITIAL: Final = re.compile(r" [^\W\d_a-z]\.? ")
_ENDING: Final = re.compile(
    r".{2,}(?:ov[áa]|ev[áa]|sk[ýyai]|sk[áa]|cki|cka|sson|sdóttir|dóttir|ić|ič|čić|enko|chuk|czyk|"
    r"wicz|vich|ovna|yan|ian|idis|poulos|akis|opoulou|berg|mann|stein|feld|sen|nen|quist|ström|"
    r"lund|gaard|ev|ov|ova|eva|elli|etti|ucci|ini|escu|oğlu|nikov|shvili|dze|iewicz|ův|ík|ček|"
    r"oux|eau|veld|stra|huis|inga|wala|murthy|nathan|moto|yama|kawa|shima|zaki|mura|hara|nishi)$",
    re.IGNORECASE,
)
_NOT_NAMES: Final = frozenset(
    word
    for line in (
        "The This That These Those There Here What When Where Which Who Whom Whose Why How Please",
        "Thank Thanks Hello Dear Yes No Not And But Or If Then While After Before Because Since",
        "You Your We Our They Their She Her He His It Its My Mine Me Us Them Is Are Was Were Be Do",
        "Does Did Has Have Had Can Could Will Would Shall Should May Might Must Let Get Give Make",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June",
        "July August September October November December English French German Spanish Italian Dutch",
        "Russian Chinese Japanese American British European Internet Web Email Phone Address Name",
        "Card Credit Account Bank Visa Mastercard Amex Order Customer Service Support Team User Bot",
        "God Christ Jesus North South East West New Old Great United States Kingdom World War Law",
        "Apt Suite Box Unit Street Road Avenue All Any Some Every Each One Two Three For From With",
        "About Into Over Under Also Just Now Today Tomorrow Yesterday Very Much Many More Most In On",
        "At By To Of As An So Sorry Sure Okay Well Oh Hey Ok Note Answer Question Yours Sincerely",
        "Regards Best Kind Subject Date Time Day Week Month Year Zip Code Number Ignore Write Tell",
    )
    for word in line.split()
)


def find_persons(text: str) -> list[Finding]:
    """People's names in `text`, in order; confidence grows with the evidence."""
    known = names()
    weighed = [
        (start, stop, score)
        for match in _RUN.finditer(text)
        for start, stop, score in _in_run(text, match.start(), match.end(), known)
    ]
    scores = [score for _, _, score in weighed]
    gaps = [text[left[1] : right[0]] for left, right in pairwise(weighed)]
    for order in (range(1, len(weighed)), range(len(weighed) - 2, -1, -1)):
        for index in order:  # who is named in one breath with a person is one too
            other = index - order.step
            is_joined = gaps[min(index, other)] in _JOINTS
            if is_joined and scores[other] >= _THRESHOLD > scores[index]:
                scores[index] += _COMPANY_SHARE
    for index in range(2, len(weighed)):  # Barnett, Melton and Garcia: surnames alone, a firm
        firm = range(index - 2, index + 1)
        has_shape = gaps[index - 2] == ", " and gaps[index - 1].strip(", ") == "and"
        if has_shape and not any(text[slice(*weighed[i][:2])] in known.given for i in firm):
            for member in firm:
                scores[member] -= _FIRM
    return [
        Finding(start, stop, "person", min(0.95, 0.5 + 0.08 * (score - _THRESHOLD)))
        for (start, stop, _), score in zip(weighed, scores, strict=True)
        if score >= _THRESHOLD
    ]


def find_places(text: str) -> list[Finding]:
    """Cities and countries of the list that stand in `text` as a whole run of capitals."""
    known = names()
    found: list[Finding] = []
    for match in _RUN.finditer(text):
        if match.group() in known.places and match.group() not in _NOT_NAMES:
            found.append(Finding(match.start(), match.end(), "location", 0.6))
    return found


def _in_run(text: str, start: int, stop: int, known: Names) -> list[tuple[int, int, float]]:
    """The name inside one run of capitals and the evidence: words at its ends that are no names
    are cut off."""
    tokens = [(m.start() + start, m.end() + start) for m in _WORD.finditer(text[start:stop])]
    while tokens and _is_word(text[slice(*tokens[0])]):
        tokens.pop(0)
    while tokens and _is_word(text[slice(*tokens[-1])]):
        tokens.pop()
    if not tokens:
        return []
    start, stop = tokens[0][0], tokens[-1][1]
    for suffix in ("'s", "’s"):
        if text[start:stop].endswith(suffix):
            stop -= 2
    score = _weigh(text, start, stop, [text[a:b] for a, b in tokens], known)
    return [(start, stop, score)]


def _is_word(token: str) -> bool:
    return token in _NOT_NAMES or not token[0].isupper()


def _weigh(text: str, start: int, stop: int, tokens: list[str], known: Names) -> float:
    run = text[start:stop]
    before, after = _before(text, start), text[stop : stop + _AFTER_CHARS]
    parts = [part for token in tokens for part in token.replace("’", "'").split("-")]
    given = sum(part in known.given for part in parts)
    certain = given + sum(part in known.surnames for part in parts)
    ambiguous = sum(part in known.ambiguous for part in parts)
    unknown = [part for part in parts if part.lower() not in known.words]
    weights = (
        (2.3 * min(1, given) + 1.9 * min(2, certain - given), True),
        (0.7 * min(2, ambiguous), True),
        (0.8, len(tokens) > 1 and certain + ambiguous > 0),
        (1.0, len(unknown) == len(parts) and run not in known.places),
        (1.2, any(_ENDING.match(token) for token in tokens)),
        (1.5, _INITIAL.search(run)),
        (-2.5, len(tokens) == 1 and "-" in run and not given),  # Weeks-Rivas, a firm
        (-1.0, len(tokens) == 1 and before.endswith("The ")),
        (4.0, _TITLE.search(before)),
        (2.2 if _STRONG_BEFORE.search(before) else 0.8, _CUE_BEFORE.search(before)),
        (1.0, _CUE_AFTER.search(after)),
        (-2.5, run in known.places),
        (-1.2, _PLACE_BEFORE.search(before)),
        (-5.0, _COMPANY.search(run) or _COMPANY_AFTER.search(after)),
        (-3.0, _ADDRESS_BEFORE.search(before) or _ADDRESS_AFTER.search(after)),
        (-2.5, run.isupper() and not _TITLE.search(before)),
        (-2.0, len(tokens) > 4),
        (-1.0, len(tokens) == 1 and not certain and _begins_sentence(text, start)),
    )
    return sum(weight for weight, holds in weights if holds)


def _before(text: str, start: int) -> str:
    return text[max(0, start - _BEFORE_CHARS) : start]


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 3) : start].rstrip()
    return not before or before[-1] in ".!?\n:\"'"
