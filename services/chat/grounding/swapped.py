"""Whether two figures have changed places: "basic costs 10 euros and pro 25" isn't "basic costs 25 and pro 10"."""

import re
from collections.abc import Set as AbstractSet
from itertools import combinations

from libs.text.sentences import split_sentences
from libs.text.words import content_stems
from services.chat.grounding.negations import clauses
from services.chat.grounding.numbers import numbers_of

_COMMA = re.compile(r",\s")


def swapped(sentence: str, numbers: AbstractSet[str], passage: str, others: AbstractSet[str]) -> str | None:
    """Why they aren't the same, or None. Only what each of two numbers is said of by itself tells.

    `numbers` are the sentence's and `others` the passage's.
    """
    if len(numbers & others) < 2:  # noqa: PLR2004 - of a pair
        return None
    said, found = _said_of(sentence), _said_of(passage)
    for one, other in combinations(sorted(said.keys() & found.keys()), 2):
        mine, theirs = said[one] - said[other], said[other] - said[one]
        here, there = found[one] - found[other], found[other] - found[one]
        if mine & there and theirs & here and not mine & here and not theirs & there:
            return f"the passage has {one!r} and {other!r} the other way round"
    return None


def _said_of(text: str) -> dict[str, frozenset[str]]:
    """The content words of the clauses that have one number alone, by that number."""
    found: dict[str, frozenset[str]] = {}
    for span in split_sentences(text):
        for clause in clauses(text[span.start : span.end]):
            pieces = [(piece, numbers_of(piece)) for piece in _COMMA.split(clause)]
            # "On Mondays, basic costs 10": a comma parts statements where each has its number.
            if not all(numbers for _, numbers in pieces):
                pieces = [(clause, numbers_of(clause))]
            for piece, numbers in pieces:
                if len(numbers) == 1:
                    words = frozenset(one for one in content_stems(piece) if not any(map(str.isdigit, one)))
                    [number] = numbers
                    found[number] = found.get(number, frozenset()) | words
    return found
