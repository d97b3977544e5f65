"""knowledge, as chat calls it, on behalf of the reader; and as auth does, of who shares."""

from collections.abc import Sequence
from uuid import UUID

from libs.clients.base import ServiceClient
from libs.contracts.evaluation import NewSetQuestion, QuestionSetSummary
from libs.contracts.knowledge import (
    PassageInContext,
    ReadableRequest,
    ReadableResponse,
    RetrievalRequest,
    RetrievalResponse,
    SearchRequest,
    SearchResponse,
    ServedPassages,
    Standing,
)
from libs.contracts.lifecycle import Collection
from libs.contracts.usage import CitedAnswer


class KnowledgeClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def retrieve(self, request: RetrievalRequest) -> RetrievalResponse:
        return await self._service.call(
            "POST", "/internal/retrievals", RetrievalResponse, body=request, idempotent=True
        )

    async def standing(self, chunk_ids: Sequence[UUID] = (), *, timeout_s: float) -> Standing:
        """The knowledge's version, the reader's access set, and which of at most 100 passages they may see."""
        params = {"chunk_id": [str(one) for one in chunk_ids]}
        return await self._service.call(
            "GET", "/internal/standing", Standing, params=params, idempotent=True, timeout_s=timeout_s
        )

    async def count_citations(self, answer: CitedAnswer) -> None:
        """Told twice, it counts once."""
        await self._service.send("POST", "/internal/citations", body=answer, idempotent=True)

    async def readable(self, request: ReadableRequest) -> ReadableResponse:
        """Those of the passages that the reader may see now."""
        return await self._service.call("POST", "/internal/readable", ReadableResponse, body=request, idempotent=True)

    async def passages(self, request: ReadableRequest) -> ServedPassages:
        """The same with what they say."""
        return await self._service.call("POST", "/internal/passages", ServedPassages, body=request, idempotent=True)

    async def add_question(self, added: NewSetQuestion) -> QuestionSetSummary:
        """Puts it into the set, which is made where it is missing; sent twice, it is there once."""
        path = "/admin/evaluations/questions"
        return await self._service.call("POST", path, QuestionSetSummary, body=added, idempotent=True)

    async def search(self, request: SearchRequest) -> SearchResponse:
        return await self._service.call("POST", "/search", SearchResponse, body=request, idempotent=True)

    async def passage(self, document_id: UUID, chunk_id: UUID) -> PassageInContext:
        """404 for one that the reader may not see."""
        path = f"/documents/{document_id}/passages/{chunk_id}"
        return await self._service.call("GET", path, PassageInContext, idempotent=True)

    async def collection(self, collection_id: UUID) -> Collection:
        """404 for one that isn't the caller's to see and change."""
        path = f"/documents/collections/{collection_id}"
        return await self._service.call("GET", path, Collection, idempotent=True, timeout_s=2)
