"""Collections over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from libs.contracts.lifecycle import Collection, CollectionChanges, CollectionList, CollectionRequest
from libs.service.idempotency import Idempotent
from libs.service.identity import CurrentSubject
from services.knowledge.collections import Collections

router = APIRouter()


async def collections_of(request: Request) -> Collections:
    collections: Collections = request.app.state.collections
    return collections


CollectionsDependency = Annotated[Collections, Depends(collections_of)]


@router.post("/documents/collections", status_code=201, response_model=Collection)
async def create_collection(
    body: CollectionRequest, subject: CurrentSubject, collections: CollectionsDependency, once: Idempotent
) -> Response:
    return await once.answer(body, lambda: collections.create(subject, body), status=201)


@router.get("/documents/collections")
async def list_collections(subject: CurrentSubject, collections: CollectionsDependency) -> CollectionList:
    """All that you manage, by name."""
    return await collections.page(subject)


@router.get("/documents/collections/{collection_id}")
async def show_collection(
    collection_id: UUID, subject: CurrentSubject, collections: CollectionsDependency
) -> Collection:
    return await collections.show(subject, collection_id)


@router.patch("/documents/collections/{collection_id}")
async def change_collection(
    collection_id: UUID, body: CollectionChanges, subject: CurrentSubject, collections: CollectionsDependency
) -> Collection:
    """A new access holds with the next query for all documents that inherit it."""
    return await collections.change(subject, collection_id, body)


@router.delete("/documents/collections/{collection_id}", status_code=204)
async def delete_collection(
    collection_id: UUID, subject: CurrentSubject, collections: CollectionsDependency
) -> Response:
    """409 while documents lie in it."""
    await collections.delete(subject, collection_id)
    return Response(status_code=204)
