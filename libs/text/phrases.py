"""Words and phrases as a glossary compares them.

Capitals say what is meant: a phrase written in capitals ("IT") is found in capitals only, any other in any case and
with other endings ("contracting officers" is "Contracting Officer").
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libs.text.stems import stem
from libs.text.words import STOPWORDS

MOST_WORDS = 8

_WORD = re.compile(r"[^\W_]+")
# What may stand between the words of one phrase: spaces and a few signs (R&D, time-off, U.S.), none that ends a clause.
_JOINT = re.compile(r"\s+|[^\w.?!;:\"“”«»\x00]{1,4}|\.")
_PLURAL = re.compile(r"([^\W\d_]{2,})s")
_CAPITALS = "="


@dataclass(frozen=True)
class Place:
    """Where a phrase of `words` words with one of these keys stands in a text; start, end are characters of it."""

    keys: tuple[str, ...]
    start: int
    end: int
    words: int


def phrase_key(phrase: str) -> str | None:
    """What is equal for two ways to write a phrase; None for one without words, or of nothing but "it", "us", "the"."""
    words = [_plain(word) for word in _WORD.findall(phrase)]
    if not words:
        return None
    if _in_capitals(words):
        return _CAPITALS + " ".join(words)
    return None if all(word.casefold() in STOPWORDS for word in words) else _folded(words)


class Said:
    """What a text says, to be asked whether a phrase is in it."""

    def __init__(self, text: str) -> None:
        words = [_plain(word) for word in _WORD.findall(text)]
        singular = [
            plural[1] if (plural := _PLURAL.fullmatch(word)) and plural[1].isupper() else word for word in words
        ]
        self._written = f" {' '.join(singular)} "
        self._folded = f" {_folded(words)} "

    def __contains__(self, phrase: str) -> bool:
        key = phrase_key(phrase)
        if key is None:
            return False
        if key.startswith(_CAPITALS):
            return f" {key.removeprefix(_CAPITALS)} " in self._written
        return f" {key} " in self._folded


def count_words(phrase: str) -> int:
    return len(_WORD.findall(phrase))


def is_findable(phrase: str) -> bool:
    """Whether a text that has the phrase as it is written would be found to have it."""
    key = phrase_key(phrase)
    return any(key in place.keys for place in phrase_places(phrase, MOST_WORDS))


def phrase_places(text: str, most_words: int) -> Iterator[Place]:
    """Every run of up to MOST_WORDS words among the first `most_words` of the text."""
    found: list[re.Match[str]] = []
    for match in _WORD.finditer(text):
        found.append(match)
        if len(found) == most_words:
            break
    words = [_plain(match.group()) for match in found]
    shouted = len(words) > 1 and not any(map(str.islower, text))
    for first in range(len(words)):
        for last in range(first, min(first + MOST_WORDS, len(words))):
            if last > first and not _JOINT.fullmatch(text, found[last - 1].end(), found[last].start()):
                break
            keys = tuple(_keys(words[first : last + 1], shouted=shouted))
            if keys:
                yield Place(keys, found[first].start(), found[last].end(), last - first + 1)


def _keys(words: Sequence[str], *, shouted: bool) -> Iterator[str]:
    """`shouted`: where everything is in capitals, they don't tell an acronym from an ordinary word."""
    ordinary = all(word.casefold() in STOPWORDS for word in words)
    if _in_capitals(words) and not (shouted and ordinary):
        yield _CAPITALS + " ".join(words)
    if len(words) == 1 and (plural := _PLURAL.fullmatch(words[0])) and plural[1].isupper():
        yield _CAPITALS + plural[1]
    if not ordinary:
        yield _folded(words)


def _folded(words: Sequence[str]) -> str:
    return " ".join(stem(word.casefold()) for word in words)


def _in_capitals(words: Sequence[str]) -> bool:
    return "".join(words).isupper()


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word)
