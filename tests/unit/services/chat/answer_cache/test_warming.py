"""Which failures end the warming of the cache."""

from typing import Any, cast
from uuid import uuid4

import pytest

from libs.contracts.chat import AnswerMetadata, ChatResponse, Outcome
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Role, Subject
from services.chat.answer_cache.warming import CacheWarmer

QUESTIONS = [f"Question {number}?" for number in range(6)]
AWAY = unavailable("generation")
USED_UP = FootnoteError(ErrorCode.QUOTA_EXCEEDED, "No messages are left.", 429)
ANSWER = ChatResponse(
    session_id=uuid4(),
    message_id=uuid4(),
    answer="Yes.",
    citations=[],
    sources=[],
    metadata=AnswerMetadata(
        tokens_used=0,
        response_time_ms=1,
        model_used="none",
        cached=False,
        outcome=Outcome.ABSTAINED,
        grounded=False,
        confidence=0,
        finish_reason="stop",
        degraded=[],
    ),
)


class Run:
    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    async def event(self) -> ChatResponse:
        if self._failure:
            raise self._failure
        return ANSWER

    def stop(self) -> None:
        """Nothing goes on."""


class Chat:
    """Fails for the questions that are named."""

    def __init__(self, failures: dict[str, Exception]) -> None:
        self.asked: list[str] = []
        self._failures = failures

    def ask(self, _subject: Subject, asked: Any, _ended: object) -> Run:
        self.asked.append(asked.request.message)
        return Run(self._failures.get(asked.request.message))


class Turns:
    def __init__(self) -> None:
        self.given_back = 0

    async def unlink(self, _key: str) -> None:
        self.given_back += 1


@pytest.mark.parametrize(
    ("failures", "asked"),
    [
        ({0: AWAY, 1: RuntimeError("odd"), 3: AWAY, 4: AWAY}, 6),
        ({1: AWAY, 2: AWAY, 3: AWAY}, 4),
        ({1: USED_UP}, 2),
    ],
    ids=["some fail", "three in a row", "used up"],
)
async def test_a_failure_ends_it_only_where_the_next_would_fail_too(failures: dict[int, Exception], asked: int):
    chat, turns = Chat({QUESTIONS[number]: error for number, error in failures.items()}), Turns()
    warmer = CacheWarmer(cast("Any", None), cast("Any", turns), cast("Any", chat))
    admin = Subject(user_id=uuid4(), organization_id=uuid4(), session_id=uuid4(), role=Role.ADMIN)
    await warmer._warm(admin, QUESTIONS)
    assert chat.asked == QUESTIONS[:asked]
    assert turns.given_back == 1
