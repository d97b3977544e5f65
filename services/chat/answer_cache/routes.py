"""The cache of answers over HTTP, for an organisation's admins."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from libs.contracts.answering import AnswerCacheReport, AnswerCacheWarmed, AnswerCacheWarming
from libs.service.identity import AdminSubject
from services.chat.answer_cache.cache import AnswerCache
from services.chat.answer_cache.warming import CacheWarmer

router = APIRouter(prefix="/admin/answers/cache", tags=["answer cache"])


async def cache_of(request: Request) -> AnswerCache:
    cache: AnswerCache = request.app.state.answer_cache
    return cache


async def warmer_of(request: Request) -> CacheWarmer:
    warmer: CacheWarmer = request.app.state.warmer
    return warmer


TheCache = Annotated[AnswerCache, Depends(cache_of)]


@router.get("")
async def report(admin: AdminSubject, cache: TheCache) -> AnswerCacheReport:
    """What the organisation's cache of answers has given, and what it holds."""
    return await cache.report(admin.organization_id)


@router.delete("", status_code=204)
async def empty(admin: AdminSubject, cache: TheCache) -> None:
    """Forgets every kept answer of the organisation."""
    await cache.empty(admin.organization_id)


@router.post("/warm", status_code=202)
async def warm(
    body: AnswerCacheWarming, admin: AdminSubject, warmer: Annotated[CacheWarmer, Depends(warmer_of)]
) -> AnswerCacheWarmed:
    """Asks the organisation's most asked questions again, as the caller and from what the caller may read."""
    return AnswerCacheWarmed(questions=await warmer.start(admin, body.questions))
