"""Words that claims are spoiled and reworded with."""

from typing import Final

_OPPOSITES = """
first/last largest/smallest most/least north/south east/west northern/southern eastern/western
male/female before/after popular/unpopular old/new high/low early/late began/ended founded/closed
born/died won/lost hot/cold big/small large/small men/women increase/decrease increased/decreased
rose/fell higher/lower more/fewer best/worst older/younger longer/shorter often/rarely always/never
many/few major/minor public/private modern/ancient rich/poor winter/summer day/night king/queen
father/mother brother/sister son/daughter husband/wife he/she his/her city/village book/film
band/team actor/singer author/painter football/basketball guitar/piano legal/illegal accepted/rejected
possible/impossible included/excluded started/stopped bought/sold arrived/left opened/shut
produced/imported third/fourth second/fifth two/three four/six five/seven ten/twenty half/third
january/june march/october april/september february/november monday/friday tuesday/saturday
europe/asia africa/america american/british german/italian spanish/chinese japanese/korean
french/russian indian/mexican million/billion thousand/hundred win/lose agreed/refused
supported/opposed allowed/banned joined/quit true/false safe/dangerous inside/outside above/below
strong/weak fast/slow young/old success/failure friend/enemy attack/defend alive/dead guilty/innocent
"""
OPPOSITES: Final[dict[str, str]] = {}
for _pair in _OPPOSITES.split():
    _one, _other = _pair.split("/")
    OPPOSITES.setdefault(_one, _other)
    OPPOSITES.setdefault(_other, _one)

_ALIKE = """
big/large start/begin started/began ended/finished buy/purchase bought/purchased movie/film
often/frequently usually/typically important/significant famous/well-known help/assist show/demonstrate
shows/demonstrates made/created build/construct built/constructed use/employ used/utilized near/close_to
about/approximately many/numerous several/a_number_of also/additionally because/since but/however
died/passed_away children/kids people/persons city/town car/automobile doctor/physician fast/quick
hard/difficult easy/simple small/little received/got gave/provided said/stated told/informed
killed/slain located/situated mainly/mostly primarily/mainly country/nation former/previous
whole/entire nearly/almost roughly/around during/in_the_course_of while/whereas called/named
known_as/called founded/established rich/wealthy job/occupation ill/sick child/kid main/chief
"""
ALIKE: Final[dict[str, str]] = {}
for _pair in _ALIKE.split():
    _one, _other = (_word.replace("_", " ") for _word in _pair.split("/"))
    ALIKE.setdefault(_one, _other)
    ALIKE.setdefault(_other, _one)

NEGATIONS: Final[dict[str, str]] = {
    "is": "is not", "was": "was not", "are": "are not", "can": "cannot", "were": "were not",
    "has": "has not", "have": "have not", "will": "will not", "does": "does not", "did": "did not",
    "could": "could not", "would": "would not", "had": "had not",
}  # fmt: skip
SHORT_NEGATIONS: Final[dict[str, str]] = {
    word: {"can": "can't", "will": "won't"}.get(word, f"{word}n't") for word in NEGATIONS
}
OVERSTATED: Final[dict[str, str]] = {
    "some": "all", "may": "will", "might": "will", "could": "did", "sometimes": "always",
    "often": "always", "most": "all", "many": "all", "usually": "always", "about": "exactly",
    "can": "must", "expected": "required", "suggests": "proves", "several": "all", "one": "no",
}  # fmt: skip

OPENERS: Final[tuple[str, ...]] = tuple(
    """yeah, |oh i see. |i think |well, |i love that! |did you know that |that's cool! |interesting, |
true. |yes! |no, but |i agree. |haha, |wow, |sure. |i believe |from what i know, |right, |of course! |
hi! |good question. |hmm, |i heard that |actually, |oh yes, |that is great. |thanks for asking. |
According to the text, |The article says that |The passage states that |In short, |Based on the context, |
The author notes that |In summary, |To answer your question, |The document says |As far as I can tell, |
Sure! |Certainly. |Here is what I found: |Basically, |It says that |""".replace("\n", "").split(
        "|"
    )[:-1]
)

CLOSERS: Final[tuple[str, ...]] = (
    " do you like that?", " have you tried it?", " what do you think?", " isn't that neat?",
    " pretty cool.", " Let me know if you need more.", " I hope this helps.", " lol",
)  # fmt: skip

_PERSONAL_STARTS: Final = (
    "i have been there", "my dad used to do that", "i have three of them", "it is my favorite",
    "i started", "my sister works in that field", "i went there", "i usually do it",
    "i've never liked it", "my friend owns one", "i tried it once", "we used to live close by",
    "i saw a documentary about it", "my wife hates it", "i really miss it", "i grew up with it",
    "i bought one", "my grandmother taught me", "i play it", "i want to learn it", "i saw them live",
)  # fmt: skip
_PERSONAL_ENDS: Final = (
    "many times", "with my family", "on the weekends", "when i was a kid", "last summer",
    "every week", "at home", "in college", "for years", "with my friends", "and it was awful",
    "and it was great", "yesterday", "in the morning", "all the time",
)  # fmt: skip
PERSONAL: Final[tuple[str, ...]] = tuple(
    f"{start} {end}." for start in _PERSONAL_STARTS for end in _PERSONAL_ENDS
)
