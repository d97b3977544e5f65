"""What is put in digits around text2num: scales behind digits, halves, dozens, "3. Quartal", "dreimonatig"."""

import importlib
import re
from collections.abc import Callable, Generator, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from services.chat.grounding.dates import month_of
from services.chat.grounding.spellings import SPELLINGS, Spelling

_text2num: Any = importlib.import_module("text_to_num")

_MILLION = 10**6
_DOZEN = 12
_SEVERAL = 2
_ABBREVIATED = frozenset({"tsd", "mio", "mrd", "mln", "mld"})
_DIGIT = re.compile(r"\d")
_MONTH_BEHIND = re.compile(r"\s(?:(?:de|di)\s)?(?P<word>[^\W\d_]+)")

_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def beforehand(text: str, language: str) -> str:
    """The text, of a language of SPELLINGS, as text2num can read it."""
    if _DIGIT.search(text):
        text = _applied(_rules_of_digits(language), text)
    return _applied(_rules_of_words(language), text)


def afterwards(text: str, language: str) -> str:
    """The text with what its digits, now that they are there, are many of."""
    return _applied(_rules_afterwards(language), text)


def _applied(rules: tuple[_Rule, ...], text: str) -> str:
    for pattern, put in rules:
        text = pattern.sub(put, text)
    return text


@lru_cache
def _rules_of_digits(language: str) -> tuple[_Rule, ...]:
    told = SPELLINGS[language]
    # With its case: "3. Quartal".
    ordinal = re.compile(rf"(?<![\w.,])(?P<number>\d+){told.digit_ordinal}(?![^\W_])")
    return _scaled(told), (ordinal, _ordinal)


@lru_cache
def _rules_of_words(language: str) -> tuple[_Rule, ...]:
    told = SPELLINGS[language]

    def rules() -> Generator[_Rule]:
        for said, read in told.instead.items():
            yield _rule(rf"\b{said}\b", lambda _, read=read: read)
        yield _halves(told)
        if told.with_half:
            yield _rule(rf"\b{told.with_half}\b", lambda match: _halved(match, language))
        if told.adjective:
            yield _rule(rf"\b{told.adjective}\b", lambda match: _described(match, language))

    return tuple(rules())


@lru_cache
def _rules_afterwards(language: str) -> tuple[_Rule, ...]:
    told = SPELLINGS[language]
    # "Un'ora", but not the beginning of "uniforme".
    one = "|".join(re.escape(word) + (r"\b" if word.isalpha() else "") for word in told.ones)
    number = rf"(?<![\w.,])(?P<number>\d+|{one})"
    large = "|".join(word for word, size in told.scales.items() if size >= _MILLION)
    ones = _rule(
        rf"(?<![\w.,])(?:{one})\s(?P<scale>{large})\b", lambda match: str(told.scales[match["scale"].casefold()])
    )
    dozens = _rule(rf"{number}\s{told.dozen}\b", lambda match: str(_DOZEN * _counted(match)))
    # "Zwei Mio." and "zweieinhalb Millionen" are digits with a scale by now.
    rules = _scaled(told), ones, dozens
    if not told.half:
        return rules
    half = _rule(
        rf"{number}(?P<of>\s?[^\W\d_]+)?\s{told.half}\b", lambda match: _and_a_half(match, told.scales.values())
    )
    return *rules, half


def _rule(pattern: str, put: Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern, re.IGNORECASE), put


def _halves(told: Spelling) -> _Rule:
    """Of half a dozen, and half a million."""
    large = "|".join(word for word, size in told.scales.items() if size >= _MILLION)

    def put(match: re.Match[str]) -> str:
        scale = match["scale"]
        return str((told.scales[scale.casefold()] if scale else _DOZEN) // 2)

    # Not of "dos y medio millones".
    not_and = r"(?<!\be\s)(?<!\by\s)(?<!\bet\s)"
    return _rule(rf"{not_and}\b{told.halved}(?:{told.dozen}|(?P<scale>{large}))\b", put)


def _scaled(told: Spelling) -> _Rule:
    """Of digits with a scale: "1,5 Mio.", "20 mil"."""
    scale = "|".join(
        rf"{word}\.?" if word in _ABBREVIATED else word for word in sorted(told.scales, key=len, reverse=True)
    )

    def put(match: re.Match[str]) -> str:
        number = re.sub(told.groups, "", match["number"]) if match["grouped"] else match["number"]
        size = 1
        for word in match["scales"].split():
            size *= told.scales.get(word.casefold().rstrip("."), _MILLION)
        return _plainly(Decimal(number.replace(",", ".")) * size)

    # Of a row of figures without an end, the time would grow with the square.
    return _rule(
        rf"(?<![\w.,])(?P<number>(?P<grouped>\d{{1,3}}(?:{told.groups}\d{{3}}){{1,6}}(?:,\d+)?)|\d+(?:,\d+|\.\d{{1,2}})?)"
        rf"\s?(?P<scales>(?:{scale})(?![^\W_])(?:\s(?:{scale})(?![^\W_]))*|(?-i:M)(?=\s?€))",
        put,
    )


def _ordinal(match: re.Match[str]) -> str:
    following = _MONTH_BEHIND.match(match.string, match.end())
    return match["number"] if following and month_of(following["word"]) else f"{match['number']}th"


def _halved(match: re.Match[str], language: str) -> str:
    whole = 1 if match["two"] else _value(match["whole"], language)
    return match.group() if whole is None else f"{whole},5"


def _described(match: re.Match[str], language: str) -> str:
    whole = _value(match["whole"], language)
    # "Einmal" and "einfach" count nothing.
    return match.group() if whole is None or whole < _SEVERAL else f"{whole}-{match['of']}"


def _and_a_half(match: re.Match[str], scales: Iterable[int]) -> str:
    counted, of = _counted(match), (match["of"] or "").strip()
    # "Deux millions et demi".
    scale = max((size for size in scales if size >= _MILLION and counted % size == 0), default=1)
    return str(counted + scale // 2) if scale > 1 and not of else f"{counted},5 {of}".rstrip()


def _counted(match: re.Match[str]) -> int:
    return int(match["number"]) if match["number"].isdecimal() else 1


def _value(word: str, language: str) -> int | None:
    try:
        return int(_text2num.text2num(word.casefold(), language))
    except ValueError:
        return None


def _plainly(number: Decimal) -> str:
    plain = f"{number:f}"
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain).replace(".", ",")
