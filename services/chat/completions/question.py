"""OpenAI's messages as a question with its history."""

from libs.contracts.knowledge_completions import FOOTNOTE, QUESTION_MAX_CHARS, KnowledgeCompletionRequest
from services.chat.generating import DEFAULT
from services.chat.memory.turns import Turn, conversation_of
from services.chat.opening import Asked, LongRequest

TOKENS_UNLESS_ASKED = 512
FEWEST_TOKENS, MOST_TOKENS = 50, 2_000
MAX_TEMPERATURE = 1.0
TEMPERATURE_UNLESS_ASKED = 0.7


def asked(body: KnowledgeCompletionRequest) -> Asked:
    """The last message, after those before it; temperature and token budget are brought within `POST /chat`'s bounds.

    What a client says as the system or as a tool changes nothing: the answer comes from the documents alone.
    """
    *before, question = body.messages
    tokens = body.max_completion_tokens or body.max_tokens or TOKENS_UNLESS_ASKED
    temperature = TEMPERATURE_UNLESS_ASKED if body.temperature is None else body.temperature
    request = LongRequest(
        message=question.text,
        model=None if body.model in {FOOTNOTE, DEFAULT} else body.model,
        max_tokens=max(FEWEST_TOKENS, min(tokens, MOST_TOKENS)),
        temperature=min(temperature, MAX_TEMPERATURE),
    )
    turns = [
        Turn(message.role, message.text[:QUESTION_MAX_CHARS])
        for message in before
        if message.role in {"user", "assistant"}
    ]
    return Asked(request, by_program=True, conversation=conversation_of(turns))
