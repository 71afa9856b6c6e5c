"""English given names and what their bearers are called: made by hand from common usage, no list of others."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

_GROUPS = """
abigail abby gail|abraham abe bram|albert al bert bertie|alexander alex alec sandy xander|alexandra alex
sandra lexi|alfred al alf fred|alice ali|allen al|alison ali allie|amanda mandy|amelia amy millie|andrew
andy drew|angela angie|ann anna anne annie nan nancy|anthony tony|antonio tony|arthur art artie|barbara
barb barbie babs|beatrice bea trixie|benjamin ben benny benji|bernard bernie|bridget bridie biddy|bradley
brad|calvin cal|cameron cam|carolyn carol carrie|caroline carol carrie lina|catherine kathryn katherine
cathy kathy kate katie kay kitty kit|cecilia cece celia|charles charlie chuck chas chip|charlotte lottie charlie
| christina christine chris chrissie tina christy kristina|christopher chris kit topher|cynthia cindy|clifford
cliff|clinton clint|cornelius neil|curtis curt|daniel dan danny|danielle dani|david dave davy|deborah
deb debbie debra|dennis denny|diana diane di|dominic dom nick|donald don donnie|dorothy dot dottie dolly |
douglas doug|edward ed eddie ned ted teddy|edwin ed eddie|eleanor ellie nell nora lenore|elizabeth beth betty
betsy bess liz lizzie eliza lisa libby elsie|emily em emmy|emma em|ernest ernie|esther essie|eugene gene |
eva eve|evelyn evie|florence flo flossie|frances fran frannie|francis frank fran|francisco paco pancho frank
| franklin frank|frederick fred freddie rick|gabriel gabe|gabrielle gabby|gerald gerry jerry|gilbert gil
bert|george georgie|gertrude gert trudy|grace gracie|gregory greg|guillermo memo|gwendolyn gwen|harold
hal harry|harriet hattie|helen nell nellie|henry hank harry hal|herbert herb bert|howard howie|hubert hugh
bert|ignacio nacho|irene rene|isaac ike|isabella isabel bella izzy|jacob jake|jacqueline jackie|james
jim jimmy jamie jem|jane janie jenny|janet jan|jason jay|jeffrey geoffrey jeff geoff|jennifer jen jenny |
jeremiah jerry|jeremy jerry|jerome jerry|jesse jess|jessica jess jessie|jesus chuy|joan joanie|joanna
joanne jo|john jack johnny jock|jonathan jon jonny nathan|jose pepe joe|joseph joe joey jos|josephine jo
josie|joshua josh|judith judy|julia julie|julian jules|katrina kat trina|kenneth ken kenny|kimberly kim
| kristen kris|lawrence laurence larry lars|leonard len lenny leo|leonardo leo|leroy roy|leslie les |
lillian lily lil|louis lou lewis louie|louise lou|lucille lucy|luis lucho|madeline maddie|manuel manny |
margaret maggie meg peggy marge margie greta rita daisy peg|maria mary|marjorie marge margie|martha marty mattie
| martin marty|mary molly polly mamie|matilda tilly mattie|matthew matt|maurice morris|maxwell max|megan
meg|melanie mel|melissa mel lissa missy|melvin mel|michael mike mick mickey mikey|michelle shelly|mildred
millie|mitchell mitch|mohammed muhammad mohamed mohammad|nancy nan|natalie nat|natasha tasha|nathan nate |
nathaniel nate nathan nat|nicholas nick nicky nicolas|nicole nicky niki|norman norm|oliver ollie|olivia liv
livvy|oscar ozzie|pamela pam|patricia pat patty tricia trish|patrick pat paddy|peter pete|philip phillip
phil|phyllis phil|priscilla cilla|rachel rae|ralph ralphie|randall randolph randy|raymond ray|rebecca
becky becca|regina gina|reginald reg reggie|richard rick dick rich richie ricky|robert bob bobby rob robbie
bert|roberta bobbie|roderick rod|rodney rod|roger rodge|roland rollie|ronald ron ronnie|rosemary rose
rosie|roxanne roxy|russell russ|salvador sal|samantha sam|samuel sam sammy|sandra sandy|sara sarah sally
| sebastian seb bastian|sharon shari|shirley shirl|sidney sid|solomon sol|sophia sophie|stanley stan |
stephanie steph|stephen steven steve stevie|stuart stewart stu|susan sue susie suzie|suzanne sue suzy |
sylvester sly|sylvia syl|tamara tammy|terence terry|teresa theresa terry tess tessa|thaddeus thad|theodore
ted teddy theo|thomas tom tommy|timothy tim timmy|valerie val|vanessa nessa|veronica ronnie vera|victor
vic|victoria vicky tori|vincent vince vinny|virginia ginny ginger|vivian viv|wallace wally|walter walt
wally|warren ren|wesley wes|wilhelmina mina willa|william bill billy will willie liam|winifred winnie |
yolanda yoli|zachary zach zack
"""

SHORT_FORMS: NDArray[np.bool_]
"""Whether the one name is used for the other, by their places. Not transitive: Bob is Robert, and so is Bert, but Bert
is not Bob."""

NICKNAME_PLACES: dict[str, int] = {}
"""Name → its place in `SHORT_FORMS`; 0 is every name that is not here."""

_pairs = []
for _group in _GROUPS.split("|"):
    _formal, *_short = _group.split() or [""]
    for _name in _short:
        _pairs.append([NICKNAME_PLACES.setdefault(name, len(NICKNAME_PLACES) + 1) for name in (_formal, _name)])

SHORT_FORMS = np.zeros((len(NICKNAME_PLACES) + 1, len(NICKNAME_PLACES) + 1), bool)
for _one, _other in _pairs:
    SHORT_FORMS[_one, _other] = SHORT_FORMS[_other, _one] = True

_names = list(NICKNAME_PLACES)
_used: defaultdict[str, set[str]] = defaultdict(set)
for _one, _other in _pairs:
    _used[_names[_one - 1]].add(_names[_other - 1])
    _used[_names[_other - 1]].add(_names[_one - 1])

ALSO_CALLED: dict[str, frozenset[str]] = {name: frozenset(others) for name, others in _used.items()}
"""Name → the names used for its bearers, whichever of the two the records have."""
