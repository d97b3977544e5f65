"""Timed answers of a language model, and ratios of them beside their bounds."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from scripts.bench.measure import percentile

# Common words, of a token each in most vocabularies.
_WORDS = [
    "lease",
    "river",
    "token",
    "house",
    "green",
    "walk",
    "seven",
    "policy",
    "apple",
    "form",
    "table",
    "light",
    "paper",
    "stone",
    "water",
    "road",
]


@dataclass(frozen=True)
class Answer:
    """Seconds to the first token and to the last, and how many there were."""

    prompt_tokens: int
    tokens: int
    first_s: float
    total_s: float

    @property
    def prompt_per_s(self) -> float:
        return self.prompt_tokens / self.first_s

    @property
    def out_per_s(self) -> float:
        """After the first, which the prompt's time holds."""
        return (self.tokens - 1) / (self.total_s - self.first_s)


@dataclass(frozen=True)
class Ratio:
    """What each round measured, and the bound it is held to: from below, or with `at_most` from above."""

    label: str
    bound: float
    rounds: Sequence[float]
    at_most: bool = False

    @property
    def median(self) -> float:
        return percentile(self.rounds, 50)

    @property
    def p95(self) -> float:
        """What 95 % of the rounds keep to."""
        return percentile(self.rounds, 95 if self.at_most else 5)

    @property
    def holds(self) -> bool:
        return self.median <= self.bound if self.at_most else self.median >= self.bound


class Prompts:
    """Messages that no cache has seen: each begins with a number of its own."""

    def __init__(self, words: int) -> None:
        self._words = words
        self._random = random.Random(7)  # noqa: S311 - the same words in every run
        self._number = 0

    def context(self) -> str:
        self._number += 1
        return f"{self._number}. " + " ".join(self._random.choices(_WORDS, k=self._words))

    @staticmethod
    def about(context: str, number: int = 1) -> str:
        """A question that takes a long answer."""
        return f"{context}\n\nTell a long story with many of these words. Version {number}."

    def one(self) -> str:
        return self.about(self.context())


def print_ratios(console: Console, title: str, ratios: Sequence[Ratio]) -> None:
    table = Table("", "bound", "median ×", "p95 ×", "holds", title=title, title_justify="left")
    for ratio in ratios:
        bound = f"{'≤' if ratio.at_most else '≥'} {ratio.bound:g}"
        holds = "yes" if ratio.holds else "no"
        table.add_row(ratio.label, bound, f"{ratio.median:.2f}", f"{ratio.p95:.2f}", holds)
    console.print(table)
