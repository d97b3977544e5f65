"""A search as it was asked for, and what it found."""

from dataclasses import dataclass, field
from typing import Any, Literal

from libs.contracts.knowledge import Expansion, RetrievedPassage, SearchFilters, Strategy

Mode = Literal["lexical", "vector", "hybrid"]
GroupBy = Literal["passage", "document"]


# In place of what an embedding model mustn't read: something stays where nothing else is asked for.
UNSAID = "…"


@dataclass(frozen=True)
class Wanted:
    """Without `top_k` the query's kind decides how many passages it gets.

    No embedding model reads the parts of the query that are `unsaid`.
    """

    query: str
    strategy: Strategy = "auto"
    top_k: int | None = None
    filters: SearchFilters | None = None
    group_by: GroupBy = "passage"
    rerank: bool = True
    unsaid: tuple[str, ...] = ()

    def to_embed(self, text: str) -> str:
        """The query, or another form of it, as an embedding model may read it."""
        for part in sorted(self.unsaid, key=len, reverse=True):
            text = text.replace(part, UNSAID)
        return text


@dataclass(frozen=True)
class Found:
    """`trace` tells each step; `degraded` names what didn't work as configured.

    `knowledge_version` was the organisation's when the search began: what was found is at least as new. `expansions` is
    what the glossary added.
    """

    passages: list[RetrievedPassage]
    strategy_used: Mode
    degraded: list[str]
    knowledge_version: int
    trace: list[dict[str, Any]]
    expansions: list[Expansion] = field(default_factory=list[Expansion])
