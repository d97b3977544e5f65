"""An answer as a task of its own, which ends in storage however it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from prometheus_client import Counter

from libs.clients.context import current_context, use_context
from libs.contracts.chat import AnswerMetadata, ChatResponse, Outcome
from libs.contracts.errors import unavailable
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.chat.answer_cache.cache import AnswerCache
from services.chat.answering import Answerer
from services.chat.citing import cited
from services.chat.draft import Draft, Question
from services.chat.events import Event
from services.chat.finishing import finished
from services.chat.opening import Asked, opened
from services.chat.quota import SETTLE, Quota, release, settlement
from services.chat.repository import ChatStore, FinishedAnswer, OutboxEntry
from services.chat.safety.keeping import kept_answer

log = get_logger(__name__)

ANSWERS = Counter("footnote_chat_answers_total", "Answers by how they ended.", ["status", "outcome"])

# An answer that is older than its deadline and this can't be under way anywhere: its process was killed.
ABANDONED_AFTER_S = 60.0
# Settling at once makes usage visible with the answer; past this the outbox does it.
SETTLE_NOW_S = 2.0


class Relay(Protocol):
    def wake(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """`deadline_s` bounds an answer as a whole; `clock` tells the time of a settlement.

    `phone_regions` are whose phone numbers are personal data without a country code.
    """

    store: ChatStore
    quota: Quota
    answerer: Answerer
    cache: AnswerCache
    relay: Relay
    deadline_s: float
    clock: Callable[[], datetime]
    phone_regions: Sequence[str] = ()


@dataclass(frozen=True)
class _End:
    """How a run ended: its last event, the answer where there is one, and the settlement billing has accepted.

    `summarised`: some of the conversation lies too far back by now to be looked at.
    """

    event: ChatResponse | Exception
    answer_id: UUID | None = None
    settled: OutboxEntry | None = None
    summarised: bool = False


class AnswerRun:
    """One question being answered, whoever reads the events.

    `ended` is called with the answer's id once it is stored and counts, or with None where nothing was answered.
    `answer_id` is there once the question is stored.
    """

    def __init__(
        self,
        parts: Parts,
        subject: Subject,
        asked: Asked,
        ended: Callable[[UUID | None], Awaitable[None]],
    ) -> None:
        self.answer_id: UUID | None = None
        self._parts = parts
        self._subject = subject
        self._asked = asked
        self._ended = ended
        self._started = time.perf_counter()
        self._events: asyncio.Queue[Event | Exception] = asyncio.Queue()
        self._work: asyncio.Task[None] | None = None
        self._stopped = False

    async def event(self) -> Event:
        """The next event, the last being the ChatResponse; raises what ended the answer instead."""
        event = await self._events.get()
        if isinstance(event, Exception):
            raise event
        return event

    def stop(self) -> None:
        """Ends the answer where it is; what was said is stored. Does nothing once it has ended."""
        self._stopped = True
        if self._work:
            self._work.cancel()

    async def run(self) -> None:
        """Answers, stores, settles. Only `stop` ends it early: cancel nothing that runs this."""
        context = current_context()
        deadline = time.monotonic() + self._parts.deadline_s
        context = replace(context, deadline=min(deadline, context.deadline or deadline))
        try:
            with use_context(context):
                end = await self._run()
        except Exception as error:  # noqa: BLE001 - whoever reads the events meets it there
            end = _End(error)
        # Before the reader can know of the end, so that a retry right after it meets what was kept.
        await self._ended(end.answer_id)
        self._events.put_nowait(end.event)
        if end.settled:
            await self._forget(end.settled)
        else:
            self._parts.relay.wake()
        if end.answer_id and end.summarised:
            await self._remember(end.answer_id)

    async def _run(self) -> _End:
        await self._parts.answerer.check_model(self._asked.request)
        prepared = self._parts.answerer.prepare(self._subject, self._asked.request, uuid4())
        try:
            question = await opened(
                self._parts.store, self._subject, self._asked, self._parts.phone_regions, prepared.reservation_id
            )
        except BaseException:
            await prepared.withdraw(self._parts.quota)
            raise
        self.answer_id = question.answer_id
        draft = Draft()
        self._work = asyncio.create_task(
            self._parts.answerer.answer(question, draft, self._events.put_nowait, prepared)
        )
        if self._stopped:
            self._work.cancel()
        # Unlike an await of the task, this tells a stopped answer from a cancelled run.
        await asyncio.wait({self._work})
        await prepared.ended()
        failure = None if self._work.cancelled() else self._work.exception()
        status = "stopped" if self._work.cancelled() else "failed" if failure else "completed"
        response = self._response(question, draft, status)
        told = response.metadata.model_dump(mode="json", exclude={"cached", "unsupported", "disagreements"})
        draft.trace.add("answer", status=status, **told)
        settled = await self._store(question, draft, status, response)
        event = (
            response if status == "completed" else failure if isinstance(failure, Exception) else unavailable("chat")
        )
        behind = not self._asked.by_program and question.conversation.reaches_behind(2)
        return _End(event, question.answer_id if response.answer else None, settled, behind)

    def _response(self, question: Question, draft: Draft, status: str) -> ChatResponse:
        return ChatResponse(
            session_id=question.session_id,
            message_id=question.answer_id,
            answer=draft.said.text,
            citations=draft.said.citations,
            sources=draft.sources,
            metadata=self._metadata(draft, status),
        )

    def _metadata(self, draft: Draft, status: str) -> AnswerMetadata:
        made = AnswerMetadata(
            tokens_used=draft.usage.total_tokens,
            prompt_tokens=draft.usage.prompt_tokens,
            response_time_ms=round((time.perf_counter() - self._started) * 1000),
            model_used=draft.model,
            cached=draft.kept is not None,
            outcome=draft.outcome,
            grounded=draft.outcome is Outcome.ANSWERED,
            confidence=draft.confidence,
            finish_reason=draft.finish_reason if status == "completed" else status,
            degraded=draft.degraded,
            unsupported=draft.said.unsupported,
            disagreements=draft.disagreements,
            language=draft.language,
        )
        if draft.kept is None:
            return made
        # How sure it was, and whatever else was told of it, goes with the answer; what it cost is this one's own.
        own = {"tokens_used", "prompt_tokens", "response_time_ms", "cached", "finish_reason", "degraded"}
        return draft.kept.metadata.model_copy(update=made.model_dump(include=own))

    async def _store(self, question: Question, draft: Draft, status: str, response: ChatResponse) -> OutboxEntry | None:
        """Stores answer, trace and what billing must learn in one transaction; then tells billing.

        Returns what billing has accepted already.
        """
        answered = bool(response.answer)
        ended = FinishedAnswer(
            message_id=question.answer_id,
            status=status,
            content=response.answer,
            citations=response.citations,
            sources=response.sources if answered else (),
            metadata=response.metadata if answered else None,
            question=question.request.message,
            steps=draft.trace.steps,
            noted=draft.noted,
        )
        now = self._parts.clock()
        # A question that was refused before anything was made of it costs nothing.
        if answered and not (draft.outcome is Outcome.REFUSED and not draft.usages):
            entry = settlement(self._subject, question.reservation_id, draft.usage, now)
        else:
            entry = release(question.reservation_id)
        citing = cited(self._subject, question.answer_id, response.citations, response.sources, now.date())
        kept = kept_answer(ended, question.policy, self._parts.phone_regions)
        # Its reader has the words by now: they aren't lost for a database that restarts.
        await finished(self._parts.store, self._subject, kept, entry, *citing, longest_s=ABANDONED_AFTER_S)
        ANSWERS.labels(status, response.metadata.outcome if answered else "none").inc()
        settles = entry.topic == SETTLE and "billing" not in draft.degraded
        # What isn't stored as it was given isn't given again either.
        keeps = status == "completed" and kept.content == response.answer
        # Before the end is told: the same question, asked right after, finds both done.
        settled, *_ = await asyncio.gather(
            self._settle_now(entry) if settles else _not_now(),
            self._parts.cache.keep(self._subject, draft.place if keeps else None, response),
            self._parts.cache.count(self._subject, draft),
        )
        return entry if settled else None

    async def _remember(self, answer_id: UUID) -> None:
        """Summarises what has become too old to be looked at; without it the next answer's does."""
        try:
            async with self._parts.store.step(self._subject) as repository:
                await repository.memory.summarise(answer_id)
        except Exception as error:  # noqa: BLE001 - nobody waits for it, and nothing is lost
            log.warning("the conversation isn't summarised", error=str(error))

    async def _forget(self, entry: OutboxEntry) -> None:
        try:
            await self._parts.store.delivered(entry.id)
        except Exception as error:  # noqa: BLE001 - the relay delivers it once more, and billing counts it once
            log.warning("a delivered settlement stays in the outbox", error=str(error))

    async def _settle_now(self, entry: OutboxEntry) -> bool:
        try:
            async with asyncio.timeout(SETTLE_NOW_S):
                return await self._parts.quota.settle_now(entry)
        except TimeoutError:
            return False


async def _not_now() -> bool:
    return False
