"""Which embedding models are served now, and which of them made an index's vectors."""

import time
from collections.abc import Sequence

from libs.contracts.embedding import EmbeddingModelInfo
from libs.contracts.errors import FootnoteError, unavailable
from services.knowledge.ports import Embedder

# A change of the models counts here after this long; one that is looked for and isn't there is asked for sooner.
KNOWN_FOR_S = 5.0
ASKED_AGAIN_AFTER_S = 0.5
# It answers from memory; a search waits for it.
ASK_TIMEOUT_S = 2.0
REVISION_CHARS = 12


def space_of_revision(revision: str) -> str:
    """The space of passages of which only the model's revision is known: its weights' hash, without a model's id."""
    return f"@{revision[:REVISION_CHARS]}"


def same_space(one: str, other: str) -> bool:
    """Whether vectors of the two may be compared; either may lack the model's id."""
    if one.startswith("@") or other.startswith("@"):
        return one.rpartition("@")[2] == other.rpartition("@")[2]
    return one == other


class ModelList:
    """What was served when it was asked."""

    def __init__(self, models: Sequence[EmbeddingModelInfo]) -> None:
        self.models = tuple(models)

    @property
    def default(self) -> EmbeddingModelInfo:
        """What new passages are to be embedded with. Raises FootnoteError while it isn't loaded."""
        default = next((one for one in self.models if one.default), None)
        if default is None:
            raise unavailable("embedding")
        return default

    def of(self, space: str) -> EmbeddingModelInfo | None:
        """The model whose vectors may be compared with that space's."""
        return next((one for one in self.models if same_space(one.space, space)), None)

    def names_of_default_space(self) -> set[str]:
        return _names([self.default])

    def names_of_spaces(self) -> set[str]:
        """Every name under which an index may be of a served model."""
        return _names(self.models)


class ServedModels:
    """The embedding service's list, asked again when it is old. While nobody answers the last one holds.

    An answer that doesn't come isn't asked for sooner than one that did: each search would wait for it.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: ModelList | None = None
        self._asked_at = 0.0

    async def known(self) -> ModelList:
        """At most KNOWN_FOR_S old, where embedding answers. Raises FootnoteError where it never has."""
        return await self._at_most(KNOWN_FOR_S)

    async def _at_most(self, old_s: float) -> ModelList:
        if self._known is not None and time.monotonic() - self._asked_at < old_s:
            return self._known
        try:
            models = ModelList(await self._embedder.models(timeout_s=ASK_TIMEOUT_S))
        except FootnoteError:
            if self._known is None:
                raise
            self._asked_at = time.monotonic()
            return self._known
        self._known, self._asked_at = models, time.monotonic()
        return models

    async def settled(self) -> ModelList | None:
        """As `known`, None while nobody says what new passages are to be embedded with."""
        try:
            models = await self.known()
            _ = models.default
        except FootnoteError:
            return None
        return models

    async def of(self, space: str) -> EmbeddingModelInfo | None:
        """The served model of that space, None where there is none. Raises FootnoteError as `known` does."""
        return (await self.known()).of(space) or (await self._at_most(ASKED_AGAIN_AFTER_S)).of(space)


def _names(models: Sequence[EmbeddingModelInfo]) -> set[str]:
    return {name for one in models for name in (one.space, "@" + one.space.rpartition("@")[2])}
