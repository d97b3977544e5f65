"""Which of the scored sentences are said, and in what order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from libs.text.asking_languages import asking
from services.generation.engines.passages import Sentence

# The least support, 0 to 1, that a sentence must give the question; below it in every sentence there is no answer.
# How both were chosen, and how often they err, is measured in docs/decisions/0003-generation-engines.md.
MIN_SUPPORT = 0.40
# The same where embedding fails and only words count: lower, because a paraphrase shares few words.
MIN_SUPPORT_OF_WORDS = 0.33
# A further sentence must be about as good as the best, and good in itself.
RELATIVE_SUPPORT = 0.85
MIN_FURTHER_SUPPORT = 0.45
# Maximal marginal relevance (Carbonell and Goldstein 1998): what likeness to a chosen sentence costs.
REDUNDANCY_COST = 0.15
# What a sentence gains that stands beside a chosen one: what is told in one go is best read in one go.
CONTINUITY = 0.03
# Two sentences this alike say the same.
SAME_COSINE = 0.92
SAME_TERMS = 0.8
MAX_SENTENCES = 4
MAX_LOOKUP_SENTENCES = 2


@dataclass(frozen=True)
class Scored:
    """The sentence at `place` with what is needed to compare it.

    `vector` is of the sentence below its title and headings, unit length, (dim,) float32; None where nothing was
    embedded. `support`, 0 to 1, says whether it may be said at all, `score` which is said before which.
    """

    place: int
    support: float
    score: float
    terms: set[str]
    vector: NDArray[np.float32] | None


def select(question: str, sentences: Sequence[Sentence], scored: Sequence[Scored], most: int | None) -> list[int]:
    """The places of the sentences to say, at most `most`: passage by passage from the best on, each in its order."""
    best = max((candidate.support for candidate in scored), default=0.0)
    embedded = all(candidate.vector is not None for candidate in scored)
    floor = max(MIN_SUPPORT if embedded else MIN_SUPPORT_OF_WORDS, RELATIVE_SUPPORT * best)
    open_candidates = [candidate for candidate in scored if candidate.support >= floor]
    looks_up = asking().looks_up.match(question.replace("’", "'"))
    limit = MAX_LOOKUP_SENTENCES if looks_up else MAX_SENTENCES
    limit = limit if most is None else min(limit, most)
    chosen: list[Scored] = []
    said: list[int] = []
    while open_candidates:
        gains = [_gain(one, sentences, chosen, said) for one in open_candidates]
        candidate = open_candidates.pop(int(np.argmax(gains)))
        said_already = any(_same(sentences, candidate, other) for other in chosen)
        if chosen and (candidate.support < MIN_FURTHER_SUPPORT or said_already):
            continue
        new = [place for place in unit(sentences, candidate.place) if place not in said]
        if said and len(said) + len(new) > limit:
            continue
        chosen.append(candidate)
        said.extend(new)
    order = {document: rank for rank, document in enumerate(dict.fromkeys(sentences[place].document for place in said))}
    return sorted(said, key=lambda place: (order[sentences[place].document], place))


def unit(sentences: Sequence[Sentence], place: int) -> list[int]:
    """The sentence with those it can't be understood without, in order."""
    sentence = sentences[place]
    if sentence.lead_in is not None:
        return [sentence.lead_in, place]
    if sentence.introduces_list:
        items = [other for other in range(place + 1, len(sentences)) if sentences[other].lead_in == place]
        return [place, *items[: MAX_SENTENCES - 1]]
    before = place - 1
    if (
        sentence.dangling
        and before >= 0
        and sentences[before].document == sentence.document
        and sentences[before].statement
    ):
        return [before, place]
    return [place]


def _gain(one: Scored, sentences: Sequence[Sentence], chosen: Sequence[Scored], said: Sequence[int]) -> float:
    """What saying it adds. Its own words tell what it repeats: a heading in common makes all vectors alike."""
    repeated = max((_shared(one, other) for other in chosen), default=0.0)
    document = sentences[one.place].document
    beside = any(abs(one.place - place) == 1 and sentences[place].document == document for place in said)
    return one.score - REDUNDANCY_COST * repeated + (CONTINUITY if beside else 0.0)


def _shared(one: Scored, other: Scored) -> float:
    """Jaccard's index of their terms."""
    return len(one.terms & other.terms) / max(len(one.terms | other.terms), 1)


def _same(sentences: Sequence[Sentence], one: Scored, other: Scored) -> bool:
    """Whether one says what the other does. Below the same heading vectors don't tell: the heading is half of them."""
    if _shared(one, other) >= SAME_TERMS:
        return True
    if one.vector is None or other.vector is None or sentences[one.place].context == sentences[other.place].context:
        return False
    return float(one.vector @ other.vector) >= SAME_COSINE
