"""Where two sentences say different things of the same: another figure, year or name in one place, or the contrary."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from libs.text.words import content_stems, stem
from services.chat.grounding.facts import Facts, contrary, counted, facts_of, quantities
from services.chat.grounding.passages import Unit
from services.chat.grounding.support import negated_otherwise

Differs = Literal["number", "name", "direction", "negation"]

# Measured on the news and outdated documents that docs/decisions/0030-floor-marks-disagreements.md names.
ALIKE = 0.5
ABOUT_THE_QUESTION = 0.5
NEARLY_THE_SAME = 0.8
SAME_WORDS = 0.6
# More names than this among its words, and a sentence is a headline, whose capitals say nothing.
MOST_NAMES = 0.5
# "Brazil" and "Brazilian" are one name.
SHORTEST_SHARED = 4
# A number counts what stands at most so many words behind it: "24 more US states".
COUNTS_WITHIN = 3

# "Which formats can …" asks for a list, of which one document may name some and another others.
_SEVERAL = (
    r" (?:[\w-]+ ){0,2}?[\w-]*[^\Wisu]s (?:are|can|could|did|do|does|had|has|have|is|may|must|should|was|were|will)\b"
)
# "What" alone asks for anything, and the names beside that say nothing of it.
_ASKS_FOR_NAME = re.compile(
    rf"\b(?:who|whom|whose|which(?!{_SEVERAL})|where|"
    r"what (?:\w+ )?(?:name|person|country|state|city|town|place|company|organi[sz]ation|team|party|river|language))\b",
    re.IGNORECASE,
)
_ASKS_FOR_NUMBER = re.compile(
    r"\b(?:how (?:many|much|long|old|far|tall|high|fast|big|large|often)|percent\w*|"
    r"(?:what|which) (?:number|amount|price|share|rate|score|time|size|age|limit))\b",
    re.IGNORECASE,
)
_ASKS_FOR_YEAR = re.compile(r"\b(?:when|(?:what|which) (?:year|date))\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:1\d{3}|20\d{2})\b")
# They tell when, not who or where.
_DAYS_AND_MONTHS = frozenset(
    map(
        stem,
        """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
        september october november december""".split(),  # noqa: SIM905 - read as words
    )
)
_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦–|]|\d{1,3}[.)]|[a-z]\))\s")
_STATEMENT = re.compile(r"[.!?…][\"'”’)\]]*\s*$")


@dataclass(frozen=True)
class Difference:
    """`values` are what the one and the other have in the same place."""

    differs: Differs
    values: tuple[str, str]


@dataclass(frozen=True)
class Place:
    """What a source says in one place; `passage` are the stems of all that it says."""

    unit: Unit
    facts: Facts
    passage: frozenset[str]


def place(unit: Unit, passage: frozenset[str], ordinary: frozenset[str]) -> Place:
    return Place(unit, facts_of(unit.text, ordinary), passage)


class AskedSlots:
    """What a question asks for, as places of two documents are compared."""

    def __init__(self, question: str) -> None:
        self._stems = content_stems(question)
        self._numbers = facts_of(question).numbers
        self._for_number = _ASKS_FOR_NUMBER.search(question) is not None
        self._for_year = not self._for_number and _ASKS_FOR_YEAR.search(question) is not None
        self._for_name = not (self._for_number or self._for_year) and _ASKS_FOR_NAME.search(question) is not None

    def comparable(self, one: Unit, other: Unit) -> bool:
        """Whether the two may speak of the same, before their likeness is known; an item of a list alone can't."""
        if _LIST_ITEM.match(one.text) or _LIST_ITEM.match(other.text):
            return False
        return len(one.stems & other.stems) > 1 and (
            min(self._covered(one), self._covered(other)) >= ABOUT_THE_QUESTION or _overlap(one, other) >= SAME_WORDS
        )

    def difference(self, one: Place, other: Place, likeness: float) -> Difference | None:
        """What the two say differently; `likeness` is their cosine."""
        if likeness < ALIKE:
            return None
        if likeness >= NEARLY_THE_SAME and _overlap(one.unit, other.unit) >= SAME_WORDS:
            found = _contrary(one, other) or self._other_number(_measured(one.unit.text), _measured(other.unit.text))
            if found:
                return found
        if min(self._covered(one.unit), self._covered(other.unit)) < ABOUT_THE_QUESTION:
            return None
        if self._for_number:
            return self._other_number(self._counted(one.unit.text), self._counted(other.unit.text))
        if self._for_year:
            years = ({"year": set(_YEAR.findall(side.unit.text))} for side in (one, other))
            return self._other_number(*years)
        return self._other_name(one, other) if self._for_name else None

    def _covered(self, unit: Unit) -> float:
        return len(self._stems & unit.stems) / len(self._stems) if self._stems else 0.0

    def _counted(self, text: str) -> dict[str, set[str]]:
        """The numbers of what was asked for, each under its unit or the question's word that it counts."""
        return _measured(text) | counted(text, self._stems, COUNTS_WITHIN)

    def _other_number(self, one: dict[str, set[str]], other: dict[str, set[str]]) -> Difference | None:
        for slot in sorted(one.keys() & other.keys()):
            mine, theirs = one[slot] - self._numbers, other[slot] - self._numbers
            if mine and theirs and not mine & theirs:
                return Difference("number", (min(mine), min(theirs)))
        return None

    def _other_name(self, one: Place, other: Place) -> Difference | None:
        mine, theirs = (side.facts.names - self._stems - _DAYS_AND_MONTHS for side in (one, other))
        if not (mine and theirs and all(_is_statement(side) for side in (one, other))):
            return None
        # Where a document also names what the other does, the two are about several things.
        if _share_a_name(mine, theirs | other.passage) or _share_a_name(theirs, one.passage):
            return None
        return Difference("name", (", ".join(sorted(mine)), ", ".join(sorted(theirs))))


def _contrary(one: Place, other: Place) -> Difference | None:
    if negated_otherwise(one.unit.text, one.facts, other.unit):
        return Difference("negation", (one.unit.text, other.unit.text))
    if contrary(one.facts, other.unit.facts):
        return Difference("direction", (one.unit.text, other.unit.text))
    return None


def _measured(text: str) -> dict[str, set[str]]:
    slots: dict[str, set[str]] = {}
    for number, unit in quantities(text):
        slots.setdefault(unit, set()).add(number)
    return slots


def _overlap(one: Unit, other: Unit) -> float:
    """The share of content words in common, of the one that shares less of its own."""
    shared = len(one.stems & other.stems)
    return min(shared / max(1, len(one.stems)), shared / max(1, len(other.stems)))


def _is_statement(side: Place) -> bool:
    headline = len(side.facts.names) > MOST_NAMES * len(side.unit.stems)
    return not headline and _STATEMENT.search(side.unit.text) is not None


def _share_a_name(names: AbstractSet[str], others: AbstractSet[str]) -> bool:
    if names & others:
        return True
    longer = [name for name in names if len(name) >= SHORTEST_SHARED]
    return any(
        name.startswith(other) or other.startswith(name)
        for name in longer
        for other in others
        if len(other) >= SHORTEST_SHARED
    )
