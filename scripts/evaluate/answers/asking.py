"""A set's questions through the real chat, several at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from libs.config.settings import Settings
from libs.contracts.answering import AnswerPolicy
from libs.contracts.chat import ChatResponse
from scripts.api import ANSWER_TIMEOUT_S, UNAUTHENTICATED, Api, ApiError
from scripts.evaluate.answers.collection import AnswerSet, AskedQuestion
from scripts.evaluate.dataset import Dataset
from scripts.evaluate.retrieval import collection
from scripts.progress import bars

AT_ONCE = 4
# A cached answer says nothing of how answers are made.
UNCACHED = AnswerPolicy(cache_answers=False)


@dataclass(frozen=True)
class Asking:
    """`generator` is the model to ask, the organisation's own choice without one. `policy` is the organisation's."""

    generator: str | None = None
    at_once: int = AT_ONCE
    policy: AnswerPolicy = field(default_factory=UNCACHED.model_copy)


@dataclass(frozen=True)
class Answer:
    """What came of a question, after how long: the answer, or the code of the error.

    `disagreements` is how many the answer tells of between its sources.
    """

    response: ChatResponse | None
    milliseconds: float
    error: str = ""
    disagreements: int = 0


@asynccontextmanager
async def organization_of(
    settings: Settings, found: AnswerSet, policy: AnswerPolicy, console: Console, *, fresh: bool
) -> AsyncGenerator[Api]:
    """An organisation that has the set's documents, the one of `footnote eval retrieval` where it has them already.

    It answers by `policy`. Documents without a text, which a folder from elsewhere may have, are left out.
    """
    held = Dataset(found.name, found.fingerprint, list(found.documents), [])
    async with collection(settings, held, console, fresh=fresh, complete=False) as api:
        await api.call("PATCH", "/admin/answers", json=policy.model_dump(mode="json"))
        yield api


async def ask_all(
    api: Api, questions: Sequence[AskedQuestion], asking: Asking, console: Console
) -> Mapping[str, Answer]:
    """Each question in a conversation of its own, which is purged once it is answered. By the questions' ids.

    What the chat refuses, or fails to answer, counts as an error of that question. Raises ApiError where it can't be
    asked at all.
    """
    answers: dict[str, Answer] = {}
    waiting = asyncio.Semaphore(asking.at_once)

    async def one(question: AskedQuestion) -> None:
        async with waiting:
            answers[question.id] = await _ask(api, question, asking)

    with bars(console) as shown:
        task = shown.add("asked", len(questions))
        for done, asked in enumerate(asyncio.as_completed([one(question) for question in questions]), 1):
            await asked
            shown.show(task, done)
    return answers


async def _ask(api: Api, question: AskedQuestion, asking: Asking) -> Answer:
    body: dict[str, Any] = {"message": question.text, "temperature": 0}
    if asking.generator:
        body["model"] = asking.generator
    if question.within:
        body["filters"] = {"external_ids": list(question.within)}
    started = time.perf_counter()
    try:
        said = await api.call("POST", "/chat", json=body, timeout=ANSWER_TIMEOUT_S)
    except ApiError as error:
        if error.status in (0, UNAUTHENTICATED):
            raise
        return Answer(None, (time.perf_counter() - started) * 1000, error.code or str(error.status))
    milliseconds = (time.perf_counter() - started) * 1000
    response = ChatResponse.model_validate(said)
    await api.call("DELETE", f"/chat/sessions/{response.session_id}", params={"purge": "true"})
    return Answer(response, milliseconds, disagreements=len(said["metadata"].get("disagreements") or []))
