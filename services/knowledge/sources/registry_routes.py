"""Sources over HTTP, for an organisation's owners and admins."""

from uuid import UUID

from fastapi import APIRouter, Response

from libs.contracts.sources import NewSource, Source, SourceChange, SourceList, SourceRunList
from libs.service.idempotency import Idempotent
from libs.service.identity import AdminSubject
from services.knowledge.sources.routes import SourcesDependency

router = APIRouter()


@router.post("/documents/sources", status_code=201, response_model=Source)
async def register_source(
    body: NewSource, subject: AdminSubject, sources: SourcesDependency, once: Idempotent
) -> Response:
    """Names web pages or an S3 prefix, to be read now and, with `interval_hours`, again and again."""

    async def register() -> Source:
        await sources.groups.require(subject, [body.attributes.access])
        return await sources.registry.register(subject, body)

    return await once.answer(body, register, status=201)


@router.get("/documents/sources")
async def list_sources(subject: AdminSubject, sources: SourcesDependency) -> SourceList:
    """The organisation's sources, each with its last run."""
    return SourceList(items=await sources.registry.all(subject))


@router.get("/documents/sources/{source_id}/runs")
async def list_runs(source_id: UUID, subject: AdminSubject, sources: SourcesDependency) -> SourceRunList:
    """What the last 20 runs changed, the newest first."""
    return SourceRunList(items=await sources.registry.runs(subject, source_id))


@router.post("/documents/sources/{source_id}/runs", status_code=202)
async def run_source(source_id: UUID, subject: AdminSubject, sources: SourcesDependency) -> Source:
    """Due at once; asking twice before it begins runs it once."""
    return await sources.registry.run_now(subject, source_id)


@router.patch("/documents/sources/{source_id}")
async def change_source(
    source_id: UUID, body: SourceChange, subject: AdminSubject, sources: SourcesDependency
) -> Source:
    """What is said replaces: how often it runs, and of an S3 source its credentials and endings."""
    return await sources.registry.change(subject, source_id, body)


@router.delete("/documents/sources/{source_id}", status_code=204)
async def delete_source(
    source_id: UUID, subject: AdminSubject, sources: SourcesDependency, *, keep_documents: bool = False
) -> Response:
    """Forgets a source; its documents are deleted soon after, unless they are to be kept."""
    await sources.registry.delete(subject, source_id, keep_documents=keep_documents)
    return Response(status_code=204)
