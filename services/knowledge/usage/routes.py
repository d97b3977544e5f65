"""Use over HTTP: a document's for those who manage it, all documents' for owners and admins."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from libs.contracts.usage import CitedAnswer, DocumentUse, UsedDocumentList, UseOrder
from libs.service.identity import AdminSubject, CurrentSubject
from services.knowledge.usage.counting import UseCounts
from services.knowledge.usage.reports import UseReports

router = APIRouter()


@dataclass(frozen=True)
class Usage:
    counts: UseCounts
    reports: UseReports


async def usage_of(request: Request) -> Usage:
    usage: Usage = request.app.state.usage
    return usage


UsageDependency = Annotated[Usage, Depends(usage_of)]


@router.get("/documents/use")
async def list_use(
    subject: AdminSubject,
    usage: UsageDependency,
    since: date | None = None,
    order: UseOrder = UseOrder.MOST_FOUND,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    *,
    never_found: bool = False,
) -> UsedDocumentList:
    """The documents that you may read, by how often they were found or cited since a day; else in 30 days."""
    return await usage.reports.of_all(subject, since, order, int(cursor or 0), limit, never_found=never_found)


@router.get("/documents/{document_id}/use")
async def show_use(
    document_id: UUID, subject: CurrentSubject, usage: UsageDependency, since: date | None = None
) -> DocumentUse:
    """By day, with the passages that were used most; for those who may change the document."""
    return await usage.reports.of_document(subject, document_id, since)


@router.post("/internal/citations", status_code=204, include_in_schema=False)
async def count_citations(answer: CitedAnswer, usage: UsageDependency) -> None:
    await usage.counts.cited(answer)
