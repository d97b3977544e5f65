"""Documents, passages and search over HTTP."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from libs.contracts.knowledge import (
    Document,
    DocumentAccepted,
    DocumentBatch,
    DocumentBatchAccepted,
    DocumentList,
    DocumentStatus,
    PassageInContext,
    PassageList,
    ReadableRequest,
    ReadableResponse,
    RetrievalRequest,
    RetrievalResponse,
    SearchRequest,
    SearchResponse,
    ServedPassages,
    Standing,
    TextDocument,
    UploadFields,
)
from libs.contracts.lifecycle import DocumentChanges
from libs.service.idempotency import Idempotent
from libs.service.identity import CurrentSubject, Reader
from services.knowledge.access import is_guest
from services.knowledge.changes import Changes
from services.knowledge.collection_routes import router as collections
from services.knowledge.documents import Documents
from services.knowledge.forms import file_upload, fingerprint, is_multipart, read_json, text_upload
from services.knowledge.found import Wanted
from services.knowledge.glossary.routes import router as glossary
from services.knowledge.groups import Groups
from services.knowledge.guests import require_explainable, require_open_filters, result_for
from services.knowledge.lifecycle_routes import NoBody
from services.knowledge.lifecycle_routes import router as lifecycle
from services.knowledge.listing import ListingFilters
from services.knowledge.passages import Passages
from services.knowledge.retrieval import Retriever
from services.knowledge.standing import Standings
from services.knowledge.upload_rows import Upload
from services.knowledge.uploads import Uploads
from services.knowledge.usage.routes import UsageDependency
from services.knowledge.usage.routes import router as use

# First: what they name would else be taken for a document's id.
router = APIRouter(routes=[*collections.routes, *lifecycle.routes, *use.routes, *glossary.routes])

FORM_FIELDS_MAX = 100
IDEMPOTENCY_KEY = "idempotency-key"
# Longer than storing the largest upload takes.
LOCK_S = 300.0

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    **UploadFields.model_json_schema(ref_template="#/components/schemas/{model}"),
                    "required": ["file"],
                }
            },
            "application/json": {"schema": TextDocument.model_json_schema(ref_template="#/components/schemas/{model}")},
        },
    }
}
BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": DocumentBatch.model_json_schema(ref_template="#/components/schemas/{model}")}
        },
    }
}


@dataclass(frozen=True)
class Knowledge:
    groups: Groups
    uploads: Uploads
    documents: Documents
    changes: Changes
    passages: Passages
    retriever: Retriever
    standings: Standings


async def knowledge_of(request: Request) -> Knowledge:
    knowledge: Knowledge = request.app.state.knowledge
    return knowledge


KnowledgeDependency = Annotated[Knowledge, Depends(knowledge_of)]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.post("/documents", status_code=202, openapi_extra=UPLOAD_BODY, response_model=DocumentAccepted)
async def add_document(
    request: Request, subject: CurrentSubject, knowledge: KnowledgeDependency, once: Idempotent
) -> Response:
    """A file with its fields, or a text as JSON; indexed in the background. The same external_id replaces."""

    async def accept(upload: Upload) -> DocumentAccepted:
        await knowledge.groups.require(subject, [upload.attributes.access])
        return (await knowledge.uploads.accept(subject, [upload]))[0]

    if not is_multipart(request):
        document = await read_json(request, TextDocument)
        return await once.answer(document, lambda: accept(text_upload(document)), status=202, lock_s=LOCK_S)
    async with request.form(max_files=1, max_fields=FORM_FIELDS_MAX) as form:
        upload = file_upload(form)
        sent = await fingerprint(form, upload) if IDEMPOTENCY_KEY in request.headers else upload.attributes
        return await once.answer(sent, lambda: accept(upload), status=202, lock_s=LOCK_S)


@router.post("/documents/batch", status_code=202, openapi_extra=BATCH_BODY, response_model=DocumentBatchAccepted)
async def add_documents(
    request: Request, subject: CurrentSubject, knowledge: KnowledgeDependency, once: Idempotent
) -> Response:
    """Up to 500 texts at once, all accepted or none; the items are in their order."""
    batch = await read_json(request, DocumentBatch)

    async def accept() -> DocumentBatchAccepted:
        await knowledge.groups.require(subject, [document.access for document in batch.documents])
        uploads = [text_upload(document) for document in batch.documents]
        return DocumentBatchAccepted(items=await knowledge.uploads.accept(subject, uploads))

    return await once.answer(batch, accept, status=202, lock_s=LOCK_S)


@router.get("/documents")
async def list_documents(
    subject: Reader,
    knowledge: KnowledgeDependency,
    filters: ListingFilters,
    status: DocumentStatus | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Limit = 20,
    *,
    deleted: bool = False,
) -> DocumentList:
    """The newest first; `q` is part of a title; with `deleted` what is in the bin and yours to restore.

    Also by what is said of documents, as in a search: `metadata.KEY` for any of the free metadata.
    """
    return await knowledge.documents.page(
        subject, status=status, title=q, cursor=cursor, limit=limit, deleted=deleted, filters=filters
    )


@router.get("/documents/{document_id}")
async def show_document(document_id: UUID, subject: Reader, knowledge: KnowledgeDependency) -> Document:
    return await knowledge.documents.show(subject, document_id)


@router.patch("/documents/{document_id}")
async def change_document(
    document_id: UUID, body: DocumentChanges, subject: CurrentSubject, knowledge: KnowledgeDependency
) -> Document:
    """What is named changes, with the next query; null clears it. The content isn't read again."""
    return await knowledge.changes.change(subject, document_id, body)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(
    document_id: UUID, subject: CurrentSubject, knowledge: KnowledgeDependency, *, purge: bool = False
) -> Response:
    """Gone from every answer when this returns: into the bin, or with `purge` for ever."""
    give_up = knowledge.documents.purge if purge else knowledge.documents.delete
    await give_up(subject, document_id)
    return Response(status_code=204)


@router.post("/documents/{document_id}/restore", response_model=Document)
async def restore_document(
    document_id: UUID, subject: CurrentSubject, knowledge: KnowledgeDependency, once: Idempotent
) -> Response:
    """Out of the bin, to be found when this returns. 409 where another document has its external_id now."""
    return await once.answer(NoBody(), lambda: knowledge.documents.restore(subject, document_id))


@router.get("/documents/{document_id}/passages")
async def list_passages(
    document_id: UUID,
    subject: Reader,
    knowledge: KnowledgeDependency,
    cursor: str | None = None,
    limit: Limit = 50,
) -> PassageList:
    """The document's passages in their order."""
    return await knowledge.passages.page(subject, document_id, cursor, limit)


@router.get("/documents/{document_id}/passages/{chunk_id}")
async def show_passage(
    document_id: UUID, chunk_id: UUID, subject: Reader, knowledge: KnowledgeDependency
) -> PassageInContext:
    """A passage with the text around it."""
    return await knowledge.passages.in_context(subject, document_id, chunk_id)


@router.post("/search")
async def search(
    body: SearchRequest, subject: Reader, knowledge: KnowledgeDependency, usage: UsageDependency
) -> SearchResponse:
    """The best passages, or with `group_by` document each document's best one."""
    require_explainable(subject, body)
    require_open_filters(subject, body.filters)
    wanted = Wanted(body.query, body.strategy, body.top_k, body.filters, body.group_by, body.rerank)
    found = await knowledge.retriever.retrieve(subject, wanted)
    if not is_guest(subject):
        usage.counts.found(found.passages)
    return SearchResponse(
        results=[result_for(subject, passage, explain=body.explain) for passage in found.passages],
        strategy_used=found.strategy_used,
        degraded=found.degraded,
        expansions=[] if is_guest(subject) else found.expansions,
    )


@router.post("/internal/retrievals", include_in_schema=False)
async def retrieve(
    body: RetrievalRequest, subject: CurrentSubject, knowledge: KnowledgeDependency, usage: UsageDependency
) -> RetrievalResponse:
    wanted = Wanted(body.query, top_k=body.top_k, filters=body.filters, unsaid=tuple(body.unsaid))
    found = await knowledge.retriever.retrieve(subject, wanted)
    usage.counts.found(found.passages)
    return RetrievalResponse(
        passages=found.passages,
        strategy_used=found.strategy_used,
        degraded=found.degraded,
        knowledge_version=found.knowledge_version,
        trace=found.trace,
        expansions=found.expansions,
    )


@router.get("/internal/standing", include_in_schema=False)
async def standing(
    subject: CurrentSubject,
    knowledge: KnowledgeDependency,
    chunk_id: Annotated[list[UUID] | None, Query(max_length=100)] = None,
) -> Standing:
    if not chunk_id:
        return await knowledge.standings.of(subject)
    told, readable = await asyncio.gather(
        knowledge.standings.of(subject), knowledge.passages.readable(subject, list(dict.fromkeys(chunk_id)))
    )
    return told.model_copy(update={"readable": readable})


@router.post("/internal/readable", include_in_schema=False)
async def readable(body: ReadableRequest, subject: CurrentSubject, knowledge: KnowledgeDependency) -> ReadableResponse:
    return ReadableResponse(chunk_ids=await knowledge.passages.readable(subject, body.chunk_ids))


@router.post("/internal/passages", include_in_schema=False)
async def passages(body: ReadableRequest, subject: CurrentSubject, knowledge: KnowledgeDependency) -> ServedPassages:
    return ServedPassages(passages=await knowledge.passages.served(subject, body.chunk_ids))
