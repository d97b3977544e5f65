"""Chat: questions, and the answers that are being made."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import UUID

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import AnswerTrace, ChatResponse
from libs.contracts.conversations import Regeneration
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.service.stopping import LONGEST_DRAIN_S
from libs.telemetry.logs import get_logger
from services.chat.explanation import explained
from services.chat.history import chunks_of, readable_now, trace_with_readable_only, with_readable_only
from services.chat.memory.turns import Conversation, asked_before
from services.chat.opening import Asked, LongRequest
from services.chat.quota import RELEASE
from services.chat.repository import ChatStore
from services.chat.run import ABANDONED_AFTER_S, AnswerRun, Parts

log = get_logger(__name__)

RECOVERY_INTERVAL_S = 30.0
STOP_INTERVAL_S = 1.0

Ended = Callable[[UUID | None], Awaitable[None]]


class Chat:
    """`longest_answer_s` is how long an answer can be under way; `heartbeat_s` how long a stream may be silent."""

    def __init__(self, parts: Parts, store: ChatStore, knowledge: KnowledgeClient, heartbeat_s: float) -> None:
        self.heartbeat_s = heartbeat_s
        self.longest_answer_s = parts.deadline_s + ABANDONED_AFTER_S
        self._parts = parts
        self._store = store
        self._knowledge = knowledge
        self._running: dict[asyncio.Task[None], AnswerRun] = {}

    def ask(self, subject: Subject, asked: Asked, ended: Ended) -> AnswerRun:
        """Starts to answer. The run goes on, and is stored, whether or not anybody reads its events."""
        run = AnswerRun(self._parts, subject, asked, ended)
        task = asyncio.create_task(run.run())
        self._running[task] = run
        task.add_done_callback(self._running.pop)
        return run

    async def answer_again(self, subject: Subject, message_id: UUID, changed: Regeneration, ended: Ended) -> AnswerRun:
        """Starts another answer to the question of that one. Raises 404 where it isn't the asker's."""
        async with self._store.step(subject) as repository:
            question = await repository.question_of(message_id)
            # What a program had asked before came with its question, and is stored nowhere else.
            begins = question is not None and question.parent_id is None
            trace = await repository.trace(message_id) if begins else None
        if question is None:
            raise not_found("message", message_id)
        request = LongRequest.model_validate(
            {
                **(question.options or {}),
                **changed.model_dump(exclude_none=True),
                "message": question.content,
                "session_id": question.session_id,
            }
        )
        conversation = asked_before(trace.steps) if trace else Conversation()
        return self.ask(subject, Asked(request, again_to=question.id, conversation=conversation), ended)

    async def stop(self, subject: Subject, message_id: UUID) -> None:
        """Ends an answer where it is; one that has ended stays. Raises 404 where there is none of the asker's."""
        async with self._store.step(subject) as repository:
            if not await repository.ask_to_stop(message_id):
                raise not_found("message", message_id)
        self._stop([message_id])

    async def heed_stops(self) -> None:
        """Stops what another process was asked to stop, until cancelled."""
        while True:
            await asyncio.sleep(STOP_INTERVAL_S)
            being_made = [run.answer_id for run in self._running.values() if run.answer_id]
            if not being_made:
                continue
            try:
                self._stop(await self._store.to_stop(being_made))
            except Exception as error:  # noqa: BLE001 - this outlives a database that is away
                log.warning("can't look for answers to stop", error=str(error))

    def _stop(self, answer_ids: Sequence[UUID]) -> None:
        for run in self._running.values():
            if run.answer_id in answer_ids:
                run.stop()

    async def drain(self) -> None:
        """Stops every answer and waits until each is stored, for at most `LONGEST_DRAIN_S`."""
        for run in self._running.values():
            run.stop()
        if self._running:
            await asyncio.wait(self._running, timeout=LONGEST_DRAIN_S)

    async def recover(self) -> None:
        """Marks answers that a crash interrupted, now and then, until cancelled."""
        older_than = timedelta(seconds=self.longest_answer_s)
        while True:
            try:
                interrupted = await self._store.interrupt_abandoned(older_than, RELEASE)
            except Exception as error:  # noqa: BLE001 - recovery outlives a database that is away
                log.warning("can't look for interrupted answers", error=str(error))
            else:
                if interrupted:
                    log.warning("answers were interrupted by a crash", count=interrupted)
            await asyncio.sleep(RECOVERY_INTERVAL_S)

    async def stored_answer(self, subject: Subject, message_id: UUID) -> ChatResponse:
        """An answer as it was given, as far as its reader may still see its sources; 404 where it is gone.

        Raises 503 while knowledge can't say what its reader may see.
        """
        async with self._store.step(subject) as repository:
            found = await repository.answer(message_id)
        if found is None or found[1].metadata is None:
            raise not_found("message", message_id)
        session_id, message = found
        readable = await readable_now(self._knowledge, (source.chunk_id for source in message.sources))
        shown = with_readable_only(message, readable)
        return ChatResponse(
            session_id=session_id,
            message_id=message_id,
            answer=shown.content,
            citations=shown.citations,
            sources=shown.sources,
            metadata=shown.metadata or found[1].metadata,
        )

    async def trace(self, subject: Subject, message_id: UUID) -> AnswerTrace:
        """How an answer was made, as far as its reader may still see its sources; 404 where it is gone.

        Raises 503 while knowledge can't say what its reader may see.
        """
        async with self._store.step(subject) as repository:
            trace = await repository.trace(message_id)
            found = await repository.answer(message_id)
        if trace is None or found is None:
            raise not_found("message", message_id)
        answer = found[1]
        asked = [*chunks_of(trace), *(source.chunk_id for source in answer.sources)]
        readable = await readable_now(self._knowledge, asked)
        shown = trace_with_readable_only(trace, readable)
        return shown.model_copy(update={"explanation": explained(trace, answer, readable)})
