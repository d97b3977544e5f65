"""A question takes its place in a conversation: at its end, in place of another, or asked once more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from pydantic import Field

from libs.contracts.chat import ChatRequest
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge_completions import QUESTION_MAX_CHARS
from services.chat.draft import Question
from services.chat.followup import standalone
from services.chat.repository import ChatRepository, ChatStore, Turn

TITLE_CHARS = 80


class LongRequest(ChatRequest):
    """A program's question, or a stored one, may be longer than what a person asks."""

    message: str = Field(max_length=QUESTION_MAX_CHARS)


@dataclass(frozen=True)
class Asked:
    """`again_to` names the question of the session that is answered once more; the request then repeats it.

    A program's question stands in a session of its own; its `history` came with it.
    """

    request: ChatRequest
    again_to: UUID | None = None
    by_program: bool = False
    history: Sequence[Turn] = ()


async def opened(store: ChatStore, subject: Subject, asked: Asked) -> Question:
    """Stores the question, unless it was asked before, and the answer to be made.

    Raises 404 for a session, or a question in it, that isn't the asker's.
    """
    request, again_to = asked.request, asked.again_to
    session_id = request.session_id or uuid4()
    question_id, answer_id, reservation_id = again_to or uuid4(), uuid4(), uuid4()
    async with store.step(subject) as repository:
        before = await _before(repository, asked, session_id)
        history = asked.history if asked.by_program else await repository.recent(before)
        if again_to is None:
            await repository.add_question(question_id, session_id, before, request.message, _options(request))
        await repository.add_answer(answer_id, session_id, question_id, reservation_id)
        policy, instructions = await repository.policies.policy_and_instructions()
    questions = [message.content for message in history if message.role == "user"]
    text = standalone(request.message, questions[-1] if questions and request.enable_rag else None)
    again = again_to is not None
    return Question(subject, request, session_id, answer_id, reservation_id, text, history, policy, instructions, again)


async def _before(repository: ChatRepository, asked: Asked, session_id: UUID) -> UUID | None:
    """The message that the question follows; None where it is the first."""
    request = asked.request
    if request.session_id is None:
        await repository.add_session(session_id, _title(request.message), by_program=asked.by_program)
        return None
    session = await repository.touch_session(session_id)
    if session is None:
        raise not_found("session", session_id)
    replaced = asked.again_to or request.edit_of
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
