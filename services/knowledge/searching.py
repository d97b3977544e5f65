"""One search under way: what was asked, what was found so far, and the answer that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.clients.embedding import EmbeddedQuery
from libs.contracts.identity import Subject
from libs.contracts.knowledge import Location, RetrievedPassage, SearchScores
from services.knowledge.analysis import QueryAnalysis
from services.knowledge.embedding_switch.indexes import Serving
from services.knowledge.found import Mode, Wanted
from services.knowledge.fusion import Fused
from services.knowledge.glossary.expansion import ExpandedTerm
from services.knowledge.ports import FoundPassage, Scope
from services.knowledge.ranking import LATE, LEXICAL, VECTOR
from services.knowledge.repository import ServedDocument

Vector = NDArray[np.float32]


@dataclass
class Search:
    """One retrieval under way; `lists` holds, per search, what the reader may see, best first.

    The searches are named "lexical" and "vector", "lexical 1" and so on for the query's parts and exact words, and
    "expansion 1" and so on for the query as the glossary says it otherwise; `otherwise` are those texts, embedded.
    """

    subject: Subject
    wanted: Wanted
    analysis: QueryAnalysis
    scope: Scope
    mode: Mode
    serving: Serving = Serving()  # noqa: RUF009 - frozen
    terms: tuple[ExpandedTerm, ...] = ()
    embedded: EmbeddedQuery | None = None
    otherwise: list[EmbeddedQuery] = field(default_factory=list[EmbeddedQuery])
    part_vectors: list[Vector] = field(default_factory=list[Vector])
    lists: dict[str, list[FoundPassage]] = field(default_factory=dict[str, list[FoundPassage]])
    documents: dict[UUID, ServedDocument] = field(default_factory=dict[UUID, ServedDocument])
    knowledge_version: int = 0
    exhausted: bool = False
    overtaken: bool = False
    at_one_version: bool = False
    passages: list[RetrievedPassage] = field(default_factory=list[RetrievedPassage])
    degraded: set[str] = field(default_factory=set[str])
    trace: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @property
    def used(self) -> Mode:
        if LEXICAL in self.lists and VECTOR in self.lists:
            return "hybrid"
        return "vector" if VECTOR in self.lists else "lexical"

    @property
    def texts(self) -> list[str]:
        """What any word is looked for of: the query, with all that its terms are called otherwise, and its parts."""
        ways = [way for term in self.terms for way in term.ways]
        return [" ".join([self.wanted.query, *ways]), *self.analysis.parts]

    def results(self, ranked: Sequence[Fused[UUID]]) -> list[RetrievedPassage]:
        """As they are answered, with what each list said of them."""
        lexical = {one.chunk_id: one for one in self.lists.get(LEXICAL, [])}
        similar = {one.chunk_id: one for one in self.lists.get(VECTOR, [])}
        named = {one.chunk_id: one for found in self.lists.values() for one in found}
        passages: list[RetrievedPassage] = []
        for one in ranked:
            in_lexical, in_similar = lexical.get(one.item), similar.get(one.item)
            passage = named[one.item]
            document = self.documents[passage.document_id]
            # What only a part or exact words brought has that search's score, which is of the same kind.
            alone = (in_similar if self.used == VECTOR else in_lexical) or passage
            passages.append(
                RetrievedPassage(
                    document_id=document.id,
                    external_id=document.external_id,
                    chunk_id=passage.chunk_id,
                    title=document.title,
                    content=passage.content,
                    score=alone.score if self.used != "hybrid" else one.score,
                    location=location_of(passage),
                    scores=SearchScores(
                        lexical_rank=one.ranks.get(LEXICAL),
                        lexical_score=in_lexical.score if in_lexical else None,
                        vector_rank=one.ranks.get(VECTOR),
                        vector_score=in_similar.score if in_similar else None,
                        late_rank=one.ranks.get(LATE),
                        fused=one.score,
                    ),
                    token_count=passage.token_count,
                    similarity=self._similarity(passage),
                    date=document.dated_at,
                    authority=document.authority,
                )
            )
        return passages

    def _similarity(self, passage: FoundPassage) -> float | None:
        """The cosine, also for a passage that only its words brought here."""
        if self.embedded is None or passage.vector is None:
            return None
        return max(float(np.dot(passage.vector, query.vector)) for query in (self.embedded, *self.otherwise))


def location_of(passage: FoundPassage) -> Location:
    return Location(
        page=passage.page,
        heading_path=list(passage.heading_path),
        table_header=passage.table_header,
        start=passage.start,
        end=passage.end,
    )
