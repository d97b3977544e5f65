"""The numbers of a text, in digits or in words, and what they measure or count."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from collections.abc import Generator

from libs.text.words import STOPWORDS, stem, words

_ONES = {
    name: value
    for value, name in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen""".split()
    )
}
_TENS = {
    name: 10 * value
    for value, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
NUMBER_WORDS = frozenset(_ONES) | frozenset(_TENS) | {"hundred"}
# "One of the reasons" counts nothing.
_PRONOUN_NUMBERS = frozenset({"one", "zero"})
_DIGIT = "one|two|three|four|five|six|seven|eight|nine"
_SINGLE = "|".join(sorted((*_TENS, *_ONES), key=len, reverse=True))
_UNDER_HUNDRED = rf"(?:(?:{'|'.join(_TENS)})[\s-](?:{_DIGIT})|{_SINGLE})"
_SPELT = re.compile(
    rf"\b(?:(?P<hundreds>{_DIGIT})[\s-]hundred(?:[\s-](?:and[\s-])?(?P<rest>{_UNDER_HUNDRED}))?"
    rf"|(?P<tens>{'|'.join(_TENS)})[\s-](?P<ones>{_DIGIT}))\b(?!['’-])",
    re.IGNORECASE,
)
ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
# The digits of B12 or v1.2 are part of a code, no number of their own.
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)*")

# A sign belongs to its number unless it joins it to what stands before: "10-20", "F-16", "10 - 20".
_SIGNED = re.compile(
    r"(?<![\w%°)])(?<!\d\s)(?:[-−]|\b(?:minus|negative)\s)[$€£]?(?P<number>\d[\d,]*(?:\.\d+)?)", re.IGNORECASE
)
_BELOW_ZERO = re.compile(
    r"(?<![\w.])(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?:°\s?[CF]?|degrees?(?: celsius| fahrenheit)?)?\s?"
    r"below (?:zero|freezing)\b",
    re.IGNORECASE,
)

_UNITS = {
    word: unit
    for unit, names in {
        "percent": "% percent percentage",
        "dollar": "$ usd dollar dollars",
        "euro": "€ eur euro euros",
        "pound": "£ gbp pound pounds",
        "second": "s sec secs second seconds",
        "millisecond": "ms millisecond milliseconds",
        "minute": "min mins minute minutes",
        "hour": "h hr hrs hour hours hourly",
        "day": "day days daily",
        "week": "week weeks weekly",
        "month": "month months monthly",
        "year": "year years yearly annually",
        "thousand": "thousand thousands k",
        "million": "million millions m",
        "billion": "billion billions bn",
        "byte": "byte bytes",
        "kb": "kb kib kilobyte kilobytes",
        "mb": "mb mib megabyte megabytes",
        "gb": "gb gib gigabyte gigabytes",
        "tb": "tb tib terabyte terabytes",
        "km": "km kilometer kilometers kilometre kilometres",
        "mile": "mile miles",
        "meter": "meter meters metre metres",
        "kg": "kg kilogram kilograms",
        "gram": "g gram grams",
        "mg": "mg milligram milligrams",
    }.items()
    for word in names.split()
}
_QUANTITY = re.compile(r"(?P<before>[$€£])?\s?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)[\s-]?(?P<after>%|[A-Za-z]+)?")
MEASURE = re.compile(r"\d+(?:\.\d+)?-?(?:" + "|".join(word for word in _UNITS if word.isalpha()) + r")")

# What may stand between a number and what it counts: "one full week".
_BETWEEN = frozenset(
    """additional business calendar consecutive different extra free full more new paid separate single whole working
    """.split()
)
_EACH_ONE = frozenset("a an each every per single".split())


def numbers_of(text: str) -> frozenset[str]:
    """Each as written most simply, with its minus; "one" and "zero" are none, whatever they count."""
    spelt = in_digits(text)
    below = {_plain(match["number"].replace(",", "")) for match in _negative(spelt)}
    rest = _BELOW_ZERO.sub(" ", _SIGNED.sub(" ", spelt))
    found = {number for word in words(rest) for number in numbers(word.casefold())}
    return frozenset(found | {f"-{number}" for number in below if number != "0"})


def _negative(text: str) -> list[re.Match[str]]:
    return [*_SIGNED.finditer(text), *_BELOW_ZERO.finditer(text)]


def in_digits(text: str) -> str:
    """The text with "twenty-five" and "two hundred and ten" as 25 and 210; single words stay."""
    return _SPELT.sub(_value, text)


def _value(match: re.Match[str]) -> str:
    if match["tens"]:
        return str(_TENS[match["tens"].casefold()] + _ONES[match["ones"].casefold()])
    rest = re.split(r"[\s-]", (match["rest"] or "zero").casefold())
    return str(100 * _ONES[match["hundreds"].casefold()] + sum(_TENS.get(one) or _ONES.get(one, 0) for one in rest))


def numbers(word: str) -> list[str]:
    """Those of a lower-case word."""
    if word in _PRONOUN_NUMBERS:
        return []
    if word in NUMBER_WORDS:
        return [str(_ONES.get(word, _TENS.get(word, 100)))]
    ordinal = ORDINAL.fullmatch(word)
    if ordinal:
        return [ordinal.group(1)]
    return [_plain(number) for number in _NUMBER.findall(word)]


def _plain(number: str) -> str:
    """A number as written most simply: 01.50 is 1.5; a version such as 1.2.3 stays."""
    if number.count(".") > 1:
        return number
    whole, _, fraction = number.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def quantities(text: str) -> frozenset[tuple[str, str]]:
    """Every number that has a unit, with it."""
    found: set[tuple[str, str]] = set()
    for match in _QUANTITY.finditer(text):
        number = _plain(match["number"].replace(",", ""))
        for symbol in (match["before"], match["after"]):
            unit = _UNITS.get(symbol.casefold()) if symbol else None
            if unit:
                found.add((number, unit))
    return frozenset(found)


def unit_of(word: str) -> str | None:
    """The unit that a word or sign stands for, by its name in the singular."""
    return _UNITS.get(word.casefold())


def counted(text: str, things: frozenset[str], within: int) -> dict[str, set[str]]:
    """The numbers that stand at most `within` words before one of the things, under its stem; none of a unit's."""
    every = [word.casefold() for word in words(text)]
    found: dict[str, set[str]] = {}
    for index, word in enumerate(every):
        here = numbers(word)
        after = every[index + 1 : index + 1 + within]
        if after and after[0] in _UNITS:
            continue
        thing = next((one for one in map(stem, after) if one in things), None)
        if here and thing:
            found.setdefault(thing, set()).update(here)
    return found


def counts(text: str) -> frozenset[tuple[str, str]]:
    """Each number with the stem of what follows it at once; "a week" and "one week" are 1."""
    return frozenset(_before_things(text, {"one": "1", "zero": "0"} | dict.fromkeys(_EACH_ONE, "1"), every_number=True))


def ones(text: str) -> frozenset[tuple[str, str]]:
    """The same of the words "one" and "zero" alone; "one of", "no one" and "one another" count nothing."""
    return frozenset(_before_things(text, {"one": "1", "zero": "0"}, every_number=False))


def _before_things(text: str, said: dict[str, str], *, every_number: bool) -> Generator[tuple[str, str]]:
    every = [word.casefold() for word in words(in_digits(text))]
    for index, word in enumerate(every):
        here = [said[word]] if word in said else numbers(word) if every_number else []
        thing = next((one for one in every[index + 1 :] if one not in _BETWEEN), "")
        if here and thing.isalpha() and thing not in STOPWORDS and every[max(0, index - 1)] not in ("no", "any"):
            yield from ((number, stem(thing)) for number in here)
