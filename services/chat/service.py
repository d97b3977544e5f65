"""Chat: questions, and the conversations they make."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import (
    AnswerTrace,
    ChatMessageList,
    ChatRequest,
    ChatResponse,
    ChatSession,
    ChatSessionList,
)
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.chat.history import chunks_of, still_readable, trace_with_readable_only, with_readable_only
from services.chat.quota import RELEASE
from services.chat.repository import ChatStore
from services.chat.run import AnswerRun, Parts

log = get_logger(__name__)

# An answer that is older than its deadline and this can't be under way anywhere: its process was killed.
ABANDONED_AFTER_S = 60.0
RECOVERY_INTERVAL_S = 30.0

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

    def ask(self, subject: Subject, request: ChatRequest, ended: Ended) -> AnswerRun:
        """Starts to answer. The run goes on, and is stored, whether or not anybody reads its events."""
        run = AnswerRun(self._parts, subject, request, ended)
        task = asyncio.create_task(run.run())
        self._running[task] = run
        task.add_done_callback(self._running.pop)
        return run

    async def drain(self) -> None:
        """Stops every answer and waits until each is stored."""
        for run in self._running.values():
            run.stop()
        await asyncio.gather(*self._running, return_exceptions=True)

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
        """An answer as it was given, as far as its reader may still see its sources; 404 where it is gone."""
        async with self._store.step(subject) as repository:
            found = await repository.answer(message_id)
        if found is None or found[1].metadata is None:
            raise not_found("message", message_id)
        session_id, message = found
        readable = await still_readable(self._knowledge, (source.chunk_id for source in message.sources))
        shown = with_readable_only(message, readable)
        return ChatResponse(
            session_id=session_id,
            message_id=message_id,
            answer=shown.content,
            citations=shown.citations,
            sources=shown.sources,
            metadata=found[1].metadata,
        )

    async def sessions(self, subject: Subject, limit: int, cursor: str | None) -> ChatSessionList:
        async with self._store.step(subject) as repository:
            items, next_cursor = await repository.sessions(limit, cursor)
        return ChatSessionList(items=items, next_cursor=next_cursor)

    async def session(self, subject: Subject, session_id: UUID) -> ChatSession:
        async with self._store.step(subject) as repository:
            found = await repository.session(session_id)
        if found is None:
            raise not_found("session", session_id)
        return found

    async def delete_session(self, subject: Subject, session_id: UUID) -> None:
        async with self._store.step(subject) as repository:
            deleted = await repository.delete_session(session_id)
        if not deleted:
            raise not_found("session", session_id)

    async def messages(self, subject: Subject, session_id: UUID, limit: int, cursor: str | None) -> ChatMessageList:
        async with self._store.step(subject) as repository:
            if await repository.session(session_id) is None:
                raise not_found("session", session_id)
            items, next_cursor = await repository.messages(session_id, limit, cursor)
        chunk_ids = (source.chunk_id for message in items for source in message.sources)
        readable = await still_readable(self._knowledge, chunk_ids)
        return ChatMessageList(
            items=[with_readable_only(message, readable) for message in items], next_cursor=next_cursor
        )

    async def trace(self, subject: Subject, message_id: UUID) -> AnswerTrace:
        async with self._store.step(subject) as repository:
            trace = await repository.trace(message_id)
        if trace is None:
            raise not_found("message", message_id)
        return trace_with_readable_only(trace, await still_readable(self._knowledge, chunks_of(trace)))
