"""The number that a question asks for: of what, and said of what."""

import re
from dataclasses import dataclass
from itertools import takewhile

from libs.text.words import STOPWORDS, content_stems, stem, words
from services.chat.grounding.figures import Figure
from services.chat.grounding.units import TIMES, unit_of

_ASKS_FOR_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|high|fast|big|large|often)|percent\w*|"
    r"(?:what|which) (?:number|amount|price|share|rate|score|time|size|age|limit))\b",
    re.IGNORECASE,
)
_ASKS_FOR_TIME = re.compile(r"\bhow (?:long|old|often)\b", re.IGNORECASE)
_ASKS_FOR_SHARE = re.compile(r"\bpercent\w*|\b(?:what|which) share\b", re.IGNORECASE)
_ASKS_HOW_MANY = re.compile(r"\bhow (?:(?P<many>many)|much) (?P<things>.+)", re.IGNORECASE | re.DOTALL)
# "How many times" may be told by anything ("her sixth title"), and "how much money" without the word.
_UNTOLD_HEADS = frozenset({"time", "times", "money"})


@dataclass(frozen=True)
class Amount:
    """What a question asks a number of: `units` or counted things, None for any; said beside `head`, if there is one.

    In "how many hours of annual leave", hours are the unit and leave is the head. `counted` is a word that is told by
    the number alone.
    """

    units: frozenset[str] | None = None
    head: str | None = None
    counted: str | None = None

    def is_of(self, figure: Figure) -> bool:
        return (self.units is None or figure.of in self.units) and (self.head is None or self.head in figure.beside)

    def matter(self, question: str) -> frozenset[str]:
        """What else the number must be said of: the question's words but for its measures and numbers."""
        said = [word for word in words(question.casefold()) if word != self.counted and unit_of(word) is None]
        return frozenset(one for one in content_stems(" ".join(said)) if not any(map(str.isdigit, one)))


def asks_for_number(question: str) -> bool:
    return _ASKS_FOR_NUMBER.search(question) is not None


def amount_asked_for(question: str) -> Amount:
    if _ASKS_FOR_TIME.search(question):
        return Amount(TIMES)
    if _ASKS_FOR_SHARE.search(question):
        return Amount(frozenset({"percent"}))
    found = _ASKS_HOW_MANY.search(question)
    following = words(found["things"].casefold()) if found else []
    things = _until_contentless(following)
    if not found or not things or things[-1] in _UNTOLD_HEADS:
        return Amount(counted=things[-1] if things else None)
    if not found["many"]:
        return Amount(head=stem(things[-1]))
    units = frozenset(map(stem, things)) | frozenset(unit for one in things if (unit := unit_of(one)))
    rest = following[len(things) :]
    of = _until_contentless(rest[1:]) if rest[:1] == ["of"] and unit_of(things[-1]) else []
    return Amount(units, stem(of[-1]) if of else None, things[-1])


def _until_contentless(following: list[str]) -> list[str]:
    return list(takewhile(lambda word: word not in STOPWORDS, following))
