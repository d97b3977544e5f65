"""Asking, over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from libs.clients.context import current_context
from libs.contracts.chat import AnswerTrace, ChatRequest, ChatResponse
from libs.contracts.conversations import Regeneration
from libs.contracts.errors import ErrorCode, ErrorEnvelope, FootnoteError
from libs.contracts.identity import Subject
from libs.service.idempotency import Claim, Idempotent, Kept
from libs.service.identity import CurrentSubject
from libs.service.streaming import event_stream
from libs.telemetry.logs import get_logger
from services.chat.events import HEARTBEAT, Event, encoded, replayed
from services.chat.explanation import as_text
from services.chat.opening import Asked
from services.chat.run import AnswerRun
from services.chat.service import Chat
from services.chat.serving import CLIENT_LEFT, ClientLeftError, complete, unless_left

log = get_logger(__name__)

router = APIRouter(tags=["chat"])

STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, or with `stream` the events session, sources, token, citation, done and error.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


Form = Literal["json", "text"]
TEXT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The trace, or with `format=text` the same as Markdown.",
        "content": {"text/markdown": {"schema": {"type": "string"}}},
    }
}


async def chat_of(request: Request) -> Chat:
    chat: Chat = request.app.state.chat
    return chat


TheChat = Annotated[Chat, Depends(chat_of)]


@router.post("/chat", response_model=ChatResponse, responses=STREAM)
@router.post("/chat/message", response_model=ChatResponse, responses=STREAM)
async def ask(
    request: Request, body: ChatRequest, subject: CurrentSubject, once: Idempotent, chat: TheChat
) -> Response | ChatResponse:
    """A question answered from the documents its asker may read. Leaving ends the answer and keeps what was said."""
    claimed = await once.claim(body, chat.longest_answer_s)
    if isinstance(claimed, Kept):
        return await _kept(subject, claimed, chat, stream=body.stream)
    run = chat.ask(subject, Asked(body), lambda answer_id: ended(claimed, answer_id))
    return await _answered(request, run, chat, stream=body.stream)


@router.post("/chat/messages/{message_id}/regenerate", response_model=ChatResponse, responses=STREAM)
async def regenerate(
    request: Request,
    message_id: UUID,
    body: Regeneration,
    subject: CurrentSubject,
    once: Idempotent,
    chat: TheChat,
) -> Response | ChatResponse:
    """Another answer to the question of this one; the session shows it from then on, and keeps the other."""
    claimed = await once.claim(body, chat.longest_answer_s)
    if isinstance(claimed, Kept):
        return await _kept(subject, claimed, chat, stream=body.stream)
    try:
        run = await chat.answer_again(subject, message_id, body, lambda answer_id: ended(claimed, answer_id))
    except BaseException:
        await claimed.free()
        raise
    return await _answered(request, run, chat, stream=body.stream)


@router.post("/chat/messages/{message_id}/stop", status_code=204)
async def stop(message_id: UUID, subject: CurrentSubject, chat: TheChat) -> None:
    """Ends an answer that is being written; what was said of it stays."""
    await chat.stop(subject, message_id)


@router.get("/chat/messages/{message_id}/trace", response_model=AnswerTrace, responses=TEXT)
async def trace(
    message_id: UUID, subject: CurrentSubject, chat: TheChat, form: Annotated[Form, Query(alias="format")] = "json"
) -> AnswerTrace | Response:
    """How an answer was made, for the one who asked; as a text, sentence by sentence, for a person."""
    told = await chat.trace(subject, message_id)
    return told if form == "json" else Response(as_text(told), media_type="text/markdown; charset=utf-8")


async def _kept(subject: Subject, kept: Kept, chat: Chat, *, stream: bool) -> Response | ChatResponse:
    answer = await chat.stored_answer(subject, UUID(kept.value))
    return event_stream(_replay(answer)) if stream else answer


async def _answered(request: Request, run: AnswerRun, chat: Chat, *, stream: bool) -> Response | ChatResponse:
    try:
        # Until the first event an error is an ordinary one, with its own status.
        first = await unless_left(request, run.event() if stream else complete(run))
    except ClientLeftError:
        run.stop()
        return Response(status_code=CLIENT_LEFT)
    if isinstance(first, ChatResponse) and not stream:
        return first
    return event_stream(_events(run, first, chat.heartbeat_s))


async def _events(run: AnswerRun, first: Event, heartbeat_s: float) -> AsyncGenerator[bytes]:
    try:
        yield encoded(first)
        while True:
            try:
                async with asyncio.timeout(heartbeat_s):
                    event = await run.event()
            except TimeoutError:
                yield HEARTBEAT
                continue
            except Exception as error:  # noqa: BLE001 - the status has gone out; the stream carries the error
                yield encoded(_envelope(error))
                return
            yield encoded(event)
            if isinstance(event, ChatResponse):
                return
    finally:
        # Without an await: when the client leaves, this runs in a task that is being cancelled.
        run.stop()


async def _replay(answer: ChatResponse) -> AsyncGenerator[bytes]:
    for event in replayed(answer):
        yield encoded(event)


async def ended(claim: Claim, answer_id: UUID | None) -> None:
    """Keeps an answer for its key, or frees the key where there is none."""
    if answer_id is None:
        await claim.free()
    else:
        await claim.keep(str(answer_id))


def _envelope(error: Exception) -> ErrorEnvelope:
    request_id = current_context().request_id
    if isinstance(error, FootnoteError):
        return ErrorEnvelope(code=error.code, message=error.message, details=error.details, request_id=request_id)
    log.error("unexpected error", exc_info=error)
    message = "Something went wrong on our side. Give the request id to your operator."
    return ErrorEnvelope(code=ErrorCode.INTERNAL, message=message, request_id=request_id)
