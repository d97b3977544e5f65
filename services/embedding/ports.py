"""What an embedding model is, whatever runs it, and a classifier of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from libs.clients.context import Lane
from libs.contracts.embedding import Pair
from services.embedding.tokenizer import PairTokenizer, PairTokens, TextTokenizer, TokenIds


@dataclass(frozen=True)
class Encoded:
    """One batch's output, float32, rows in the batch's order.

    `vectors` is `(n, dimension)` of unit length. `states` is `(n, longest, token dimension)`: a row of unit length for
    each token of each text; rows behind a text's end mean nothing. The two dimensions differ where the model projects
    what it pooled.
    """

    vectors: NDArray[np.float32]
    states: NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """`vectors` is `(n, dimension)` float32, rows of unit length; `tokens` counts what the model read of all texts."""

    vectors: NDArray[np.float32]
    tokens: int


@dataclass(frozen=True, slots=True)
class EmbeddedText:
    """A text's vector, and its tokens' vectors in `libs.inference.late_interaction`'s form, empty unless wanted."""

    vector: NDArray[np.float32]
    tokens: bytes


@dataclass(frozen=True)
class EmbeddedTexts:
    """`tokens` counts what the model read of all texts."""

    texts: list[EmbeddedText]
    tokens: int


@dataclass(frozen=True)
class Reranked:
    """`scores` is `(n,)` float32, -1 to 1, in the texts' order."""

    scores: NDArray[np.float32]
    tokens: int


@dataclass(frozen=True)
class Classified:
    """`probabilities` is `(n, labels)` float32 in the pairs' order, columns in `labels`'; `tokens` as in Embedded."""

    probabilities: NDArray[np.float32]
    labels: tuple[str, ...]
    tokens: int


class Described(Protocol):
    """What is told of every model."""

    @property
    def id(self) -> str:
        """The model's public name."""
        ...

    @property
    def backend(self) -> str:
        """What runs it: as `embedding.backend` names it, or the protocol of a server elsewhere."""
        ...

    @property
    def revision(self) -> str:
        """Changes whenever what it says does."""
        ...


class Servable(Described, Protocol):
    """A model that can be asked, wherever it runs."""

    async def run(self) -> None:
        """Works until cancelled."""
        ...


class Embeds(Described, Protocol):
    """What is told of every embedding model."""

    @property
    def space(self) -> str:
        """Names what its vectors may be compared with: the weights, whatever runs them."""
        ...

    @property
    def dimension(self) -> int: ...

    @property
    def token_dimension(self) -> int:
        """Of a token's vector; 0 where the model gives none."""
        ...


class Encoder(Servable, Embeds, Protocol):
    """An embedding model that can be asked. All three ways of asking raise what `EmbeddingService` documents."""

    @property
    def max_tokens(self) -> int:
        """What it reads of a text."""
        ...

    async def embed(self, texts: list[str], lane: Lane, *, truncate: bool) -> Embedded: ...

    async def embed_tokens(self, texts: list[str], role: Literal["query", "passage"], lane: Lane) -> EmbeddedTexts: ...

    async def rerank(self, query: str, texts: list[str], lane: Lane, *, truncate: bool) -> Reranked: ...


class PairClassifier(Servable, Protocol):
    """A model that says what one text is to another."""

    async def classify(self, pairs: Sequence[Pair], lane: Lane, *, truncate: bool) -> Classified:
        """Raises what `EntailmentService` documents."""
        ...


class PairModel(Described, Protocol):
    """A loaded and warmed-up classifier of this process. Every method blocks."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def tokenizer(self) -> PairTokenizer: ...

    def probabilities(self, batch: Sequence[PairTokens]) -> NDArray[np.float32]:
        """`(n, labels)`, each row's sum 1. Several threads may ask. Raises ValueError for what is no number."""
        ...


class EmbeddingModel(Embeds, Protocol):
    """A loaded and warmed-up embedding model of this process. Every method blocks."""

    @property
    def tokenizer(self) -> TextTokenizer: ...

    @property
    def ingest_threads(self) -> int:
        """How many batches of ingestion at once use the device best."""
        ...

    def encode(self, batch: Sequence[TokenIds], lane: Lane = "query") -> Encoded:
        """For queries as soon as can be, for ingestion as many a second as can be.

        One thread may ask for queries and `ingest_threads` for ingestion, all at once.
        """
        ...


class ModelLoadError(Exception):
    """The model can't be loaded; the message names the file, the reason and what to do.

    `passing`: it may be there later without anything being changed here.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
