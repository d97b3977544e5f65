"""What knowledge needs from outside: an index over passages, and embeddings."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from libs.clients.embedding import EmbeddedPassages, EmbeddedQuery
from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.knowledge import SearchFilters


@dataclass(frozen=True)
class PassageAttributes:
    """What index rows say of their document besides its title and content: who may read it, and what filters ask.

    `readers` are names: `organization`, `user:<id>`, `group:<id>`. `facts` are the free metadata, as
    `services.knowledge.metadata.facts` writes them.
    """

    readers: tuple[str, ...]
    dated_at: datetime
    media_type: str
    category: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    source: str | None = None
    collection_id: UUID | None = None
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class IndexedPassage:
    """A passage as it is indexed.

    `header` (title and headings) and `table_header` (the first row of the table in whose rows it begins) are searched
    and embedded with `content`, which stays the original's own text. `tokens` are its token vectors, as
    `libs.inference.late_interaction.maxsim` takes them; `model_revision` names the embedding model of both.
    """

    chunk_id: UUID
    document_id: UUID
    version: UUID
    position: int
    header: str
    table_header: str | None
    content: str
    heading_path: tuple[str, ...]
    page: int | None
    start: int
    end: int
    token_count: int
    attributes: PassageAttributes
    vector: NDArray[np.float32]
    tokens: bytes
    model_revision: str


@dataclass(frozen=True)
class FoundPassage:
    """A passage that the index names; whether it is still served and readable, only the system of record knows.

    `score` is BM25 or cosine similarity, as the search asked for; `vector` comes with searches only.
    """

    chunk_id: UUID
    document_id: UUID
    version: UUID
    position: int
    content: str
    heading_path: tuple[str, ...]
    table_header: str | None
    page: int | None
    start: int
    end: int
    token_count: int
    score: float = 0.0
    vector: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Scope:
    """Whose passages a search may name at all: one organisation's, for any of `readers`, within the filters.

    `named` are the documents that the filters' external ids mean, which the index doesn't know. `unserved` are versions
    that are being written: some passages of theirs would crowd out what is served.
    """

    organization_id: UUID
    readers: tuple[str, ...]
    filters: SearchFilters | None = None
    named: tuple[UUID, ...] | None = None
    unserved: tuple[UUID, ...] = ()


# Of some versions those that are still served, now.
Served = Callable[[Collection[UUID]], Awaitable[set[UUID]]]


class PassageIndex(Protocol):
    """Passages of each organisation apart. Reads see every write that has returned.

    An organisation has one index for each embedding model that its passages were embedded with, each of its own number;
    every other method is about those of one number.
    """

    def numbered(self, number: int) -> "PassageIndex":
        """The indexes of that number; 0 is every organisation's first."""
        ...

    async def check(self) -> None:
        """Raises an error that tells the operator what is wrong where the index isn't there."""
        ...

    async def numbers(self, organization_id: UUID) -> set[int]:
        """Of which anything is stored."""
        ...

    async def model_revision(self, organization_id: UUID) -> str | None:
        """By which any passage was embedded; "" where there is an index without passages, None where there is none."""
        ...

    async def add(self, organization_id: UUID, passages: Sequence[IndexedPassage]) -> None: ...

    async def add_absent(self, organization_id: UUID, passages: Sequence[IndexedPassage], served: Served) -> None:
        """Adds those that aren't there and whose version is `served` when no other writer can come in between."""
        ...

    async def lexical(self, scope: Scope, query: str, limit: int, *, every: bool = False) -> list[FoundPassage]:
        """The best by BM25, best first, of those that hold a word of the query, or `every` one.

        Then those that hold every one in a row come first. Any text is a query; one without searchable words finds
        nothing.
        """
        ...

    async def similar(self, scope: Scope, vector: NDArray[np.float32], limit: int) -> list[FoundPassage]:
        """The best by cosine similarity to a `(dim,)` float32 vector, best first."""
        ...

    async def of_document(
        self, organization_id: UUID, document_id: UUID, version: UUID, offset: int, limit: int
    ) -> list[FoundPassage]:
        """A document's passages in their order."""
        ...

    async def by_ids(self, organization_id: UUID, chunk_ids: Sequence[UUID]) -> list[FoundPassage]: ...

    async def tokens(
        self, organization_id: UUID, chunk_ids: Sequence[UUID], model_revision: str
    ) -> dict[tuple[UUID, UUID], bytes]:
        """The token vectors that this model made, by chunk id and version."""
        ...

    async def versions(self, organization_id: UUID) -> set[UUID]:
        """Every version that has passages here."""
        ...

    async def counts(self, organization_id: UUID) -> Counter[UUID]:
        """How many passages each version has here."""
        ...

    async def remove(self, organization_id: UUID, versions: Sequence[UUID]) -> None:
        """Removes the versions' passages; absent is fine."""
        ...

    async def maintain(self, organization_id: UUID) -> None:
        """Folds recent writes into the index structures, and makes what its size asks for. Changes no answer."""
        ...

    async def update(self, organization_id: UUID, version: UUID, title: str, attributes: PassageAttributes) -> None:
        """Changes what a version's rows say of their document, all at once; vectors stay as they are."""
        ...

    async def rewrite(self, organization_id: UUID) -> None:
        """Writes what is there anew, so that from now on only older states hold what was removed. Changes no answer."""
        ...

    async def forget(self, organization_id: UUID, older_than: timedelta) -> None:
        """Deletes the bytes of older states; a reader has `older_than` to finish with one."""
        ...

    async def drop(self, organization_id: UUID) -> None:
        """Deletes all that is stored of the organisation under this number; absent is fine."""
        ...


class Embedder(Protocol):
    """`libs.clients.embedding` is one. Each method raises FootnoteError; `model` is an id or "default"."""

    async def models(self, *, timeout_s: float = 10) -> list[EmbeddingModelInfo]:
        """What is served, the default first."""
        ...

    async def embed(self, texts: list[str], *, model: str = "default", timeout_s: float = 30) -> NDArray[np.float32]:
        """`(n, dim)` float32 rows of unit length."""
        ...

    async def embed_query(self, text: str, *, model: str = "default", timeout_s: float = 30) -> EmbeddedQuery: ...

    async def embed_passages(
        self, texts: list[str], *, model: str = "default", timeout_s: float = 30
    ) -> EmbeddedPassages: ...
