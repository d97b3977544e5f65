"""`/v1/chat/completions` and `/v1/models`, for any client of OpenAI's."""

import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from libs.clients.generation import GenerationClient
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.knowledge_completions import FOOTNOTE, AnsweredCompletion, KnowledgeCompletionRequest
from libs.contracts.openai import Model, ModelList
from libs.service.idempotency import Idempotent, Kept
from libs.service.identity import CurrentSubject
from libs.service.streaming import event_stream
from services.chat.completions.question import asked
from services.chat.completions.shape import Shape
from services.chat.quota import Quota
from services.chat.routes import TheChat, ended
from services.chat.serving import CLIENT_LEFT, ClientLeftError, complete, unless_left

router = APIRouter(tags=["openai"])

STARTED_AT = int(time.time())


async def generation_of(request: Request) -> GenerationClient:
    generation: GenerationClient = request.app.state.generation
    return generation


async def quota_of(request: Request) -> Quota:
    quota: Quota = request.app.state.quota
    return quota


async def page_of(request: Request) -> str:
    page: str = request.app.state.page
    return page


@router.get("/v1/models")
async def models(
    _subject: CurrentSubject,
    generation: Annotated[GenerationClient, Depends(generation_of)],
    quota: Annotated[Quota, Depends(quota_of)],
) -> ModelList:
    """`footnote` answers with the model that is configured; the others, which the plan includes, by their names."""
    included = await generation.models(plan=await quota.plan())
    return ModelList(data=[Model(id=FOOTNOTE, created=STARTED_AT, owned_by=FOOTNOTE), *included.data])


@router.get("/v1/models/{name:path}")
async def model(
    name: str,
    subject: CurrentSubject,
    generation: Annotated[GenerationClient, Depends(generation_of)],
    quota: Annotated[Quota, Depends(quota_of)],
) -> Model:
    """One of them; 404 for another."""
    offered = (await models(subject, generation, quota)).data
    found = next((one for one in offered if one.id == name), None)
    if found is None:
        raise FootnoteError(ErrorCode.MODEL_NOT_FOUND, f"There is no model {name!r}.", 404, {"param": "model"})
    return found


@router.post("/v1/chat/completions", response_model=AnsweredCompletion)
async def completions(
    request: Request,
    body: KnowledgeCompletionRequest,
    subject: CurrentSubject,
    once: Idempotent,
    chat: TheChat,
    page: Annotated[str, Depends(page_of)],
) -> Response | AnsweredCompletion:
    """An answer from the documents that the caller may read. The conversation is the request's own."""
    shape = Shape(int(time.time()), body.model, page)
    claimed = await once.claim(body, chat.longest_answer_s)
    with_usage = body.stream_options is not None and body.stream_options.include_usage
    if isinstance(claimed, Kept):
        answer = await chat.stored_answer(subject, UUID(claimed.value))
        return event_stream(shape.replayed(answer, with_usage=with_usage)) if body.stream else shape.completion(answer)
    run = chat.ask(subject, asked(body), lambda answer_id: ended(claimed, answer_id))
    try:
        # Until the first event an error is an ordinary one, with its own status.
        if not body.stream:
            return shape.completion(await unless_left(request, complete(run)))
        first = await unless_left(request, run.event())
    except ClientLeftError:
        run.stop()
        return Response(status_code=CLIENT_LEFT)
    return event_stream(shape.chunks(run, first, chat.heartbeat_s, with_usage=with_usage))
