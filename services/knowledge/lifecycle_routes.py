"""Originals, re-indexing and exports over HTTP."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from libs.contracts.knowledge import DocumentAccepted
from libs.contracts.lifecycle import Export, ExportAccepted, ExportRequest, ReindexAccepted, ReindexRequest
from libs.service.idempotency import Idempotent
from libs.service.identity import AdminSubject, CurrentSubject
from services.knowledge.exports import Exports
from services.knowledge.originals import Originals
from services.knowledge.reindexing import Reindexing

router = APIRouter()

# A browser saves the file and never shows it as a page of ours, whatever is in it.
AS_FILE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}


class NoBody(BaseModel):
    """A request without a body, as an idempotency key compares it."""


@dataclass(frozen=True)
class Lifecycle:
    originals: Originals
    reindexing: Reindexing
    exports: Exports


async def lifecycle_of(request: Request) -> Lifecycle:
    lifecycle: Lifecycle = request.app.state.lifecycle
    return lifecycle


LifecycleDependency = Annotated[Lifecycle, Depends(lifecycle_of)]


@router.head("/documents/{document_id}/original", include_in_schema=False)
@router.get("/documents/{document_id}/original", response_class=FileResponse)
async def download_original(document_id: UUID, subject: CurrentSubject, lifecycle: LifecycleDependency) -> FileResponse:
    """The file that the served content was made from, whole or the ranges asked for."""
    original = await lifecycle.originals.open(subject, document_id)
    # As a header of its own: given as a type, `text/…` would be said to be UTF-8, which nobody knows.
    headers = {**AS_FILE, "Content-Type": original.media_type}
    return FileResponse(original.path, filename=original.file_name, headers=headers)


@router.post("/documents/reindex", status_code=202, response_model=ReindexAccepted)
async def reindex_documents(
    subject: AdminSubject, lifecycle: LifecycleDependency, once: Idempotent, body: ReindexRequest | None = None
) -> Response:
    """All of the organisation's documents, or those that match; for owners and admins."""
    request = body or ReindexRequest()
    return await once.answer(request, lambda: lifecycle.reindexing.all(subject, request.filters), status=202)


@router.post("/documents/{document_id}/reindex", status_code=202, response_model=DocumentAccepted)
async def reindex_document(
    document_id: UUID, subject: CurrentSubject, lifecycle: LifecycleDependency, once: Idempotent
) -> Response:
    """Reads the file again; the old passages are found until the new ones are."""
    return await once.answer(NoBody(), lambda: lifecycle.reindexing.one(subject, document_id), status=202)


@router.post("/documents/export", status_code=202, response_model=ExportAccepted)
async def request_export(
    subject: CurrentSubject, lifecycle: LifecycleDependency, once: Idempotent, body: ExportRequest | None = None
) -> Response:
    """All documents that you may read, or those that match, as a ZIP file. 409 while your last one isn't finished."""
    request = body or ExportRequest()
    return await once.answer(request, lambda: lifecycle.exports.request(subject, request), status=202)


@router.get("/documents/exports/{export_id}")
async def show_export(export_id: UUID, subject: CurrentSubject, lifecycle: LifecycleDependency) -> Export:
    return await lifecycle.exports.show(subject, export_id)


@router.head("/documents/exports/{export_id}/download", include_in_schema=False)
@router.get("/documents/exports/{export_id}/download", response_class=FileResponse)
async def download_export(export_id: UUID, subject: CurrentSubject, lifecycle: LifecycleDependency) -> FileResponse:
    """409 until it is ready, and where it holds what you may not read any more."""
    download = await lifecycle.exports.download(subject, export_id)
    return FileResponse(download.path, filename=download.file_name, headers=AS_FILE, media_type="application/zip")
