"""Conversations over HTTP."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from libs.contracts.chat import ChatMessageList, ChatSession, ChatSessionList, Feedback
from libs.contracts.conversations import ConversationFile, GivenFeedbackList, SessionChange
from libs.service.idempotency import Idempotent
from libs.service.identity import AdminSubject, CurrentSubject
from services.chat.conversations.repository import Which
from services.chat.conversations.service import Conversations
from services.chat.conversations.transfer import Transfers

router = APIRouter(tags=["conversations"])

PAGE = Query(ge=1, le=100)
WORDS = Query(max_length=200, pattern=r"^[^\x00]*$")


async def conversations_of(request: Request) -> Conversations:
    conversations: Conversations = request.app.state.conversations
    return conversations


async def transfers_of(request: Request) -> Transfers:
    transfers: Transfers = request.app.state.transfers
    return transfers


TheConversations = Annotated[Conversations, Depends(conversations_of)]
TheTransfers = Annotated[Transfers, Depends(transfers_of)]


@router.get("/chat/sessions")
async def sessions(
    subject: CurrentSubject,
    conversations: TheConversations,
    which: Which = "own",
    q: Annotated[str | None, WORDS] = None,
    cursor: str | None = None,
    limit: Annotated[int, PAGE] = 20,
) -> ChatSessionList:
    """The caller's sessions, pinned ones first, then the latest; or those that colleagues share, or the bin's.

    `q` finds words in titles and questions.
    """
    return await conversations.listed(subject, which, q, limit, cursor)


@router.post("/chat/sessions/import", status_code=201)
async def import_session(
    body: ConversationFile, subject: CurrentSubject, once: Idempotent, transfers: TheTransfers
) -> Response:
    """An exported conversation as a new session. What it cites is kept where the caller may read just that."""
    return await once.answer(body, lambda: transfers.taken_in(subject, body), status=201)


@router.get("/chat/sessions/{session_id}")
async def session(session_id: UUID, subject: CurrentSubject, conversations: TheConversations) -> ChatSession:
    """One of the caller's sessions, or one that a colleague shares."""
    return await conversations.session(subject, session_id)


@router.patch("/chat/sessions/{session_id}")
async def change_session(
    session_id: UUID, body: SessionChange, subject: CurrentSubject, conversations: TheConversations
) -> ChatSession:
    """Renames, pins, shares, or shows another branch."""
    return await conversations.change(subject, session_id, body)


@router.delete("/chat/sessions/{session_id}", status_code=204)
async def delete_session(
    session_id: UUID, subject: CurrentSubject, conversations: TheConversations, *, purge: bool = False
) -> None:
    """Into the bin; with `purge` for good, from the bin too."""
    await conversations.delete(subject, session_id, purge=purge)


@router.post("/chat/sessions/{session_id}/restore")
async def restore_session(session_id: UUID, subject: CurrentSubject, conversations: TheConversations) -> ChatSession:
    """Out of the bin."""
    return await conversations.restore(subject, session_id)


@router.get("/chat/sessions/{session_id}/messages")
async def messages(
    session_id: UUID,
    subject: CurrentSubject,
    conversations: TheConversations,
    cursor: str | None = None,
    limit: Annotated[int, PAGE] = 50,
) -> ChatMessageList:
    """The messages of the branch that is shown, the oldest first. Sources that may no longer be read are blanked."""
    return await conversations.messages(subject, session_id, limit, cursor)


@router.get("/chat/sessions/{session_id}/export", response_class=StreamingResponse)
async def export_session(
    session_id: UUID,
    subject: CurrentSubject,
    transfers: TheTransfers,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> StreamingResponse:
    """The session as a file: JSON with every branch, or the branch that is shown as Markdown."""
    exported = await transfers.handed_out(subject, session_id, form)
    suffix, media_type = ("json", "application/json") if form == "json" else ("md", "text/markdown; charset=utf-8")
    headers = {"Content-Disposition": f'attachment; filename="conversation-{session_id}.{suffix}"'}
    return StreamingResponse(exported, media_type=media_type, headers=headers)


@router.put("/chat/messages/{message_id}/feedback", status_code=204)
async def rate(message_id: UUID, body: Feedback, subject: CurrentSubject, conversations: TheConversations) -> None:
    """Rates an answer, or rates it anew. The organisation's admins see the rating with the question and the answer."""
    await conversations.rate(subject, message_id, body)


@router.delete("/chat/messages/{message_id}/feedback", status_code=204)
async def unrate(message_id: UUID, subject: CurrentSubject, conversations: TheConversations) -> None:
    await conversations.unrate(subject, message_id)


@router.get("/admin/feedback")
async def feedback(
    admin: AdminSubject,
    conversations: TheConversations,
    max_rating: Annotated[int, Query(ge=1, le=5)] = 5,
    cursor: str | None = None,
    limit: Annotated[int, PAGE] = 20,
) -> GivenFeedbackList:
    """How members rated their answers, the latest first. Sources that the admin may not read are blanked."""
    return await conversations.feedback(admin, max_rating, limit, cursor)
