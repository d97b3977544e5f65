"""The kind of answer that a question expects, and whether a sentence offers one that the question hasn't said."""

import re
from collections.abc import Collection
from enum import StrEnum

from libs.text.people import ROLES
from libs.text.words import STOPWORDS, content_stems, stem, words


class Kind(StrEnum):
    PERSON = "person"
    TIME = "time"
    OTHER = "other"


_PERSON = re.compile(r"\b(?:who|whom|whose)\b", re.IGNORECASE)
_TIME = re.compile(r"\b(?:when|(?:what|which) (?:year|month|day|date|century|decade|time))\b", re.IGNORECASE)
_DATE = re.compile(
    r"\b(?:1\d{3}|20\d\d)s?\b|\bcentury\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b(?:january|february|march|april|may|june|july"
    r"|august|september|october|november|december|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b"
    r"|\b\d+ (?:second|minute|hour|day|week|month|year)s?\b",
    re.IGNORECASE,
)
_WHEN = re.compile(r"\bwhen\b", re.IGNORECASE)
# "When is my access cut?" may be answered by what happens then.
_EVENT = re.compile(
    r"\b(?:after|as soon as|at once|before|by the time|daily|immediately|monthly|now|once|until|upon|when|whenever"
    r"|while|weekly|yearly)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\w'’-]+")


def kind_of(question: str) -> Kind:
    if _PERSON.search(question):
        return Kind.PERSON
    return Kind.TIME if _TIME.search(question) else Kind.OTHER


def offers(kind: Kind, question: str, sentence: str, asked: Collection[str]) -> bool:
    """Whether the sentence has such a thing; `asked` are the stems of the question's content words."""
    if kind is Kind.PERSON:
        return _names_someone_else(sentence, asked)
    if kind is Kind.TIME:
        return _tells_another_date(question, sentence) or bool(_WHEN.search(question) and _EVENT.search(sentence))
    return True


def _names_someone_else(sentence: str, asked: Collection[str]) -> bool:
    """Whether it has a word that the question hasn't: for somebody, or with a capital, but for one that opens it."""
    folded = words(sentence.casefold())
    if any(not {word, word.removesuffix("s")}.isdisjoint(ROLES) and stem(word) not in asked for word in folded):
        return True
    written = words(sentence.replace("’", "'"))
    opens = bool(written) and written[0].casefold() in STOPWORDS
    return any(
        part[:1].isupper() and not content_stems(part) <= frozenset(asked)
        for word in written[opens:]
        for part in re.split(r"[-/',:_]", word)
    )


def _tells_another_date(question: str, sentence: str) -> bool:
    said = {word.casefold() for word in _WORD.findall(question)}
    dated = {match.span() for match in _DATE.finditer(sentence)}
    return any(
        found.group().casefold() not in said
        for found in _WORD.finditer(sentence)
        if any(found.start() < end and start < found.end() for start, end in dated)
    )
