"""The kind of thing that a question asks for, and the sentences that tell one which the question hasn't told.

A passage about a matter repeats the question's words all over; only some of its sentences have a name, a date or a sum.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import pairwise

from libs.text.people import ROLES
from libs.text.stems import stem
from libs.text.words import content_stems, words
from services.generation.engines.quantities import OPENS, VERB, WHEN_ASKS, asks_for_quantity


class AnswerKind(StrEnum):
    PERSON = "person"
    DATE = "date"
    PLACE = "place"
    MONEY = "money"
    NUMBER = "number"


# What a sentence offers that has something like it: for a person, a name of one word, or a role.
PARTLY = 0.5

_PLACES = "city|continent|country|county|island|place|province|region|stadium|state|street|town|venue|village"
_SUMS = "budget|cost|fare|fee|fine|price|rent|salary|wage"
_ASKS = {
    AnswerKind.PERSON: rf"{OPENS}(?:who|whom|whose)\b|\b(?:who|whom)\W*$",
    AnswerKind.DATE: WHEN_ASKS + r"|\b(?:what|which) (?:century|date|day|decade|month|year)\b"
    r"|\bwhat(?:'s|’s| is| was) the (?:[\w-]+ )?date\b|\bdate\W*$",
    AnswerKind.PLACE: rf"{OPENS}where\b|\bwhere{VERB}|\bwhere\W*$|\b(?:what|which) (?:{_PLACES})\b",
    AnswerKind.MONEY: rf"\bhow much(?:{VERB}| money)"
    rf"|\bwhat(?:'s|’s| is| are| was| were) the (?:[\w-]+ )*?(?:{_SUMS})s?\b",
}
_ASKED = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKS.items()}

_WHEN = re.compile(r"\bwhen\b", re.IGNORECASE)

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    rf"\b(?:1\d{{3}}|20\d\d)s?\b|\bcentury\b|\b{_MONTH}\.? \d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b"
    r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:early|in|late|of|since) (?:march|may)\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
    re.IGNORECASE,
)
_MONEY = re.compile(
    r"[$€£¥]\s?\d|\b\d[\d,.]*\s?[$€£¥]|\b(?:dollars?|euros?|pounds?|cents?|francs?|yen|usd|eur|gbp|chf)\b"
    r"|\bfree(?: of charge)?\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\w*\d.*|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy"
    r"|eighty|ninety|hundreds?|thousands?|millions?|billions?|dozens?|half|once|twice|none|unlimited",
    re.IGNORECASE,
)


def kind_asked_for(question: str) -> AnswerKind | None:
    """The kind that the question's first such word asks for."""
    found = {kind: match.start() for kind, asks in _ASKED.items() if (match := asks.search(question))}
    if found:
        return min(found, key=lambda kind: found[kind])
    return AnswerKind.NUMBER if asks_for_quantity(_WHEN.sub("", question)) else None


class Offers:
    """What sentences offer of the kind that a question asks for."""

    def __init__(self, question: str) -> None:
        self.kind = kind_asked_for(question)
        self._stems = content_stems(question)
        self._words = frozenset(words(question.casefold()))

    def by(self, sentence: str) -> float:
        """0 to 1; 0 where the question asks for no kind that is known here."""
        return 0.0 if self.kind is None else _OFFERED[self.kind](sentence, self._stems, self._words)


def _person(sentence: str, stems: frozenset[str], _: frozenset[str]) -> float:
    new = _new_capitals(sentence, stems)
    if any(one and following for one, following in pairwise(new)):
        return 1.0
    folded = words(sentence.casefold())
    role = any(not {word, word.removesuffix("s")}.isdisjoint(ROLES) and stem(word) not in stems for word in folded)
    return PARTLY if role or any(new) else 0.0


def _place(sentence: str, stems: frozenset[str], _: frozenset[str]) -> float:
    return float(any(_new_capitals(sentence, stems)))


def _date(sentence: str, _: frozenset[str], said: frozenset[str]) -> float:
    return float(any(not said >= set(words(found.group().casefold())) for found in _DATE.finditer(sentence)))


def _money(sentence: str, _: frozenset[str], __: frozenset[str]) -> float:
    return float(_MONEY.search(sentence) is not None)


def _number(sentence: str, _: frozenset[str], said: frozenset[str]) -> float:
    return float(any(_NUMBER.fullmatch(word) and word.casefold() not in said for word in words(sentence)))


_OFFERED: Mapping[AnswerKind, Callable[[str, frozenset[str], frozenset[str]], float]] = {
    AnswerKind.PERSON: _person,
    AnswerKind.PLACE: _place,
    AnswerKind.DATE: _date,
    AnswerKind.MONEY: _money,
    AnswerKind.NUMBER: _number,
}


def _new_capitals(sentence: str, stems: frozenset[str]) -> list[bool]:
    """Of each word, whether it has a capital and carries content that is none of `stems`. Words that open count."""
    return [word[0].isupper() and not content_stems(word) <= stems for word in words(sentence)]
