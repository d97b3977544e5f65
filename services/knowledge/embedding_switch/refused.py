"""Passages that a model refuses for good, as servers of models do with some texts: they are found by words alone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import all_, func, literal, select, update

from libs.clients.embedding import EmbeddedPassages
from libs.contracts.errors import FootnoteError, unavailable
from libs.stores.postgres import Database
from services.knowledge.faults import passes
from services.knowledge.models import DocumentRow
from services.knowledge.ports import Embedder

EMBED_TIMEOUT_S = 120.0
# No server has a reason to refuse it: where it is refused too, the server is at fault, not the text before.
HARMLESS = "warm up"
_SAYS = "Some of its passages are found by their words alone: they are refused by the embedding model "


@dataclass(frozen=True)
class Embedded:
    """A row for each text. Those of the `refused`, by their places, are zero, which no search by vectors finds."""

    made: EmbeddedPassages
    refused: frozenset[int] = frozenset()
    reason: str = ""


async def embed(embedder: Embedder, texts: list[str], model: str) -> Embedded:
    """The texts' vectors; of several each half by itself where one of them is refused, so that no other lacks its own.

    Raises FootnoteError where the model is away, or refuses whatever it is given.
    """
    try:
        return Embedded(await embedder.embed_passages(texts, model=model, timeout_s=EMBED_TIMEOUT_S))
    except FootnoteError as error:
        if passes(error):
            raise
        refusal = error
    if len(texts) > 1:
        middle = len(texts) // 2
        return _joined(*[await embed(embedder, half, model) for half in (texts[:middle], texts[middle:])])
    other = await embedder.embed_passages([HARMLESS], model=model, timeout_s=EMBED_TIMEOUT_S)
    nothing = EmbeddedPassages(np.zeros_like(other.vectors), (b"",), other.revision, other.space)
    return Embedded(nothing, frozenset([0]), refusal.message)


def _joined(first: Embedded, second: Embedded) -> Embedded:
    one, other = first.made, second.made
    if (one.space, one.revision) != (other.space, other.revision):
        raise unavailable("embedding")  # another model was loaded meanwhile
    vectors = np.concatenate([one.vectors, other.vectors])
    made = EmbeddedPassages(vectors, (*one.tokens, *other.tokens), one.revision, one.space)
    refused = first.refused | {len(one.tokens) + place for place in second.refused}
    return Embedded(made, refused, first.reason or second.reason)


async def warn(database: Database, versions: Collection[UUID], model: str) -> None:
    """Says of the documents that serve these versions that the model refuses some of their passages."""
    warning = f"{_SAYS}{model!r}."
    async with database.transaction() as session:
        await session.execute(
            update(DocumentRow)
            .where(DocumentRow.served_version.in_(versions), literal(warning) != all_(DocumentRow.warnings))
            .values(warnings=func.array_append(DocumentRow.warnings, warning))
        )


async def unwarn(database: Database, organization_id: UUID, model: str) -> None:
    """Of all models but this one: what they refused is embedded by it."""
    query = select(DocumentRow).where(
        DocumentRow.organization_id == organization_id, func.array_to_string(DocumentRow.warnings, "\n").contains(_SAYS)
    )
    async with database.transaction() as session:
        for document in await session.scalars(query.with_for_update()):
            document.warnings = _without(document.warnings, model)


def _without(warnings: Sequence[str], model: str) -> list[str]:
    return [one for one in warnings if not one.startswith(_SAYS) or one == f"{_SAYS}{model!r}."]
