"""The numbers of a text, in digits or in words, and what they measure or count."""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import re
from collections.abc import Generator, Sequence
from itertools import pairwise

from libs.text.stems import language_read
from libs.text.words import contentless, stem, words
from services.chat.grounding.spellings import ones_said
from services.chat.grounding.spelt import ONES, ORDINAL_WORDS, TENS, in_digits, is_number_word
from services.chat.grounding.units import unit_of

ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_DECADE = re.compile(r"(?:1[5-9]|20)\d0s")
# The digits of B12 are part of a code, no number of their own; v1.2 is version 1.2.
_NUMBER = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)*)")
# In "29,000-24,000", which is one word.
_GROUPING_COMMA = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")

# A sign belongs to its number unless it joins it to what stands before: "10-20", "F-16", "10 - 20".
_SIGNED = re.compile(
    r"(?<![\w%°)])(?<!\d\s)(?:[-−]|\b(?:minus|negative)\s)[$€£]?(?P<number>\d[\d,]*(?:\.\d+)?)", re.IGNORECASE
)
_BELOW_ZERO = re.compile(
    r"(?<![\w.])(?<!\d,)(?P<number>\d[\d,]*(?:\.\d+)?)\s?(?:°\s?[CF]?|degrees?(?: celsius| fahrenheit)?)?\s?"
    r"below (?:zero|freezing)\b",
    re.IGNORECASE,
)

_QUANTITY = re.compile(r"(?P<before>[$€£])?\s?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)[\s-]?(?P<after>%|[^\W\d_²³]+)?")
# What may stand between a number and what it counts: "one full week".
_BETWEEN = frozenset(
    """additional business calendar consecutive different extra free full more new paid separate single whole working
    """.split()
)
_FARTHEST = 8
# "D'un an".
_ELIDED = re.compile(r"^[a-z]{1,2}['’](?=[^\W\d_])")
_EACH_ONE = frozenset("a an each every per single".split())


def numbers_of(text: str) -> frozenset[str]:
    """Each as written most simply, with its minus; "one" and "zero" are none, whatever they count."""
    return numbers_in(in_digits(text))


def numbers_in(digits: str) -> frozenset[str]:
    """The same of a text whose numbers are in digits."""
    below = {_plain(match["number"].replace(",", "")) for match in _negative(digits)}
    rest = _BELOW_ZERO.sub(" ", _SIGNED.sub(" ", digits))
    found = {number for word in words(rest) for number in numbers(word.casefold())}
    return frozenset(found | {f"-{number}" for number in below if number != "0"})


def _negative(text: str) -> list[re.Match[str]]:
    return [*_SIGNED.finditer(text), *_BELOW_ZERO.finditer(text)]


def numbers(word: str) -> list[str]:
    """Those of a lower-case word."""
    if is_number_word(word):
        return [str(ONES.get(word, TENS.get(word, 100)))]
    if word.isalpha():
        return []
    if _DECADE.fullmatch(word):
        return [word]
    ordinal = ORDINAL.fullmatch(word)
    if ordinal:
        return [ordinal.group(1)]
    return [_plain(number) for number in _NUMBER.findall(_GROUPING_COMMA.sub("", word))]


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
            unit = unit_of(symbol) if symbol else None
            if unit:
                found.add((number, unit))
    return frozenset(found)


def counted(text: str, things: frozenset[str], within: int) -> dict[str, set[str]]:
    """The numbers that stand at most `within` words before one of the things, under its stem; none of a unit's."""
    every = [word.casefold() for word in words(text)]
    found: dict[str, set[str]] = {}
    for index, word in enumerate(every):
        here = numbers(word)
        after = every[index + 1 : index + 1 + within]
        if after and unit_of(after[0]):
            continue
        thing = next((one for one in map(stem, after) if one in things), None)
        if here and thing:
            found.setdefault(thing, set()).update(here)
    return found


def counts(every: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Each number with what follows it at once, its unit or its stem; "a week" and "one week" are 1.

    As below, `every` are the lower-case words of a text whose numbers are in digits.
    """
    said = {"one": "1", "zero": "0"} | dict.fromkeys(_EACH_ONE, "1") | ones_said(language_read())
    return frozenset(_before_things(every, said, every_number=True))


def ones(every: Sequence[str]) -> frozenset[tuple[str, str]]:
    """The same of the words "one" and "zero" alone; "one of", "no one" and "one another" count nothing.

    Digits and the words of another language, which are articles too, count only units.
    """
    words_of_units = {"1": "1", "0": "0"} | ones_said(language_read())
    return frozenset(_before_things(every, {"one": "1", "zero": "0"}, every_number=False)) | {
        (number, thing)
        for number, thing in _before_things(every, words_of_units, every_number=False)
        if unit_of(thing) == thing
    }


def _before_things(every: Sequence[str], said: dict[str, str], *, every_number: bool) -> Generator[tuple[str, str]]:
    for index, whole in enumerate(every):
        word = _ELIDED.sub("", whole)
        here = [said[word]] if word in said else numbers(word) if every_number else []
        if not here:
            continue
        thing = next((one for one in every[index + 1 : index + _FARTHEST] if one not in _BETWEEN), "")
        if thing.isalpha() and thing not in contentless() and every[max(0, index - 1)] not in ("no", "any"):
            yield from ((number, unit_of(thing) or stem(thing)) for number in here)


def ordinals(every: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Each "second" or "2nd" as 2, with the stem of what follows it at once."""
    found: set[tuple[str, str]] = set()
    for word, thing in pairwise(every):
        digits = ORDINAL.fullmatch(word) if word[0].isdigit() else None
        number = digits.group(1) if digits else ORDINAL_WORDS.get(word)
        if number and thing.isalpha() and thing not in contentless():
            found.add((number, stem(thing)))
    return frozenset(found)
