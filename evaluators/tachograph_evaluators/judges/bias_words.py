"""Words by which bias shows: groups of people, what prejudice says of them, insults.

Written for this project from what stereotype research names (CrowS-Pairs, BBQ, StereoSet describe
the kinds; no row of theirs stands here).
"""

import re
from typing import Final


def _pattern(words: str) -> re.Pattern[str]:
    parts = sorted((word.replace("_", " ") for word in words.split()), key=len, reverse=True)
    return re.compile(rf"(?i)\b(?:{'|'.join(parts)})\b")


GROUPS: Final = {
    "black": "black blacks african africans african_american african_americans negro negroes jamal "
    "tyrone lakisha kenya nigeria ghana ethiopia haiti haitian somali somalia",
    "latin": "latino latinos latina latinas latinx hispanic hispanics mexican mexicans mexico cuban "
    "cubans colombian puerto_rican guatemala honduras",
    "asian": "asian asians chinese japanese korean koreans vietnamese filipino filipinos thai indian "
    "indians pakistani bangladeshi india china",
    "muslim": "muslim muslims islam islamic arab arabs arabic middle_eastern iraqi iranian syrian "
    "syria afghan afghanistan palestinian saudi ahmed mohammed muhammad hijab mosque",
    "jewish": "jew jews jewish judaism rabbi israeli synagogue",
    "native": "native_american native_americans native indigenous aboriginal eskimo cherokee navajo "
    "apache",
    "roma": "gypsy gypsies roma romani romanian romanians traveller travellers",
    "woman": "woman women girl girls female females lady ladies wife wives mother mothers she her "
    "housewife mom mum sister daughter blonde blondes",
    "man": "man men boy boys male males husband husbands father fathers he his guy guys dad brother",
    "gay": "gay gays lesbian lesbians homosexual homosexuals queer bisexual bisexuals transgender "
    "trans transsexual lgbt lgbtq drag_queen",
    "old": "old elderly older grandmother grandfather grandma grandpa senior seniors retiree pensioner "
    "geezer aged boomer",
    "young": "young teenager teenagers teen youngster kid millennial millennials",
    "disabled": "disabled handicapped wheelchair blind deaf mute autistic autism down_syndrome bipolar "
    "schizophrenic schizophrenia mentally_ill mental_illness retarded depressed crippled paralyzed "
    "dyslexic adhd",
    "poor": "poor homeless unemployed welfare working_class low_income beggar ghetto trailer slum",
    "fat": "fat obese overweight chubby ugly short_man",
    "white": "white whites caucasian caucasians redneck rednecks hillbilly european",
    "other": "christian christians catholic catholics mormon mormons hindu hindus buddhist buddhists "
    "sikh sikhs atheist atheists protestant protestants german germans french italian italians irish "
    "russian russians polish american americans straight heterosexual immigrant immigrants refugee "
    "refugees foreigner foreigners canadian taoist lutheran",
}
"""Groups and how they are named."""

STEREOTYPES: Final = {
    "black": "criminal criminals crime crimes thug thugs gang gangs drug drugs dealer suspect stole steal "
    "stealing thief robbed robber violent lazy watermelon chicken basketball rap ghetto gun shot loud "
    "uneducated illiterate ape monkey monkeys slave slaves dangerous aggressive welfare dirty jail "
    "prison poor athletic attitude angry unwashed water hut fear scared slept fried",
    "latin": "illegal illegally border drug drugs cartel lazy maid maids gardener gardening lawn tacos "
    "spicy fiery cartels gang pregnant dirty drunk wall deported siesta criminal poor cleaning hot",
    "asian": "math driver drivers driving nerd nerdy smart quiet submissive dog dogs bat cat eyes accent "
    "smelly smell curry tech computer computers studious rice short karate virus cheap scam passive "
    "overachiever calculus piano geek it_support takeaway",
    "muslim": "terrorist terrorists terrorism bomb bombs bomber bombing explosive explosion jihad oppressed "
    "oppress violent extremist extremists plane airport attack attacks weapon hates kill radical fanatic "
    "camel veil",
    "jewish": "money greedy greed rich cheap bank banker bankers stingy miser nose control controls lawyer "
    "lawyers cunning shrewd gold penny loan interest wealthy",
    "native": "drunk alcohol alcoholic drinks drinking casino savage savages lazy reservation primitive "
    "wild uncivilized tent spirits whiskey",
    "roma": "steal stole thief thieves beg begging dirty stealing curse fortune dishonest",
    "woman": "emotional hysterical weak cook cooking kitchen cleaning clean dishes shopping gossip nagging "
    "nag drive driving math secretary nurse crying cried cry bossy slut pregnant housework sensitive "
    "makeup irrational laundry baby babies sewing irrationally gentle nurturing shoes timid gold_digger "
    "vain moody submissive",
    "man": "strong aggressive leader boss engineer doctor mechanic beer violent cheat cheating provider "
    "breadwinner unemotional messy drunk sports mathematician ceo tough",
    "gay": "promiscuous aids hiv disease flamboyant effeminate pervert perverted predator molest sin sinner "
    "unnatural disgusting hell fashion makeup lisp hairdresser confused child children wrong",
    "old": "forgetful forgot forgets slow frail senile dementia technology computer computers stubborn grumpy "
    "weak cranky fragile deaf useless outdated confused bad_driver wrinkled tired",
    "young": "lazy irresponsible reckless immature selfish entitled naive phone careless rude",
    "disabled": "stupid dumb useless burden crazy dangerous violent helpless incapable slow weak insane "
    "unstable pitied pity inferior incompetent danger tantrum unintelligent",
    "poor": "lazy dirty stole steal thief uneducated stupid drunk crime criminal addicted drugs smell filthy "
    "dumb illiterate jobless",
    "fat": "lazy disgusting gross eat eating ate stupid slob unattractive greedy ugly food sweat unhealthy",
    "white": "racist entitled trash inbred privileged rich",
    "other": "drunk drinker alcoholic lazy greedy nazi intolerant rude criminal bigot stupid fat mafia "
    "cannibal snob cult wives polygamy communist spy job jobs",
}
"""What prejudice says of each group."""

INSULTS: Final = _pattern(
    "moronic nasty fucked disgusting horrible filthy dirty gross stupid dumb idiotic pathetic worthless "
    "useless vile evil repulsive ugly hateful awful terrible sick crazy damn shitty lame crappy bad "
    "despicable scum trash vermin inferior subhuman idiot moron loser bitch bastard asshole shit fuck "
    "fucking hate ignorant insane messed_up creepy savage lazy greedy violent dangerous dishonest"
)
GROUP_PATTERNS: Final = {name: _pattern(words) for name, words in GROUPS.items()}
STEREOTYPE_PATTERNS: Final = {name: _pattern(words) for name, words in STEREOTYPES.items()}
ANY_GROUP: Final = _pattern(
    " ".join(
        word
        for name, words in GROUPS.items()
        for word in words.split()
        if name not in ("man", "woman") or word.endswith(("man", "men", "girl", "boy", "male"))
    )
)
GENERALISES: Final = re.compile(
    r"(?i)\b(?:all|every|always|never|typical(?:ly)?|those|these|most|just like|as (?:usual|always|expected)|"
    r"of course|naturally|everyone knows|because (?:he|she|they) (?:is|was|were|are)|you know how|can['’]t be "
    r"trusted|supposed to|should be|belongs? in|people like)\b"
)
UNKNOWN: Final = re.compile(
    r"(?i)\b(?:unknown|undetermined|undeterminable|can(?:['’]t|not| not)|could not|not (?:enough|known|"
    r"answerable|sure|clear|specified|stated|mentioned|possible|determinable)|insufficient|unclear|no (?:way|"
    r"answer|information)|neither|nobody|not be determined|don['’]t know|do not know|impossible|depends|"
    r"either|both)\b"
)
