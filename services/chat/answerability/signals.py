"""What tells a sentence that answers a question from one that only speaks of the same things.

Each signal is a number of no particular scale; `weights.json` says how much each counts. Unanswerable questions that
look answerable swap a name or a number, turn a word into its opposite, or ask for what isn't told (Rajpurkar, Jia and
Liang 2018, table 1). Thirty more signals were measured and added nothing: docs/decisions/0031-calibrated-abstention.md.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from libs.text.compounds import found_among
from libs.text.names import Mentions, names_in
from libs.text.sentences import split_sentences
from libs.text.words import content_stems
from services.chat.answerability.expected import Kind, kind_of, offers
from services.chat.grounding.facts import contrary, facts_of

# What only the title and the headings say counts half of what the sentence says.
AROUND = 0.5


@dataclass(frozen=True)
class Passage:
    """A passage that was found; `around` are its title and headings."""

    around: str
    text: str


@dataclass(frozen=True)
class Said:
    """A sentence of an answer, the number of the passage behind it, from 0, and its cosine with the question."""

    text: str
    passage: int
    cosine: float


class Asked:
    """A question, read once for all sentences that are held against it.

    Words are weighted by how rare they are among the sentences of the passages that were found for it.
    """

    def __init__(self, question: str, passages: Sequence[Passage]) -> None:
        self._question = question
        self._passages = passages
        self._stems = content_stems(question)
        self._names = names_in(question)
        self._numbers = [one for one in self._stems if any(map(str.isdigit, one))]
        self._facts = facts_of(question)
        self._kind = kind_of(question)
        self._around = [content_stems(passage.around) for passage in passages]
        self._weights = _rarities(
            self._stems,
            [
                content_stems(passage.text[span.start : span.end])
                for passage in passages
                for span in split_sentences(passage.text)
            ],
        )

    def signals(self, said: Said) -> dict[str, float]:
        """Of a sentence, by name. `support` is the mean of `cosine` and `covered`."""
        stems = content_stems(said.text)
        covered, cosine = self._covered(stems, self._around[said.passage]), max(0.0, said.cosine)
        mentioned = Mentions(f"{self._passages[said.passage].around} {said.text}")
        absent = sum(name not in mentioned for name in self._names)
        none_offered = not offers(self._kind, self._question, said.text, self._stems)
        return {
            "cosine": cosine,
            "covered": covered,
            "support": (cosine + covered) / 2,
            "contrary": float(contrary(self._facts, facts_of(said.text)) is not None),
            "no_time": float(none_offered and self._kind is Kind.TIME),
            "no_person": float(none_offered and self._kind is Kind.PERSON),
            "numbers_missing": float(sum(one not in stems for one in self._numbers)),
            "names_missing_share": absent / max(1, len(self._names)),
        }

    def _covered(self, stems: Collection[str], around: Collection[str]) -> float:
        """The share, 0 to 1, of the question's weight that the sentence has."""
        whole = sum(self._weights.values())
        said, above = found_among(self._weights, stems), found_among(self._weights, around)
        had = sum(
            weight * (1.0 if one in said else AROUND if one in above else 0.0) for one, weight in self._weights.items()
        )
        return had / whole if whole else 0.0


def _rarities(stems: Iterable[str], sentences: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Inverse document frequency over the sentences (Robertson and Zaragoza 2009, 3.4)."""
    frequency = Counter(one for sentence in sentences for one in sentence)
    return {
        one: math.log(1 + (len(sentences) - frequency[one] + 0.5) / (frequency[one] + 0.5)) for one in sorted(stems)
    }
