"""Which answers are kept, and where."""

import re
from collections.abc import Sequence

import orjson

from libs.contracts.chat import ChatRequest, ChatResponse, Outcome
from libs.contracts.knowledge import Standing
from libs.service.app import VERSION
from services.chat.answer_cache.kept import Place, digest
from services.chat.draft import Question
from services.chat.safety.keeping import kept_text

# What an answer is made for: other limits, another answer.
_OPTIONS = {"filters", "temperature", "model"}
_SCOPE_CHARS = 32
_SPACE = re.compile(r"\s+")
# Addresses of people, and digits as in telephone, card and account numbers; two years are none.
_YEARS = r"(?:19|20)\d\d[\s./-](?:19|20)\d\d(?![\s./()-]?\d)"
_PERSONAL = re.compile(rf"[^\s@]@[^\s@]+\.\w|(?<!\d)(?<!\d[\s./()-])(?!{_YEARS})(?:\d[\s./()-]?){{7,}}\d")


def place_of(question: Question, standing: Standing, max_tokens: int, plan: str | None, revision: str) -> Place:
    """`max_tokens` are those granted, `revision` says how this installation answers now."""
    policy = question.policy.model_dump(mode="json", exclude={"cache_answers"})
    options = question.request.model_dump(mode="json", include=_OPTIONS) | {"max_tokens": max_tokens}
    scope = digest(
        orjson.dumps(
            [VERSION, standing.access_key, policy, question.instructions, options, plan, revision],
            option=orjson.OPT_SORT_KEYS,
        ).decode()
    )
    return Place(standing.knowledge_version, scope[:_SCOPE_CHARS], one_spaced(question.text))


def one_spaced(question: str) -> str:
    """How a question is known again, however it is spaced."""
    return _SPACE.sub(" ", question).strip()


def may_be_looked_for(request: ChatRequest) -> bool:
    """Whether an answer to it might be kept, whatever the policy and the conversation say."""
    return request.enable_rag and _PERSONAL.search(request.message) is None


def may_be_kept(question: Question, phone_regions: Sequence[str]) -> bool:
    """Whether any answer to it may be given again: it comes from documents, and the question names no person's data."""
    policy, text = question.policy, question.text
    if not (question.request.enable_rag and policy.cache_answers):
        return False
    return _PERSONAL.search(text) is None and kept_text(text, policy, phone_regions) == text


def worth_keeping(response: ChatResponse) -> bool:
    """Whole, from the documents, and made as configured. That nothing was found is worth knowing too."""
    told = response.metadata
    return (
        told.outcome in (Outcome.ANSWERED, Outcome.ABSTAINED)
        and told.finish_reason in ("stop", "length")
        and not told.degraded
        and not told.cached
    )
