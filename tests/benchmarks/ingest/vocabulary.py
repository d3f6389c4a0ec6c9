"""The words of the benchmark's prose, commonest first, and the forms they take in sentences."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOUNS = _words("""
time year person way day thing man world life hand part child eye woman place work week case point
company number group problem fact order customer invoice price question answer report market system
service product contract team account payment change area money story result morning idea body
information parent face level office door health policy process music reason history research girl
guy moment teacher education letter road house form season party room friend power hour game line
member law car city community name president minute kid issue side kind head job business night
window water school state family student country program model document engine request response
trace token paragraph clause warehouse supplier shipment harbour carrier parcel return refund ticket
agent manager director engineer nurse doctor patient clinic hospital ward surgeon pharmacy medicine
dose symptom illness treatment therapy insurance claim premium accident damage witness court judge
lawyer verdict appeal sentence crime police officer suspect evidence prison border passport visa
embassy minister parliament election vote candidate campaign budget tax subsidy deficit loan bank
branch deposit interest mortgage tenant landlord rent apartment kitchen bathroom roof cellar garden
fence orchard field farm farmer harvest wheat barley cattle sheep horse dairy cheese butter bread
bakery oven recipe spoon knife plate bottle glass cup tea coffee sugar salt pepper onion potato
tomato carrot apple pear cherry lemon orange river stream lake pond shore beach island mountain
valley hill forest tree branch leaf root flower seed soil stone sand clay dust storm wind rain snow
frost cloud sun moon star planet orbit telescope satellite rocket sensor signal antenna radio cable
battery charger motor pump valve pipe boiler turbine generator transformer bridge tunnel railway
station platform train carriage tram bus driver passenger luggage airport runway aircraft pilot crew
ship captain sailor anchor sail cargo container crane dock ferry bicycle helmet wheel brake gear
chain screw bolt hammer saw drill ladder paint brush canvas gallery museum statue sculptor painter
portrait sketch exhibition theatre actor stage audience orchestra violin piano guitar drum singer
choir concert melody rhythm poem poet novel chapter author editor publisher library shelf catalogue
archive manuscript newspaper journalist headline interview magazine photograph camera lens film
festival award prize medal champion athlete coach stadium match goal league season tournament race
runner swimmer climber rope tent trail map compass journey traveller hotel guest receptionist
breakfast menu waiter chef restaurant reservation bill tip receipt discount coupon brand logo
advert slogan survey sample statistic percentage average median trend forecast estimate error
measurement instrument laboratory experiment hypothesis theory proof formula equation variable
function parameter matrix vector graph node edge cluster index query table column row schema
database server client network router packet protocol firewall password account permission role
session cookie header field value string integer buffer queue thread process kernel memory cache
disk partition backup snapshot replica log metric alert incident outage latency throughput deadline
schedule calendar meeting agenda minute decision proposal draft review comment revision release
version feature defect test suite coverage benchmark baseline target threshold margin profit revenue
turnover expense salary bonus pension employee employer union strike vacancy applicant interview
qualification certificate diploma degree lecture seminar professor campus scholarship tuition
homework exercise lesson grammar vocabulary dialect accent translation dictionary alphabet
""")

VERBS = _words("""
make take see come know get give find think tell become show leave feel put bring begin keep hold
write stand hear let mean set meet run pay sit speak lie lead read grow lose fall send build
understand draw break spend cut rise drive buy wear choose ask need use work call try want seem help
talk turn start play move like live believe happen include continue change watch follow stop create
open walk offer remember love consider appear wait serve die expect stay report decide pull return
explain hope develop carry receive agree support hit produce eat cover catch describe deliver
inspect repair replace measure compare estimate confirm reject approve cancel renew extend suspend
restore archive migrate deploy restart configure monitor record sample compress encrypt validate
parse render schedule allocate release acquire lease sell trade import export insure deduct refund
invoice audit forecast negotiate settle dispute appeal testify accuse acquit arrest search question
examine diagnose prescribe inject operate recover bleed heal nurse feed harvest plough sow mill bake
boil fry roast chop peel stir pour taste swallow paint carve sketch frame hang exhibit compose
rehearse perform applaud publish edit translate quote print bind borrow lend catalogue photograph
film broadcast interview investigate reveal conceal deny admit apologise promise threaten warn
persuade invite refuse accept greet introduce celebrate mourn marry divorce inherit donate volunteer
teach study revise fail pass graduate enrol train coach compete defeat score climb swim row sail
steer dock load unload pack wrap ship mail fly land depart arrive board travel explore map survey
dig drill weld bolt saw hammer polish clean sweep wash dry fold iron sew knit weave dye
""")

ADJECTIVES = _words("""
new good first last long great little own other old right big high different small large next early
young important few public bad same able certain late clear recent open full special short free
single strong sure red difficult whole common poor natural simple hot cold final main green nice huge
popular traditional cultural local federal legal medical financial technical digital annual monthly
weekly daily quiet noisy bright dark pale deep shallow narrow wide heavy light thick thin rough
smooth soft hard wet dry clean dirty fresh stale ripe raw sweet sour bitter salty cheap expensive
rare frequent regular sudden gradual steady rapid slow gentle fierce brave timid proud humble polite
rude honest careful careless patient eager reluctant curious cautious generous stingy loyal jealous
lonely cheerful gloomy calm anxious tired healthy ill pregnant elderly wooden metallic electric
hydraulic nuclear solar coastal rural urban suburban northern southern eastern western foreign
domestic national regional royal military civil criminal academic practical theoretical statistical
marginal median average typical unusual strange familiar obvious subtle complete partial missing
broken faulty spare idle busy crowded empty vacant hollow solid liquid frozen molten transparent
opaque fragile robust flexible rigid sharp blunt crooked straight parallel vertical horizontal
circular square shallow distant nearby adjacent remote central outer inner upper lower previous
current future ancient medieval modern temporary permanent optional mandatory valid invalid
confidential anonymous redundant concurrent sequential asynchronous compressed encrypted
""")

ADVERBS = _words("""
still already often never always usually sometimes quickly slowly carefully recently finally nearly
almost probably certainly perhaps rather quite simply clearly quietly suddenly eventually rarely
gradually occasionally deliberately automatically reluctantly politely roughly precisely officially
apparently apart together abroad upstairs elsewhere yesterday today tomorrow twice once again soon
""")

PREPOSITIONS = _words("""
of in to for with on at from by about into over after under between through during before against
without within behind beyond beside along across above below near towards despite since until
""")

CONJUNCTIONS = _words("and but because while although when since if so whereas unless before after")

DETERMINERS = _words("""
the the the the the the a a a this that each every some any no another our their her his its your my
most several
""")

PRONOUNS = _words("it they we she he I you everyone nobody someone this that which most")

AUXILIARIES = _words("""
will would can could should may might must did has had was is has been will be had been could have
""")

MONTHS = _words("""
January February March April May June July August September October November December
""")

UNITS = _words("""
kilometres metres tonnes kilograms litres hours minutes seconds days weeks euros dollars pounds
percent degrees pages rows tokens requests gigabytes milliseconds kilowatts joules
""")

MODELS = (
    "qwen3-8b-instruct", "llama-3.3-70b-instruct", "gpt-4o-mini", "mistral-small-3.2",
    "gpt-4o", "claude-sonnet-4-5",
)  # fmt: skip

ONSETS = _words("""
b br bl c ch cl cr d dr f fl fr g gl gr h j k kl kr l m n p ph pl pr qu r s sc sh sk sl sm sn sp st
str sw t th tr tw v w wh z
""")
VOWELS = _words("a e i o u ai au ea ee ei ia ie io oa oo ou")
CODAS = _words("""
b ck d f g k l ld lf lk ll lm ln m mp n nd ng nk nt p r rd rk rl rm rn rt s sh sk ss st t th v x
""")
