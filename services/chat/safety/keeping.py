"""What may be kept of a question and its answer under an organisation's policy for personal data."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from libs.contracts.answering import AnswerPolicy
from libs.contracts.chat import ChatMessage
from libs.contracts.errors import invalid
from services.chat.repository import FinishedAnswer
from services.chat.safety.personal.finding import found_in
from services.chat.safety.personal.masking import masked, masked_record, masked_value


def kept_text(text: str, policy: AnswerPolicy, regions: Sequence[str]) -> str:
    """A question, or a title made of it, as it is stored; as long as it was."""
    return text if policy.personal_data == "allow" else masked(text, regions)


def kept_instructions(text: str, policy: AnswerPolicy, regions: Sequence[str]) -> str:
    """A person's own instructions as they are stored. Raises 422 where the organisation refuses what they hold."""
    if policy.personal_data == "refuse":
        kinds = list(dict.fromkeys(one.kind for one in found_in(text, regions)))
        if kinds:
            raise invalid(
                "instructions", f"hold personal data ({', '.join(kinds)}), which your organization doesn't allow here"
            )
    return kept_text(text, policy, regions)


def kept_options(options: dict[str, Any], policy: AnswerPolicy, regions: Sequence[str]) -> dict[str, Any]:
    return options if policy.personal_data == "allow" else masked_value(options, regions)


def kept_message(message: ChatMessage, policy: AnswerPolicy, regions: Sequence[str]) -> ChatMessage:
    """A message from a file, as it is stored."""
    if policy.personal_data == "allow":
        return message
    sources = [masked_record(source, regions) for source in message.sources]
    return message.model_copy(update={"content": masked(message.content, regions), "sources": sources})


def kept_answer(finished: FinishedAnswer, policy: AnswerPolicy, regions: Sequence[str]) -> FinishedAnswer:
    """The answer as it is stored.

    Under `mask` whatever is said in it or shown beside it is masked, also what comes from documents: who may read those
    reads it there.
    """
    question = kept_text(finished.question, policy, regions)
    if policy.personal_data != "mask":
        return replace(finished, question=question)
    return replace(
        finished,
        question=question,
        content=masked(finished.content, regions),
        sources=[masked_record(source, regions) for source in finished.sources],
        steps=masked_value(finished.steps, regions),
    )
