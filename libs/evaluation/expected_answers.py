"""An answer's text held against the expected ones, as SQuAD does it (Rajpurkar et al. 2016, evaluate-v2.0.py)."""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = re.compile(f"[{re.escape(string.punctuation)}“”‘’–—]")


@dataclass(frozen=True)
class Expected:
    """`groups` must all be there, of each group one of its wordings."""

    groups: tuple[tuple[str, ...], ...] = ()

    @property
    def wordings(self) -> list[str]:
        """Every way to say all of it that needs no other than the first wording of each further group."""
        if not self.groups:
            return []
        rest = [group[0] for group in self.groups[1:]]
        return [" ".join([first, *rest]) for first in self.groups[0]]


def normalized(text: str) -> list[str]:
    """The words, in small letters, without punctuation and articles."""
    return _ARTICLES.sub(" ", _PUNCTUATION.sub("", text.lower())).split()


def exact_match(answer: str, expected: Expected) -> float:
    """1 where the answer is one of the wordings and nothing else."""
    said = normalized(answer)
    return float(any(said == normalized(one) for one in expected.wordings))


def token_f1(answer: str, expected: Expected) -> float:
    """The best of the wordings' F1 over words."""
    return max((_overlap(normalized(answer), normalized(one))[2] for one in expected.wordings), default=0.0)


def token_recall(answer: str, expected: Expected) -> float:
    """The best of the wordings' share of words that the answer has."""
    return max((_overlap(normalized(answer), normalized(one))[1] for one in expected.wordings), default=0.0)


def contains(answer: str, expected: Expected) -> bool:
    """Whether each group has a wording whose words stand one after another in the answer."""
    said = _spellings(answer)
    return bool(expected.groups) and all(
        any(_runs_in(one, text) for wording in group for one in _spellings(wording) for text in said)
        for group in expected.groups
    )


def _spellings(text: str) -> list[list[str]]:
    """With punctuation taken out, as SQuAD does, and with a space in its place: "10th-century" has two words too."""
    return [normalized(text), normalized(_PUNCTUATION.sub(" ", text))]


def _runs_in(words: Sequence[str], text: Sequence[str]) -> bool:
    return bool(words) and f" {' '.join(words)} " in f" {' '.join(text)} "


def _overlap(said: Sequence[str], expected: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1; 1 where both are empty."""
    if not said or not expected:
        same = float(said == expected)
        return same, same, same
    common = sum((Counter(said) & Counter(expected)).values())
    precision, recall = common / len(said), common / len(expected)
    return precision, recall, 2 * precision * recall / (precision + recall) if common else 0.0
