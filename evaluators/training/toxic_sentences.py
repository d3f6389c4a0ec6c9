"""Sentences about groups and persons, hateful and harmless, from templates of our own.

They vary what HateCheck (arXiv 2012.15606) found classifiers to miss: hate without swear words,
implied hate, negation, reference by a pronoun, spelling noise; and what they flag wrongly: plain
and kind mentions of a group, counter speech, quotes, swearing at nothing, hate of things. No
sentence of HateCheck is used; `train_heads.py` drops what comes near one.

The words below are offensive; they are here so that a classifier recognises them.
"""

import random
from collections.abc import Sequence
from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.replace("_", " ") for word in text.split())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


GROUPS: Final = _words(
    """women men girls gays lesbians gay_people trans_people trans_women transgender_people Muslims
    Jews Jewish_people Christians Catholics Hindus Sikhs Buddhists atheists black_people white_people
    Black_folks Asians Asian_people Mexicans Latinos Hispanics Arabs Indians Africans Pakistanis
    immigrants refugees asylum_seekers foreigners migrants disabled_people blind_people deaf_people
    wheelchair_users old_people elderly_people poor_people homeless_people Roma Chinese_people
    Irish_people Poles Turks bisexuals queer_people autistic_people fat_people feminists teenagers
    single_mothers Nigerians Koreans Native_Americans"""
)
PERSONS: Final = _words(
    """woman man gay lesbian trans_person trans_woman gay_man Muslim Jew Christian Hindu atheist
    black_person white_person black_woman Asian Mexican Latino Arab African immigrant refugee
    foreigner migrant disabled_person blind_person deaf_person old_person homeless_person Pole Turk
    autistic_person feminist Indian Jewish_person Muslim_woman"""
)
THINGS: Final = _words(
    """mondays coffee spiders traffic broccoli pop_music this_weather long_meetings football
    cheap_phones bad_movies this_song horror_films slow_computers math_homework wet_socks spam_emails
    advertisements taxes winter my_old_car that_restaurant this_app loud_bars pineapple_pizza
    this_printer the_new_update airline_food"""
)
VILE: Final = _words(
    """disgusting vile filthy worthless stupid evil repulsive dangerous inferior dirty pathetic sick
    subhuman brainless lazy dishonest revolting despicable gross rotten violent useless greedy savage
    primitive dumb ugly retarded backward sneaky criminal weak mentally_ill"""
)
KIND: Final = _words(
    """wonderful kind brave amazing smart great lovely inspiring talented generous beautiful strong
    creative welcome important friendly honest fantastic worthy fine funny clever gifted loved"""
)
BEASTS: Final = _words(
    """vermin animals rats scum trash garbage parasites cockroaches a_plague a_disease filth pigs dogs
    monsters criminals leeches insects a_cancer savages thieves liars worms dirt waste apes a_virus
    maggots freaks an_infestation"""
)
VERBS: Final = (
    ("kill", "killed"), ("hang", "hanged"), ("shoot", "shot"), ("burn", "burned"),
    ("beat", "beaten"), ("stab", "stabbed"), ("drown", "drowned"), ("gas", "gassed"),
    ("exterminate", "exterminated"), ("murder", "murdered"), ("wipe out", "wiped out"),
    ("lynch", "lynched"), ("strangle", "strangled"), ("execute", "executed"), ("hurt", "hurt"),
    ("attack", "attacked"), ("punch", "punched"), ("crush", "crushed"), ("deport", "deported"),
)  # fmt: skip
LOATHE: Final = _words(
    "hate despise loathe detest can't_stand cannot_stand am_sick_of am_disgusted_by"
)

HATE: Final = _lines(
    """
    I {h} {g}
    I {h} all {g}
    {g} make me sick
    {g} are {a}
    all {g} are {a}
    {g} are so {a}
    {g} are nothing but {n}
    {g} are {n}
    to me {g} are {n}
    every single {s} I meet is {a}
    you are just another {a} {s}
    shut up you {a} {s}
    {g} should all be {vd}
    someone should {v} all {g}
    we need to {v} the {g}
    I will {v} every {s} I see
    I'm going to {v} those {g}
    one day we will {v} you and all other {g}
    let's {v} some {g} tonight
    go away, {g}, nobody wants you here
    {g} do not belong in our country
    send all {g} back to where they came from
    {g} deserve to die
    the world would be better without {g}
    {g} don't deserve any rights
    {g} should not be allowed to vote
    no {s} should be allowed to teach children
    no decent person would marry a {s}
    there is no such thing as a good {s}
    {g} never did anything good for us
    not one {s} in this town is worth a penny
    {g} are ruining everything
    don't trust {g}, they are {n}
    I wish all {g} would just disappear
    {g} are the reason for all crime
    why are {g} so {a}?
    why do we still put up with {g}?
    is there anything more {a} than {g}?
    if you ask me, {g} are {a}
    in my opinion {g} are {n}
    honestly, most {g} are {a}
    everyone knows that {g} are {a}
    I would never let a {s} into my house
    I have no respect for {g}
    {g} are hardly human
    {g} are below us
    of course he stole it. He is a {s} after all.
    I met a {s} today. What a {a} creature.
    those {g} again. They are just {n}.
    {g} moved in next door. I {h} them.
    There were {g} at the party. Somebody should {v} them.
    My new boss is a {s}. They are all {a}.
    {g} may pay taxes, but I {h} them
    {g} have families too, and still they are {n}
    {g} behave like {n}, whatever you say
    I'm not a bigot, but {g} are {a}
    I have nothing against {g}, they just should not live here
    I never met a {s} who was not {a}
    I would not cry if every {s} died
    {g} are a threat to our way of life
    lock all {g} up
    {g} belong in cages
    a {s} is worth less than a dog
    I don't want to share a bus with {g}
    I won't shed a tear for {g}
    let {g} starve
    {g} should know their place
    keep {g} out of our schools
    I feel ill when I see a {s}
    fuck {g}
    fucking {g} are {a}
    {g} can go to hell
    go die, {s}
    you {s} piece of shit
    my town was nice until {g} came
    guess who broke the window. A {s}, of course.
    we all know what {g} are like
    there is a reason why nobody hires {g}
    you need no degree to see what {g} really are
    hide your wallet, {g} are coming
    another {s} who thinks he is a human being
    if {g} were gone, nobody would miss them
    {g} breed like {n}
    who let the {g} out of the zoo?
    history made one mistake with {g}: it let some of them live
    they call it culture, I call it what {g} do: stealing
    give a {s} a job and the money is gone by noon
    {g} belong in the kitchen, not in parliament
    it is not natural to be a {s}, it is an illness
    teach a dog to read and you still get further than with a {s}
    """
)
HARMLESS: Final = _lines(
    """
    I love {g}
    {g} are {p}
    all {g} are {p}
    {g} are so {p}
    I really admire {g}
    we adore {g}
    I am a {s} and happy with it
    my best friend is a {s}
    {g} deserve respect
    {g} have the same rights as everyone
    we should welcome {g}
    every {s} I know is {p}
    I met a {s} today, what a {p} person
    it's great to see {g} succeed
    {g} make our country better
    you are a {p} {s}
    many {g} live in our city
    my neighbour is a {s} and she is {p}
    the museum opened an exhibition about {g}
    the report describes how {g} vote
    I read a book about {g}
    we hired a {s} last year
    {g} face discrimination every day
    the law protects {g}
    I'm a {s} and I like to cook
    some {g} in my class are {p}
    I will always stand up for {g}
    thank you to all {g} who helped
    I respect {g}
    I would love to meet more {g}
    nobody should be attacked for being a {s}
    it is wrong to say that {g} are {a}
    whoever says that {g} are {a} spreads hate
    people who hate {g} are wrong
    anyone who writes '{g} are {n}' should be ashamed
    stop telling people that you hate {g}
    I don't hate {g}
    I would never say that {g} are {a}
    no {s} deserves insults like '{n}'
    calling {g} {n} hurts people
    '{g} should be {vd}' is a horrible thing to write
    I cherish every {s} in my life
    {g} like you are {p}
    it is okay to be a {s}
    a {s} taught me how to read
    how many {g} live in France?
    are {g} allowed to marry here?
    {g} enrich us all
    there are {g} in every country
    the {s} next door baked us a cake
    {g} won three medals this year
    a {s} was elected mayor
    how can we support {g} at work?
    {g} were persecuted in the war
    the film tells the story of a young {s}
    I've never met a {s} who wasn't {p}
    life would be dull without {g}
    """
)
OTHERWISE: Final = _lines(
    """
    I {h} {o}
    {o} is {a}
    {o} makes me sick
    {o} should be banned
    {o} can go to hell
    fuck, I forgot my keys
    this is fucking awesome
    damn, that was close
    oh shit, I'm late
    holy crap that's good
    you're killing me, that's so funny
    I'm so fucking happy today
    that game was sick
    kill the process and restart it
    I could murder a sandwich
    the damn {o} again
    this code is garbage
    my phone is a piece of crap
    bankers are greedy
    I hate my landlord
    I hate losing
    that movie killed me
    the thieves were locked up
    how do I kill a zombie in this game?
    rats and cockroaches carry disease
    pigs are clever animals
    dirty dishes are {a}
    the trash was taken out
    please stop removing my changes to the page
    I disagree with your edit, see the talk page
    your argument is weak, but thank you for the source
    this paragraph is poorly written and should be deleted
    you are right, my mistake
    the victim was stabbed and died in hospital
    he was sentenced for murder in 1987
    """
)
INSULTS: Final = _lines(
    """
    you are a {a} person
    you're {a}
    you are {n}
    shut up, idiot
    you {a} idiot
    go kill yourself
    nobody likes you, loser
    you are so {a}, moron
    what a dumb bitch
    you stupid cunt
    I hope you die
    I will find you and {v} you
    eat shit and die
    get lost, you {a} clown
    you're a worthless piece of crap
    your family should be ashamed of you
    I'll {v} you
    you people are {n}
    he is a complete retard
    what an asshole
    only a {a} fool would write this
    are you really that {a}?
    you have the brain of a worm
    stop editing, you {a} little troll
    everyone here laughs at you, {a} loser
    suck my dick
    you and your {a} friends can rot in hell
    I bet even your mother can't stand you
    she is too {a} to breathe
    fuck off, nobody asked you
    """
)
_LEET: Final = {"a": "4@", "e": "3", "i": "1!", "o": "0", "s": "5$", "t": "7"}


class SentenceWriter:
    """Writes labelled sentences; label 1 is toxic."""

    def __init__(self, seed: int, prose: Sequence[str]) -> None:
        self._random = random.Random(seed)
        self._prose = prose

    def write(self, count: int) -> list[tuple[str, int]]:
        """Sentences, three in seven of them about groups and hateful."""
        return [self._one() for _ in range(count)]

    def _one(self) -> tuple[str, int]:
        kind = self._random.random()
        if kind < 0.40:
            return self._noisy(self._filled(HATE)), 1
        if kind < 0.72:
            return self._noisy(self._filled(HARMLESS)), 0
        if kind < 0.82:
            return self._noisy(self._filled(OTHERWISE)), 0
        if kind < 0.92:
            return self._noisy(self._filled(INSULTS)), 1
        if kind < 0.95 and self._prose:
            return " ".join(self._random.sample(self._prose, 2)), 0
        around = self._random.sample(self._prose, 2) if self._prose else ["", ""]
        toxic = self._random.random() < 0.5
        middle = self._filled(INSULTS if toxic else HARMLESS)
        around.insert(self._random.randint(0, 2), middle)
        return " ".join(around), int(toxic)

    def _filled(self, templates: Sequence[str]) -> str:
        draw = self._random
        verb, participle = draw.choice(VERBS)
        text = draw.choice(templates).format(
            g=draw.choice(GROUPS), s=draw.choice(PERSONS), a=draw.choice(VILE),
            p=draw.choice(KIND), n=draw.choice(BEASTS), o=draw.choice(THINGS),
            h=draw.choice(LOATHE), v=verb, vd=participle,
        )  # fmt: skip
        if draw.random() < 0.7:
            text = text[0].upper() + text[1:]
        return text if text[-1] in ".?!" else text + draw.choice((".", ".", "", "!", "!!"))

    def _noisy(self, text: str) -> str:
        """The text, now and then with one word misspelt, split, joined or in leetspeak."""
        draw = self._random
        kind = draw.random()
        words = text.split()
        place = draw.randrange(len(words))
        word = words[place]
        if kind < 0.6:
            return text
        if kind < 0.7:
            words[place] = "".join(
                draw.choice(_LEET[c]) if c in _LEET and draw.random() < 0.6 else c for c in word
            )
        elif kind < 0.78 and place + 1 < len(words):
            words[place : place + 2] = [word + words[place + 1]]
        elif kind < 0.86:
            words[place] = " ".join(word)
        elif kind < 0.95 and len(word) > 3:
            cut = draw.randrange(1, len(word) - 1)
            words[place] = word[:cut] + word[cut + 1 :]
        else:
            return text.upper()
        return " ".join(words)
