"""Documents that come from elsewhere, over HTTP. Mounted before the documents' own routes, whose ids would match."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from libs.contracts.knowledge import DocumentAccepted
from libs.contracts.sources import (
    Formats,
    Inventory,
    InventoryItem,
    NewExternalId,
    States,
    StatesRequest,
    WebDocument,
)
from libs.service.idempotency import Idempotent
from libs.service.identity import CurrentSubject
from services.knowledge.groups import Groups
from services.knowledge.parsing.media_types import FORMATS
from services.knowledge.sources.inventory import Inventories
from services.knowledge.sources.pages import WebPages
from services.knowledge.sources.registry import SourceRegistry
from services.knowledge.sources.resumable import ResumableUploads

router = APIRouter()

# Longer than fetching and storing a page takes.
LOCK_S = 300.0


@dataclass(frozen=True)
class Sources:
    groups: Groups
    inventories: Inventories
    pages: WebPages
    resumable: ResumableUploads
    registry: SourceRegistry


async def sources_of(request: Request) -> Sources:
    sources: Sources = request.app.state.sources
    return sources


SourcesDependency = Annotated[Sources, Depends(sources_of)]


@router.get("/documents/formats")
async def formats(_subject: CurrentSubject) -> Formats:
    return Formats(extensions=sorted(extension for entry in FORMATS for extension in entry.extensions))


@router.get("/documents/inventory")
async def inventory(
    subject: CurrentSubject,
    sources: SourcesDependency,
    prefix: Annotated[str, Query(max_length=500)] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
) -> Inventory:
    """The documents whose external_id begins with `prefix`, each with the SHA-256 of its newest bytes."""
    return await sources.inventories.page(subject, prefix, cursor, limit)


@router.post("/documents/states")
async def states(body: StatesRequest, subject: CurrentSubject, sources: SourcesDependency) -> States:
    """How far each of up to 1,000 documents has come."""
    return States(items=await sources.inventories.states(subject, body.document_ids))


@router.post("/documents/web", status_code=202, response_model=DocumentAccepted)
async def add_page(
    body: WebDocument, subject: CurrentSubject, sources: SourcesDependency, once: Idempotent
) -> Response:
    """Fetches a web page and lines it up for indexing; the same address replaces."""

    async def accept() -> DocumentAccepted:
        await sources.groups.require(subject, [body.access])
        return await sources.pages.add(subject, body)

    return await once.answer(body, accept, status=202, lock_s=LOCK_S)


@router.put("/documents/{document_id}/external_id")
async def rename(
    document_id: UUID, body: NewExternalId, subject: CurrentSubject, sources: SourcesDependency
) -> InventoryItem:
    """Gives a document another external_id; its content, id and passages stay."""
    return await sources.inventories.rename(subject, document_id, body.external_id)
