"""The glossary over HTTP: its readers are the organisation's members, its writers their owners and admins."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from libs.contracts.glossary import (
    GlossaryEntry,
    GlossaryEntryRequest,
    GlossaryList,
    GlossaryReplaced,
    GlossaryReplacement,
)
from libs.service.idempotency import Idempotent
from libs.service.identity import AdminSubject, CurrentSubject
from services.knowledge.glossary.entries import Glossary
from services.knowledge.glossary.forms import read_replacement

router = APIRouter()

REPLACEMENT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": GlossaryReplacement.model_json_schema(ref_template="#/components/schemas/{model}")
            },
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


async def glossary_of(request: Request) -> Glossary:
    glossary: Glossary = request.app.state.glossary
    return glossary


GlossaryDependency = Annotated[Glossary, Depends(glossary_of)]


@router.get("/search/glossary")
async def list_entries(
    subject: CurrentSubject,
    glossary: GlossaryDependency,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> GlossaryList:
    """By term; `q` is part of a term or of what it means."""
    return await glossary.page(subject, q, cursor, limit)


@router.post("/search/glossary", status_code=201, response_model=GlossaryEntry)
async def add_entry(
    body: GlossaryEntryRequest, subject: AdminSubject, glossary: GlossaryDependency, once: Idempotent
) -> Response:
    """A term and the other ways to say it; holds with the next query. 409 for a term that has an entry."""
    return await once.answer(body, lambda: glossary.create(subject, body), status=201)


@router.put("/search/glossary", openapi_extra=REPLACEMENT_BODY)
async def replace_entries(request: Request, subject: AdminSubject, glossary: GlossaryDependency) -> GlossaryReplaced:
    """All entries at once instead of those that there are, as JSON or as CSV with the columns term, means, note."""
    return await glossary.replace(subject, await read_replacement(request))


@router.get("/search/glossary/{entry_id}")
async def show_entry(entry_id: UUID, subject: CurrentSubject, glossary: GlossaryDependency) -> GlossaryEntry:
    return await glossary.show(subject, entry_id)


@router.put("/search/glossary/{entry_id}")
async def change_entry(
    entry_id: UUID, body: GlossaryEntryRequest, subject: AdminSubject, glossary: GlossaryDependency
) -> GlossaryEntry:
    """The whole entry anew; holds with the next query."""
    return await glossary.change(subject, entry_id, body)


@router.delete("/search/glossary/{entry_id}", status_code=204)
async def delete_entry(entry_id: UUID, subject: AdminSubject, glossary: GlossaryDependency) -> Response:
    await glossary.delete(subject, entry_id)
    return Response(status_code=204)
