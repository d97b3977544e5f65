"""What a number bounds ("at least 12") and what there are so many of for each ("per month", "yearly"), by language."""

import re
from dataclasses import dataclass
from functools import cache

from libs.text.stems import ENGLISH, language_read, stem
from libs.text.words import words
from services.chat.grounding.units import TIMES, unit_of

LEAST, MOST = "least", "most"
_BOUNDED = r"[$€£]?\s?[\w,.]+"
_NUMBER = r"(?:[$€£]\s?)?(?:\d[\d,.]*|one|two|three|four|five|six|seven|eight|nine|ten|twelve)"


@dataclass(frozen=True)
class _Phrases:
    """Patterns: `each` and `a` part a number from a unit of time, and `each` also from anything else. `times` are
    words that begin like this, by their unit. `between` joins the two numbers of a range. `about` stands before a
    number that may be somewhat more or less; `some` is such a number in words. In English it counts like any other.
    """

    each: str
    a: str
    times: dict[str, str]
    least: str
    most: str
    between: str
    about: str = ""
    some: str = ""


_PHRASES = {
    ENGLISH: _Phrases(
        each=r"per\s+",
        a=r"(?:each|every|an?)\s+",
        times={
            "hourly": "hour",
            "daily": "day",
            "weekly": "week",
            "monthly": "month",
            "yearly": "year",
            "annual": "year",
            "annually": "year",
        },
        least="at least|no (?:less|fewer) than|more than|over|above|minimum of",
        most="at most|no (?:more|longer) than|(?:less|fewer) than|up to|under|below|within|maximum of",
        between="to|and|or",
    ),
    "de": _Phrases(
        each=r"(?:pro|je)\s+",
        a=r"(?:jede[mnrs]?|im|am|in der|die|eine[mr]?)\s+",
        times={
            "stündlich": "hour",
            "täglich": "day",
            "wöchentlich": "week",
            "monatlich": "month",
            "jährlich": "year",
        },
        least="mindestens|wenigstens|minimal|nicht weniger als|mehr als|länger als|über",
        most="höchstens|maximal|nicht (?:mehr|länger) als|weniger als|kürzer als|bis zu|unter|innerhalb von|innert"
        "|binnen",
        between="bis|und|oder",
        about=r"rund|etwa|ungefähr|zirka|circa|ca\.|knapp|gut",
    ),
    "fr": _Phrases(
        each=r"par\s+",
        a=r"(?:(?:chaque|tous les|toutes les)\s+|l['’])",
        times={
            "horaire": "hour",
            "quotidien": "day",
            "journali": "day",
            "hebdomadaire": "week",
            "mensuel": "month",
            "annuel": "year",
        },
        least="au moins|au minimum|minimum|pas moins de|plus de",
        most="au plus|au maximum|maximum|pas plus de|moins de|jusqu['’]à|sous",
        between="à|et|ou",
        about=r"environ|quelque|près de|autour de",
        some=r"une (?:diz|quinz|vingt|trent|quarant|cinquant|soixant|cent)aine|un millier",
    ),
    "es": _Phrases(
        each=r"por\s+",
        a=r"(?:cada|al|a la)\s+",
        times={"diari": "day", "semanal": "week", "mensual": "month", "anual": "year"},
        least="al menos|por lo menos|como mínimo|mínimo|no menos de|más de",
        most="como máximo|a lo sumo|máximo|no más de|menos de|hasta",
        between="a|y|o|e",
        about=r"unos|unas|cerca de|alrededor de|aproximadamente|casi",
        some=r"una (?:dec|quinc|veint|treint|cent)ena|un centenar|un millar",
    ),
    "it": _Phrases(
        each=r"per\s+",
        a=r"(?:(?:ogni|al|alla)\s+|all['’])",
        times={
            "orari": "hour",
            "giornalier": "day",
            "settimanal": "week",
            "mensil": "month",
            "annu": "year",
        },
        least="almeno|come minimo|minimo|non meno di|più di|oltre",
        most="al massimo|massimo|non più di|meno di|fino a|entro",
        between="a|e|o",
        about=r"circa|quasi|intorno a",
        some=r"una (?:dec|quindic|vent|trent|quarant|cinquant)ina|un centinaio|un migliaio",
    ),
    "nl": _Phrases(
        each=r"per\s+",
        a=r"(?:elke?|iedere?|in de|een)\s+",
        times={"dagelijks": "day", "wekelijks": "week", "maandelijks": "month", "jaarlijks": "year"},
        least="minstens|ten minste|minimaal|niet minder dan|meer dan|langer dan",
        most="hoogstens|ten hoogste|maximaal|niet (?:meer|langer) dan|minder dan|tot|binnen",
        between="tot|en|of",
        about=r"ongeveer|circa|ca\.|zo'n|bijna|rond",
    ),
    "pt": _Phrases(
        each=r"por\s+",
        a=r"(?:cada|ao|à)\s+",
        times={"diári": "day", "semanal": "week", "mensal": "month", "mensais": "month", "anual": "year"},
        least="pelo menos|no mínimo|mínimo|não menos de|mais de",
        most="no máximo|máximo|não mais de|menos de|até",
        between="a|e|ou|até",
        about=r"cerca de|uns|umas|aproximadamente|quase|perto de",
        some=r"uma (?:dez|quinz|vint|cent)ena|um milhar",
    ),
}


def without_ranges(text: str) -> str:
    """The text without such numbers: "3 to 5 days", "between 3 and 5 days", "2 or 3 days" say none of the two."""
    return _range(language_read()).sub(" ", text)


def without_estimates(text: str) -> str:
    """The text without "environ 20" and "une vingtaine", beside which 22 can be true; an English one as it is."""
    language = language_read()
    return text if language == ENGLISH else _estimate(language).sub(" ", text)


def rates(text: str) -> frozenset[str]:
    """What the text has numbers for each of: a unit of time, or the stem of what follows "per"."""
    language = language_read()
    times = _PHRASES[language].times
    found = {unit for word in words(text.casefold()) for begun, unit in times.items() if _is_of(word, begun, language)}
    for match in _rate(language).finditer(text):
        unit = unit_of(match["of"])
        if unit in TIMES or match["each"]:
            found.add(unit or stem(match["of"].casefold()))
    return frozenset(found)


def bounds(text: str) -> list[tuple[str, str]]:
    """Each number as it is written, with LEAST or MOST as the text bounds it."""
    return [
        (match["number"].rstrip(".,"), LEAST if match["least"] else MOST)
        for match in _bound(language_read()).finditer(text)
    ]


def _is_of(word: str, begun: str, language: str) -> bool:
    return word == begun if language == ENGLISH else word.startswith(begun)


@cache
def _range(language: str) -> re.Pattern[str]:
    joint = rf"(?:[-–—]|\b(?:{_PHRASES[language].between})\b)"
    return re.compile(rf"\b(?<!\d[,.]){_NUMBER}\s?%?\s?{joint}\s?{_NUMBER}\b", re.IGNORECASE)


@cache
def _estimate(language: str) -> re.Pattern[str]:
    told = _PHRASES[language]
    some = rf"|\b(?:{told.some})\b" if told.some else ""
    return re.compile(rf"\b(?:{told.about})\s(?:CHF |Fr\. )?[$€£]?\s?\d[\w,.]*{some}", re.IGNORECASE)


@cache
def _rate(language: str) -> re.Pattern[str]:
    told = _PHRASES[language]
    return re.compile(
        rf"(?:\b(?:(?P<each>{told.each})|{told.a})|/\s?)(?:calendar |fiscal |working )?(?P<of>[^\W\d_]+)", re.IGNORECASE
    )


@cache
def _bound(language: str) -> re.Pattern[str]:
    told = _PHRASES[language]
    return re.compile(rf"\b(?:(?P<least>{told.least})|(?:{told.most}))\s+(?P<number>{_BOUNDED})", re.IGNORECASE)
