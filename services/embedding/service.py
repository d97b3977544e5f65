"""Texts in, vectors out, by whichever of the served models is named."""

import time
from collections.abc import Sequence
from typing import Literal

from libs.clients.context import Lane
from libs.contracts.embedding import EmbeddingModelInfo
from services.embedding.ports import Embedded, EmbeddedTexts, Encoder, Reranked
from services.embedding.refusals import invalid
from services.embedding.registry import ModelRegistry

OWNER = "footnote"
STARTED_AT = int(time.time())


class EmbeddingService:
    """Every call names a model and returns the one that answered beside the answer.

    Raises 404 for a model that isn't served, 503 for one that isn't loaded, 429 while too many texts wait for it, 422
    for texts that can't be embedded.
    """

    def __init__(self, registry: ModelRegistry[Encoder], max_waiting: int) -> None:
        self._registry = registry
        self._max_waiting = max_waiting

    def models(self) -> list[EmbeddingModelInfo]:
        """Those that are loaded, the default first. Raises 503 where none is."""
        default = self._registry.default
        return [
            EmbeddingModelInfo(
                id=encoder.id,
                created=STARTED_AT,
                owned_by=OWNER,
                dimension=encoder.dimension,
                max_tokens=encoder.max_tokens,
                space=encoder.space,
                default=name == default,
            )
            for name, encoder in self._registry.loaded()
        ]

    async def embed(
        self, texts: list[str], model: str, dimensions: int | None, lane: Lane, *, truncate: bool
    ) -> tuple[Encoder, Embedded]:
        """The texts' vectors, in order; a text beyond the model's limit is read up to it, or refused."""
        with self._registry.use(model) as encoder:
            refuse_unusable(texts, "input", self._max_waiting)
            if dimensions not in {None, encoder.dimension}:
                raise invalid(
                    f"{encoder.id} gives vectors of {encoder.dimension} dimensions, not {dimensions}.", "dimensions"
                )
            return encoder, await encoder.embed(texts, lane, truncate=truncate)

    async def embed_tokens(
        self, texts: list[str], role: Literal["query", "passage"], model: str, lane: Lane
    ) -> tuple[Encoder, EmbeddedTexts]:
        """Each text's vector and token vectors."""
        with self._registry.use(model) as encoder:
            refuse_unusable(texts, "texts", self._max_waiting)
            return encoder, await encoder.embed_tokens(texts, role, lane)

    async def rerank(self, query: str, texts: list[str], model: str, lane: Lane, *, truncate: bool) -> Reranked:
        """How well each text answers the query."""
        with self._registry.use(model) as encoder:
            refuse_unusable([query], "query", self._max_waiting)
            refuse_unusable(texts, "texts", max(1, self._max_waiting - 1))
            return await encoder.rerank(query, texts, lane, truncate=truncate)


def refuse_unusable(texts: Sequence[str], param: str, most: int) -> None:
    """Raises 422 for none, for more than `most`, and for texts that no model could read."""
    if not texts:
        raise invalid("There is nothing to read: the list is empty.", param)
    if len(texts) > most:
        raise invalid(f"{len(texts):,} texts came in one request; at most {most:,} are taken.", param)
    for index, text in enumerate(texts):
        if not text.strip():
            raise invalid(f"Text {index} is empty. Leave it out.", param)
        if not _encodable(text):
            raise invalid(f"Text {index} holds half of a surrogate pair, which is no character.", param)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
