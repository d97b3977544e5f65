"""Another language's numbers in words as digits, as that language writes them: "quatre-vingt-dix", "zwei Millionen".

Only this and number_rules know text2num, which has no types.
"""

# ruff: noqa: SIM905 - a word list is read, sorted and compared more easily as words

import importlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from libs.text.stems import language_read
from libs.text.stopwords import OF_LANGUAGE
from services.chat.grounding.dates import month_of
from services.chat.grounding.number_rules import afterwards, beforehand
from services.chat.grounding.spellings import SPELLINGS, Spelling
from services.chat.grounding.units import unit_of

_text2num: Any = importlib.import_module("text_to_num")

# What an ordinal is afterwards, so that it is one of English from here on.
_ENGLISH_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_SECOND = 2
_LEAST_ALONE = 2
_MILLION = 10**6
_TOKEN = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|\s+|[^\w\s]|_")
# Of a run of number words without an end, text2num's time grows with the square.
_MOST_TOKENS = 400


def number_words(text: str) -> str:
    """The text with the numbers that the language that is read has in words as digits; English ones stay.

    So do "one" and "zero". An ordinal becomes an English one, or digits before a month. To ask twice changes nothing.
    """
    return _in_digits(text, language_read())


@lru_cache(maxsize=4096)
def _in_digits(text: str, language: str) -> str:
    spelling = SPELLINGS.get(language)
    if not spelling:
        return text
    tokens = _TOKEN.findall(beforehand(text, language))
    pieces = (tokens[start : start + _MOST_TOKENS] for start in range(0, len(tokens), _MOST_TOKENS))
    return afterwards("".join(_Piece(piece, spelling, language).in_digits() for piece in pieces), language)


@dataclass(frozen=True)
class _Word:
    """A word as text2num asks for it."""

    word: str
    is_no_number: bool

    def text(self) -> str:
        return self.word

    def nt_separated(self, _: "_Word") -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return self.is_no_number


@lru_cache(maxsize=1 << 16)
def _is_number(word: str, language: str) -> bool:
    """Whether text2num takes the word alone for one: a text without such words has no number in words."""
    return bool(_text2num.find_numbers([_Word(word, is_no_number=False)], language, 0))


class _Piece:
    def __init__(self, tokens: Sequence[str], spelling: Spelling, language: str) -> None:
        self._tokens = tokens
        self._folded = [token.casefold() for token in tokens]
        self._spelling = spelling
        self._language = language

    def in_digits(self) -> str:
        if not any(_is_number(token, self._language) for token in self._folded):
            return "".join(self._with_unknown(0, len(self._tokens)))
        words = [_Word(token, token in self._spelling.joints or token in _ENGLISH_ORDINALS) for token in self._folded]
        said: list[str] = []
        done = 0
        cardinal_ends: int | None = None
        for found in _text2num.find_numbers(words, self._language, 0):
            after_a_number = found.start - 1 == cardinal_ends
            if found.is_ordinal:
                put = None if after_a_number else self._ordinal(found.start, found.end, int(found.value))
            else:
                put = found.text if self._counts(found.start, found.end, found.value) else None
                cardinal_ends = found.end
            if put is not None:
                said += [*self._with_unknown(done, found.start), put]
                done = found.end
        return "".join([*said, *self._with_unknown(done, len(self._tokens))])

    def _with_unknown(self, start: int, end: int) -> Sequence[str]:
        """The tokens, with the ordinals that text2num doesn't know."""
        if self._spelling.ordinals.isdisjoint(self._folded[start:end]):
            return self._tokens[start:end]
        return [
            (self._folded[index] in self._spelling.ordinals and self._ordinal(index, index + 1, _SECOND))
            or self._tokens[index]
            for index in range(start, end)
        ]

    def _counts(self, start: int, end: int, value: float) -> bool:
        """Whether what reads like a cardinal is one."""
        if end - start > 1:
            return True
        token, folded = self._tokens[start], self._folded[start]
        behind_digits = self._word(start, -1)[:1].isdigit()
        if value < _LEAST_ALONE or self._spelling.scales.get(folded, 0) >= _MILLION:
            return False
        if behind_digits and (folded in self._spelling.scales or month_of(token)):
            return False
        before, after = self._word(start, -1), self._word(start, 1)
        if unit_of(after):
            return True
        if folded in self._spelling.doubtful:
            counts = self._spelling.counting and re.fullmatch(self._spelling.counting, f"{before} {folded} {after}")
            return bool(counts) and after not in OF_LANGUAGE[self._language]
        # A name: "Otto Rossi".
        return not (token.istitle() and before)

    def _ordinal(self, start: int, end: int, value: int) -> str | None:
        before, after = self._word(start, -1), self._word(end - 1, 1)
        # "Un terzo", "een derde".
        if before in self._spelling.ones or before[:1].isdigit():
            return None
        of_month = self._word(end + 1, 1) if after in ("de", "di") else after
        if of_month and month_of(of_month):
            return str(value)
        uncertain = self._spelling.doubtful | self._spelling.ordinals
        if self._folded[start] in uncertain and not (before in self._spelling.articles and after.isalpha()):
            return None
        return _english_ordinal(value)

    def _word(self, index: int, step: int) -> str:
        """The lower-case word, or digits, beyond the space on one side; empty where something else is there."""
        place = index + 2 * step
        if not 0 <= place < len(self._folded) or not self._folded[index + step].isspace():
            return ""
        return self._folded[place] if self._folded[place][:1].isalnum() else ""


def _english_ordinal(value: int) -> str:
    return _ENGLISH_ORDINALS[value - 1] if 1 <= value <= len(_ENGLISH_ORDINALS) else f"{value}th"
