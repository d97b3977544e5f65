"""Which of the passages found come first: the searches' ranks fused, late interaction, exact words, age."""

import re
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.config.settings import Retrieval
from services.knowledge.analysis import QueryAnalysis, holds
from services.knowledge.fusion import Fused, fuse
from services.knowledge.ports import FoundPassage
from services.knowledge.repository import ServedDocument

LEXICAL = "lexical"
VECTOR = "vector"
LATE = "late"
NEWEST = "newest"
PART = "part"
EXPANSION = "expansion"
# Passages this alike say the same, and the better ranked one stands for both, unless they differ in a figure or in a
# negation: then they are two versions, and a reader should see both.
SAME_COSINE = 0.985
_CLAIM = re.compile(r"\d+(?:[.,:]\d+)*|\b(?:not|no|never|nor|neither|without)\b|n['’]t\b")


class Candidates:
    """What the searches found and the reader may see. `passages` has each once, by its id."""

    def __init__(
        self,
        lists: Mapping[str, Sequence[FoundPassage]],
        documents: Mapping[UUID, ServedDocument],
        analysis: QueryAnalysis,
        settings: Retrieval,
    ) -> None:
        self.passages = {one.chunk_id: one for found in lists.values() for one in found}
        self.documents = documents
        self.analysis = analysis
        self.settings = settings
        self._ranks = {name: [one.chunk_id for one in found] for name, found in lists.items()}
        weights = settings.weights.model_dump()
        otherwise = [name for name in lists if name.startswith(EXPANSION)]
        # "lexical 2" is the list of a part, or of exact words.
        self._weights = {name: weights[name] if name in weights else weights[PART] for name in [*lists, LATE, NEWEST]}
        # Together they count as one list: many ways to say a thing must not outvote how it was said.
        self._weights |= dict.fromkeys(otherwise, weights[EXPANSION] / max(len(otherwise), 1))

    def first(self, count: int) -> list[FoundPassage]:
        """The best by the searches alone."""
        return [self.passages[one.item] for one in self.fused({})[:count]]

    def fused(self, further: Mapping[str, Sequence[UUID]]) -> list[Fused[UUID]]:
        return fuse({**self._ranks, **further}, self.settings.rrf_k, self._weights)


def rank(candidates: Candidates, late: Mapping[UUID, float], *, by_document: bool) -> list[Fused[UUID]]:
    """The candidates, best first; `late` scores some of them by late interaction.

    With `by_document` each document's best passage stands for it, else passages that say the same appear once.
    """
    further: dict[str, list[UUID]] = {}
    if late:
        further[LATE] = sorted(late, key=lambda chunk: -late[chunk])
    if candidates.analysis.asks_for_newest:
        further[NEWEST] = _newest_first(candidates)
    ordered = _exact_first(candidates, candidates.fused(further))
    return _one_of_each_document(candidates, ordered) if by_document else _without_repetitions(candidates, ordered)


def _newest_first(candidates: Candidates) -> list[UUID]:
    first = candidates.first(candidates.settings.rerank_depth)
    dated = sorted(first, key=lambda one: candidates.documents[one.document_id].dated_at, reverse=True)
    return [one.chunk_id for one in dated]


def _exact_first(candidates: Candidates, fused: list[Fused[UUID]]) -> list[Fused[UUID]]:
    """Passages with what must stand as it was written come before all others; more of it, earlier."""
    exact = candidates.analysis.decisive
    if not exact:
        return fused
    return sorted(fused, key=lambda one: -sum(holds(_read(candidates, one.item), wanted) for wanted in exact))


def _read(candidates: Candidates, chunk: UUID) -> str:
    passage = candidates.passages[chunk]
    return "\n".join([candidates.documents[passage.document_id].title, *passage.heading_path, passage.content])


def _one_of_each_document(candidates: Candidates, ordered: Iterable[Fused[UUID]]) -> list[Fused[UUID]]:
    best: dict[UUID, Fused[UUID]] = {}
    for one in ordered:
        best.setdefault(candidates.passages[one.item].document_id, one)
    return list(best.values())


def _without_repetitions(candidates: Candidates, ordered: Sequence[Fused[UUID]]) -> list[Fused[UUID]]:
    kept: list[Fused[UUID]] = []
    texts: set[str] = set()
    vectors, claims = _rows_for(candidates, ordered), list[list[str]]()
    for one in ordered:
        passage = candidates.passages[one.item]
        text = " ".join(passage.content.split()).casefold()
        claimed = sorted(_CLAIM.findall(text))
        if text in texts:
            continue
        if passage.vector is not None:
            alike = np.flatnonzero(vectors[: len(claims)] @ passage.vector >= SAME_COSINE)
            if any(claims[row] == claimed for row in alike):
                continue
            vectors[len(claims)] = passage.vector
            claims.append(claimed)
        kept.append(one)
        texts.add(text)
    return kept


def _rows_for(candidates: Candidates, ordered: Sequence[Fused[UUID]]) -> NDArray[np.float32]:
    """Room for the vector of each."""
    dimension = next((one.vector.size for one in candidates.passages.values() if one.vector is not None), 0)
    return np.empty((len(ordered), dimension), np.float32)
