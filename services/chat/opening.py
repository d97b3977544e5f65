"""A question takes its place in a conversation: at its end, in place of another, or asked once more."""

from typing import Any
from uuid import UUID, uuid4

from libs.contracts.chat import ChatRequest
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from services.chat.draft import Question
from services.chat.followup import standalone
from services.chat.repository import ChatRepository, ChatStore

TITLE_CHARS = 80


async def opened(store: ChatStore, subject: Subject, request: ChatRequest, again_to: UUID | None) -> Question:
    """Stores the question, unless it is `again_to`'s, and the answer to be made.

    Raises 404 for a session, or a question in it, that isn't the asker's.
    """
    session_id = request.session_id or uuid4()
    question_id, answer_id, reservation_id = again_to or uuid4(), uuid4(), uuid4()
    async with store.step(subject) as repository:
        before = await _before(repository, request, session_id, again_to)
        history = await repository.recent(before)
        if again_to is None:
            await repository.add_question(question_id, session_id, before, request.message, _options(request))
        await repository.add_answer(answer_id, session_id, question_id, reservation_id)
    asked = [message.content for message in history if message.role == "user"]
    text = standalone(request.message, asked[-1] if asked and request.enable_rag else None)
    return Question(subject, request, session_id, answer_id, reservation_id, text, history)


async def _before(
    repository: ChatRepository, request: ChatRequest, session_id: UUID, again_to: UUID | None
) -> UUID | None:
    """The message that the question follows; None where it is the first."""
    if request.session_id is None:
        await repository.add_session(session_id, _title(request.message))
        return None
    session = await repository.touch_session(session_id)
    if session is None:
        raise not_found("session", session_id)
    replaced = again_to or request.edit_of
    if replaced is None:
        return session.leaf_id
    question = await repository.question(replaced, session_id)
    if question is None:
        raise not_found("message", replaced)
    return question.parent_id


def _options(request: ChatRequest) -> dict[str, Any]:
    """How it was asked, for another answer to it."""
    return request.model_dump(mode="json", include={"enable_rag", "filters", "max_tokens", "temperature", "model"})


def _title(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= TITLE_CHARS else line[: TITLE_CHARS - 1] + "…"
