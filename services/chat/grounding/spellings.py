"""How languages other than English spell numbers: what text2num doesn't know of them, and what it takes for one."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Spelling:
    """How one language spells numbers; patterns are of whole words.

    `scales` may follow digits, which `groups` parts by thousands. Of `ones`, which are articles too, and `zero` digits
    are made only before a unit. `doubtful` words are cardinals before a unit alone ("neuf jours", not "un vélo neuf")
    and where `counting` fits them between their neighbours ("a neuf employés"); they are ordinals between an article
    and a word alone, as are `ordinals`, which text2num doesn't know. `joints` stand between two numbers, never within
    one. `instead` says what a pattern is read as.

    `halved` stands before a dozen or a million of which it is half. `half` follows what there is one more half of ("un
    an et demi"); `with_half` and `adjective` have their number in the group `whole`, or are one and a half where there
    is a group `two`; the adjective keeps the group `of`.
    """

    scales: dict[str, int]
    groups: str
    ones: frozenset[str]
    zero: str
    articles: frozenset[str]
    doubtful: frozenset[str]
    ordinals: frozenset[str]
    joints: frozenset[str]
    instead: dict[str, str]
    dozen: str
    digit_ordinal: str
    halved: str
    counting: str = ""
    half: str = ""
    with_half: str = ""
    adjective: str = ""


def _spelling(
    scales: dict[int, str],
    *,
    ones: str,
    zero: str,
    articles: str,
    dozen: str,
    digit_ordinal: str,
    halved: str,
    doubtful: str = "",
    ordinals: str = "",
    joints: str = "",
    instead: dict[str, str] | None = None,
    groups: str = r"[.\u00a0\u202f]",
    **patterns: str,
) -> Spelling:
    return Spelling(
        scales={word: size for size, listed in scales.items() for word in listed.split()},
        groups=groups,
        ones=frozenset(ones.split()),
        zero=zero,
        articles=frozenset(articles.split()),
        doubtful=frozenset(doubtful.split()),
        ordinals=frozenset(ordinals.split()),
        joints=frozenset(joints.split()),
        instead=instead or {},
        dozen=dozen,
        digit_ordinal=digit_ordinal,
        halved=halved,
        **patterns,
    )


def _about(one: str, counted: dict[int, str]) -> dict[str, str]:
    """What "une vingtaine" is read as."""
    return {f"{one} {name}": str(number) for number, name in counted.items()}


_RAISED_LETTER = r"\.?[ºª]"

SPELLINGS = {
    "de": _spelling(
        {
            10**3: "tausend tsd",
            10**6: "million millionen mio",
            10**9: "milliarde milliarden mrd",
            10**12: "billion billionen",
        },
        ones="ein eine einem einen einer eines",
        zero="null",
        articles="""der die das dem den des im am zum zur beim vom jeder jede jedes jedem jeden ein eine einer einem
        einen""",
        doubtful="achte achten achter achtes achtem",
        joints="und",
        dozen="dutzend",
        halved=r"halbe[mnrs]?\s",
        # "3. Quartal"; a number of more digits ends its sentence.
        digit_ordinal=r"(?<!\d\d\d)\.(?=\s[A-ZÄÖÜ][a-zäöüß])",
        # Anderthalb, eineinhalb, zweieinhalbe.
        with_half=r"(?:(?P<two>anderthalb)|(?P<whole>[a-zäöüß]+?)einhalb)e?[mnrs]?",
        # Dreimonatige, zweimal.
        adjective=r"(?P<whole>[a-zäöüß]+?)"
        r"(?P<of>(?:jährig|monatig|wöchig|tägig|stündig|minütig|prozentig|fach)(?:e[mnrs]?)?|mal)",
    ),
    "fr": _spelling(
        {10**3: "mille", 10**6: "million millions", 10**9: "milliard milliards", 10**12: "billion billions"},
        ones="un une",
        zero="zéro",
        articles="le la les du des au aux son sa leur chaque",
        doubtful="neuf neufs cents",
        ordinals="second seconde",
        instead={"pour[ -]cent": "%"}
        | _about(
            "une",
            {10: "dizaine", 15: "quinzaine", 20: "vingtaine", 30: "trentaine", 50: "cinquantaine", 100: "centaine"},
        )
        | _about("un", {1000: "millier"}),
        groups=r"[ .\u00a0\u202f]",
        # "Ils sont neuf": new ones would be "neufs".
        counting=r"\S* neuf (?!(?:après|dès|hors|jamais|moins|parfois|toujours)$)\w+[sx]"
        r"|(?:sont|étaient|seront|sommes|étions) neuf ",
        dozen="douzaines?",
        halved=r"demi[ -]",
        digit_ordinal=r"(?:er|[èe]re|e|[èe]mes?|nde?)",
        half="et demie?",
    ),
    "es": _spelling(
        {10**3: "mil", 10**6: "millón millones", 10**12: "billón billones"},
        ones="un una uno",
        zero="cero",
        articles="el la los las del al su",
        doubtful="cuarto cuarta quinto quinta",
        ordinals="segundo segunda",
        instead={"por ciento": "%", "veintiún": "veintiuno", "primer": "primero", "tercer": "tercero"}
        | _about("una", {10: "decena", 15: "quincena", 20: "veintena", 100: "centena"})
        | _about("un", {100: "centenar", 1000: "millar"}),
        dozen="docenas?",
        halved=r"medi[ao]\s",
        digit_ordinal=_RAISED_LETTER,
        half="y medi[ao]",
    ),
    "it": _spelling(
        {10**3: "mila mille", 10**6: "milione milioni mln", 10**9: "miliardo miliardi mld"},
        ones="un una uno un' un’",
        zero="zero",
        articles="""il lo la i gli le del dello della dei degli delle al allo alla nel nella dal dalla sul sulla ogni
        suo sua""",
        doubtful="sei secondo seconda secondi seconde primo prima primi prime quarto quarta",
        instead={"per ?cento": "%"}
        | _about("una", {10: "decina", 15: "quindicina", 20: "ventina", 30: "trentina", 50: "cinquantina"})
        | _about("un", {100: "centinaio", 1000: "migliaio"}),
        counting=r"\S* sei \w+i"
        r"|(?:a|al|alle|con|da|dalle|delle|di|entro|fra|ha|hanno|in|le|nelle|per|sono|su|tra) sei \w+"
        # "Sono sei": nobody says that they are that you are.
        r"|sono sei ",
        dozen="dozzin[ae]",
        halved=r"mezz[ao]\s",
        digit_ordinal=_RAISED_LETTER,
        half="e mezz[ao]",
    ),
    "nl": _spelling(
        {10**3: "duizend", 10**6: "miljoen mln", 10**9: "miljard mld", 10**12: "biljoen"},
        ones="een één",
        zero="nul",
        articles="de het elke elk iedere ieder zijn haar hun",
        doubtful="acht achten",
        joints="en",
        counting=r"(?!in )\S* acht (?!(?:geven|slaan)$)\w+(?:en|s)",
        dozen="dozijn",
        halved=r"(?:half|halve)\s",
        digit_ordinal="(?:e|ste|de)",
        # Anderhalf, tweeënhalve, drieëneenhalf.
        with_half=r"(?:(?P<two>anderhal)|(?P<whole>[a-zéë]+?)[eë]n(?:een)?hal)(?:f|ve)",
        # Driemaandelijkse, viermaal.
        adjective=r"(?P<whole>[a-zéë]+?)"
        r"(?P<of>(?:jarig|maandelijks|wekelijks|weeks|daags|urig|voudig)e?|maal|voud)",
    ),
    "pt": _spelling(
        {10**3: "mil", 10**6: "milhão milhões", 10**9: "bilhão bilhões", 10**12: "bilião biliões"},
        ones="um uma",
        zero="zero",
        articles="o a os as do da dos das no na ao à pelo pela seu sua cada",
        doubtful="segundo segunda segundos segundas terça quarto quarta quartos quinta sexta oitava",
        instead={"por cento": "%"}
        | _about("uma", {10: "dezena", 15: "quinzena", 20: "vintena", 100: "centena"})
        | _about("um", {1000: "milhar"}),
        dozen="dúzias?",
        halved=r"mei[ao]\s",
        digit_ordinal=_RAISED_LETTER,
        half="e mei[ao]",
    ),
}


@lru_cache
def ones_said(language: str) -> dict[str, str]:
    """The words for one and for nothing that `number_words` leaves, which may be articles, each with its digit."""
    spelling = SPELLINGS.get(language)
    return dict.fromkeys(spelling.ones, "1") | {spelling.zero: "0"} if spelling else {}
