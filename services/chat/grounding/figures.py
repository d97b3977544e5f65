"""The figures of a text, each with what it measures and the words that it stands among."""

import re
from dataclasses import dataclass

from libs.text.sentences import split_sentences
from libs.text.stems import ENGLISH, language_read
from libs.text.words import content_stems, words
from services.chat.grounding.bounds import LEAST, MOST, bounds, rates, without_estimates, without_ranges
from services.chat.grounding.dates import month_of
from services.chat.grounding.facts import facts_of
from services.chat.grounding.negations import clauses
from services.chat.grounding.numbers import counted, ones, quantities
from services.chat.grounding.spelt import in_digits
from services.chat.grounding.units import unit_of

YEAR = re.compile(r"\b(?:1\d{3}|20\d{2})\b")
# "The 1992 treaty" names a treaty.
_DATED = re.compile(rf"(?<!\bthe ){YEAR.pattern}", re.IGNORECASE)
# Elsewhere so does "le traité de 1992", but "le 3 mai de 1992" is a date.
_OF_YEAR = re.compile(r"(?P<before>[^\W\d_]+)?\s(?:von|van|de|del|di)\s$", re.IGNORECASE)
# What a year is a figure of.
DATE = "date"
# A number counts what stands at most so many words behind it: "24 more US states".
_COUNTS_WITHIN = 3


@dataclass(frozen=True)
class Figure:
    """`of` is its unit, the stem of what it counts, or DATE; `per` is what there are so many of for each.

    `beside` are the stems of the other words in its clause, `clause` all of it with its numbers in digits. `bound` is
    "least" or "most" where it bounds what is meant.
    """

    number: str
    of: str
    per: frozenset[str]
    beside: frozenset[str]
    bound: str = ""
    clause: str = ""

    def allows(self, other: "Figure") -> bool:
        """Whether both can be true: "at least 12" and "16", or "at least 12" and "at most 20"."""
        if self.bound == other.bound:
            return self.number == other.number
        below = self.bound == LEAST or other.bound == MOST
        lower, upper = (self, other) if below else (other, self)
        return float(lower.number) <= float(upper.number)


def figures(text: str, things: frozenset[str], each: frozenset[str] = frozenset()) -> list[Figure]:
    """Those with a unit, and those that count one of the things, which are stems. A range is none.

    `each` is what they are for each of where they don't say it.
    """
    found: list[Figure] = []
    if language_read() != ENGLISH:
        # What is told of English figures was measured without.
        text = in_digits(without_estimates(text))
    for clause in _clauses(text):
        every = set(quantities(clause))
        every |= {
            (number, of)
            for of, numbers in counted(clause, things, _COUNTS_WITHIN).items()
            for number in numbers
            if number.count(".") < 2  # noqa: PLR2004 - with more it is a version
        }
        if language_read() != ENGLISH:
            # "Einen Monat".
            every |= {(number, of) for number, of in ones([*map(str.casefold, words(clause))]) if unit_of(of) == of}
        if every:
            per, beside, bounds = rates(clause) or each, _beside(clause), _bounds(clause)
            # In "€40 yearly" nothing is of a year.
            slots = sorted(slot for slot in every if slot[1] not in per)
            found += [Figure(number, of, per, beside - {of}, bounds.get(number, ""), clause) for number, of in slots]
    return found


def dates(text: str) -> list[Figure]:
    """The years that a text names."""
    return [
        Figure(year, DATE, frozenset(), _beside(clause), clause=clause)
        for clause in _clauses(text)
        for year in sorted(set(_years(clause)))
    ]


def _years(clause: str) -> list[str]:
    if language_read() == ENGLISH:
        return _DATED.findall(clause)
    names = (_OF_YEAR.search(clause, 0, found.start()) for found in YEAR.finditer(clause))
    return [
        found.group()
        for found, name in zip(YEAR.finditer(clause), names, strict=True)
        if name is None or (name["before"] and month_of(name["before"]))
    ]


def _clauses(text: str) -> list[str]:
    sentences = (text[span.start : span.end] for span in split_sentences(text))
    # Without ranges, whose "and" and "or" would cut a clause in two.
    return [clause for sentence in sentences for clause in clauses(without_ranges(sentence))]


def _bounds(clause: str) -> dict[str, str]:
    """By number, what it bounds."""
    return {number: bound for written, bound in bounds(clause) for number in facts_of(written.replace(",", "")).numbers}


def _beside(clause: str) -> frozenset[str]:
    return frozenset(one for one in content_stems(clause) if not any(map(str.isdigit, one)))
