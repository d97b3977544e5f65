"""The kind of thing that a question asks for, and the sentences that tell one which the question hasn't told.

A passage about a matter repeats the question's words all over; only some of its sentences have a name, a date or a sum.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

from libs.text.asking import AnswerKind
from libs.text.asking_languages import asking
from libs.text.stems import stem
from libs.text.words import WORD, content_stems, words
from services.generation.engines.quantities import asks_for_number

# What a sentence offers that has something like it: for a person, a name of one word, or a role.
PARTLY = 0.5


def kind_asked_for(question: str) -> AnswerKind | None:
    """The kind that the question's first such word asks for."""
    question = question.replace("’", "'")
    found = {kind: match.start() for kind, asks in asking().kinds.items() if (match := asks.search(question))}
    if found:
        return min(found, key=lambda kind: found[kind])
    return AnswerKind.NUMBER if asks_for_number(question) else None


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
    language = asking()
    named = any(new) and language.place_before is None
    role = any(language.role.fullmatch(word) and stem(word) not in stems for word in words(sentence.casefold()))
    return PARTLY if named or role else 0.0


def _place(sentence: str, stems: frozenset[str], _: frozenset[str]) -> float:
    before = asking().place_before
    if before is None:
        return float(any(_new_capitals(sentence, stems)))
    behind = (WORD.match(sentence, found.end()) for found in before.finditer(sentence))
    return float(any(_new_capitals(word.group(), stems) == [True] for word in behind if word))


def _date(sentence: str, _: frozenset[str], said: frozenset[str]) -> float:
    return float(any(not said >= set(words(found.group().casefold())) for found in asking().date.finditer(sentence)))


def _money(sentence: str, _: frozenset[str], __: frozenset[str]) -> float:
    return float(asking().money.search(sentence) is not None)


def _number(sentence: str, _: frozenset[str], said: frozenset[str]) -> float:
    number = asking().number
    return float(any(number.fullmatch(word) and word not in said for word in words(sentence.casefold())))


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
