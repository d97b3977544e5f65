"""A question takes its place in a conversation: at its end, in place of another, or asked once more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from pydantic import Field

from libs.contracts.chat import ChatRequest
from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge_completions import QUESTION_MAX_CHARS
from services.chat.draft import Question
from services.chat.memory.turns import Conversation
from services.chat.repository import ChatRepository, ChatStore
from services.chat.safety.keeping import kept_options, kept_text

TITLE_CHARS = 80


class LongRequest(ChatRequest):
    """A program's question, or a stored one, may be longer than what a person asks."""

    message: str = Field(max_length=QUESTION_MAX_CHARS)


@dataclass(frozen=True)
class Asked:
    """`again_to` names the question of the session that is answered once more; the request then repeats it.

    A program's question stands in a session of its own; its `conversation` came with it, also where it is answered once
    more.
    """

    request: ChatRequest
    again_to: UUID | None = None
    by_program: bool = False
    conversation: Conversation = field(default_factory=Conversation)


async def opened(
    store: ChatStore, subject: Subject, asked: Asked, phone_regions: Sequence[str], reservation_id: UUID
) -> Question:
    """Stores the question, unless it was asked before, and the answer to be made. What is stored keeps to the policy.

    Raises 404 for a session, or a question in it, that isn't the asker's, and 422 NO_GENERATOR for a question without
    documents where the organisation has its answers written from the documents' words alone.
    """
    request, again_to = asked.request, asked.again_to
    session_id = request.session_id or uuid4()
    question_id, answer_id = again_to or uuid4(), uuid4()
    async with store.step(subject) as repository:
        policy, instructions = await repository.policies.policy_and_instructions()
        if policy.mode == "extractive" and not request.enable_rag:
            raise FootnoteError(
                ErrorCode.NO_GENERATOR,
                "Your organization's answers come from its documents' own sentences. Set enable_rag to true.",
                422,
                {"param": "enable_rag"},
            )
        message = kept_text(request.message, policy, phone_regions)
        before = await _before(repository, asked, session_id, message, answer_id)
        came_along = asked.by_program or asked.conversation.turns
        conversation = asked.conversation if came_along else await _conversation(repository, before)
        if again_to is None:
            options = kept_options(_options(request), policy, phone_regions)
            await repository.add_question(question_id, session_id, before, message, options)
        await repository.add_answer(answer_id, session_id, question_id, reservation_id)
        if request.session_id is not None:
            await repository.show(session_id, answer_id)
    return Question(
        subject,
        request,
        session_id,
        answer_id,
        reservation_id,
        request.message,
        conversation,
        policy,
        instructions,
        again=again_to is not None,
    )


async def _conversation(repository: ChatRepository, before: UUID | None) -> Conversation:
    return (await repository.memory.remembered(before)).conversation


async def _before(
    repository: ChatRepository, asked: Asked, session_id: UUID, message: str, answer_id: UUID
) -> UUID | None:
    """The message that the question follows; None where it is the first, which names its session."""
    request = asked.request
    if request.session_id is None:
        await repository.add_session(session_id, _title(message), answer_id, by_program=asked.by_program)
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
