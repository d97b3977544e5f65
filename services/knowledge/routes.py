"""Documents, passages and search over HTTP."""

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
    SearchResult,
    TextDocument,
    UploadFields,
)
from libs.service.idempotency import Idempotent
from libs.service.identity import CurrentSubject
from services.knowledge.documents import Documents
from services.knowledge.forms import file_upload, fingerprint, is_multipart, read_json, text_upload
from services.knowledge.groups import Groups
from services.knowledge.passages import Passages
from services.knowledge.retrieval import Retriever
from services.knowledge.uploads import Upload, Uploads

router = APIRouter()

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
    passages: Passages
    retriever: Retriever


def knowledge_of(request: Request) -> Knowledge:
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
    subject: CurrentSubject,
    knowledge: KnowledgeDependency,
    status: DocumentStatus | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
    limit: Limit = 20,
) -> DocumentList:
    """The newest first; `q` is part of a title."""
    return await knowledge.documents.page(subject, status=status, title=q, cursor=cursor, limit=limit)


@router.get("/documents/{document_id}")
async def show_document(document_id: UUID, subject: CurrentSubject, knowledge: KnowledgeDependency) -> Document:
    return await knowledge.documents.show(subject, document_id)


@router.delete("/documents/{document_id}", status_code=204)
async def delete_document(document_id: UUID, subject: CurrentSubject, knowledge: KnowledgeDependency) -> Response:
    """Gone from every answer when this returns."""
    await knowledge.documents.delete(subject, document_id)
    return Response(status_code=204)


@router.get("/documents/{document_id}/passages")
async def list_passages(
    document_id: UUID,
    subject: CurrentSubject,
    knowledge: KnowledgeDependency,
    cursor: str | None = None,
    limit: Limit = 50,
) -> PassageList:
    """The document's passages in their order."""
    return await knowledge.passages.page(subject, document_id, cursor, limit)


@router.get("/documents/{document_id}/passages/{chunk_id}")
async def show_passage(
    document_id: UUID, chunk_id: UUID, subject: CurrentSubject, knowledge: KnowledgeDependency
) -> PassageInContext:
    """A passage with the text around it."""
    return await knowledge.passages.in_context(subject, document_id, chunk_id)


@router.post("/search")
async def search(body: SearchRequest, subject: CurrentSubject, knowledge: KnowledgeDependency) -> SearchResponse:
    """The best passages, or with `group_by` document each document's best one.

    `rerank` has no effect until a reranker is configured: the fused order stands.
    """
    found = await knowledge.retriever.retrieve(
        subject, body.query, body.strategy, body.top_k, body.filters, body.group_by
    )
    hidden = None if body.explain else {"scores"}
    results = [SearchResult.model_validate(passage.model_dump(exclude=hidden)) for passage in found.passages]
    return SearchResponse(results=results, strategy_used=found.strategy_used, degraded=found.degraded)


@router.post("/internal/retrievals", include_in_schema=False)
async def retrieve(
    body: RetrievalRequest, subject: CurrentSubject, knowledge: KnowledgeDependency
) -> RetrievalResponse:
    found = await knowledge.retriever.retrieve(subject, body.query, "auto", body.top_k, body.filters)
    return RetrievalResponse(
        passages=found.passages,
        strategy_used=found.strategy_used,
        degraded=found.degraded,
        knowledge_version=found.knowledge_version,
        trace=found.trace,
    )


@router.post("/internal/readable", include_in_schema=False)
async def readable(body: ReadableRequest, subject: CurrentSubject, knowledge: KnowledgeDependency) -> ReadableResponse:
    return ReadableResponse(chunk_ids=await knowledge.passages.readable(subject, body.chunk_ids))
