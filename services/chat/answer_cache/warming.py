"""Filling the cache again after documents changed, with what the organisation asks most.

An admin asks for it and the questions are asked as that admin: each answer is made of what they may read, counts as
their message, and serves only readers of the same access set. Of their colleagues' questions the admin learns those
that several people have asked, word for word.
"""

import asyncio
from dataclasses import replace
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from libs.clients.context import current_context, use_context
from libs.contracts.chat import MESSAGE_MAX_CHARS, ChatRequest
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.chat.opening import Asked
from services.chat.service import Chat
from services.chat.serving import complete

log = get_logger(__name__)

# A question that fewer people asked is theirs alone.
LEAST_ASKERS = 3
LOOKED_BACK_DAYS = 30
# Longer than the warming of the most questions takes; a process that dies lets go of its turn then.
TURN_S = 3600
# So many in a row, and whatever answers is away.
MOST_FAILED = 3

_MOST_ASKED = text("""
    SELECT min(messages.content) AS question
    FROM chat.sessions JOIN chat.messages ON messages.session_id = sessions.id
    WHERE sessions.organization_id = :organization_id AND messages.organization_id = :organization_id
      AND NOT sessions.by_program AND NOT sessions.imported AND sessions.deleted_at IS NULL
      AND messages.role = 'user' AND messages.parent_id IS NULL
      AND messages.created_at > now() - make_interval(days => :days)
      AND char_length(messages.content) <= :longest
      AND messages.options ->> 'filters' IS NULL AND coalesce((messages.options ->> 'enable_rag')::bool, true)
    GROUP BY lower(btrim(messages.content))
    HAVING count(DISTINCT messages.user_id) >= :askers
    ORDER BY count(*) DESC, min(messages.content)
    LIMIT :questions
""")


class CacheWarmer:
    """One at a time for each organisation."""

    def __init__(self, database: Database, redis: Redis, chat: Chat) -> None:
        self._database = database
        self._redis = redis
        self._chat = chat
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, admin: Subject, questions: int) -> int:
        """How many questions will be asked. Raises 409 while the organisation's last warming goes on."""
        await self._take_turn(admin.organization_id)
        try:
            asked = await self._most_asked(admin.organization_id, questions)
        except BaseException:
            await self._give_back(admin.organization_id)
            raise
        # The request's own deadline isn't the task's: each answer has one.
        with use_context(replace(current_context(), deadline=None)):
            task = asyncio.create_task(self._warm(admin, asked))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return len(asked)

    async def close(self) -> None:
        """Asks nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _most_asked(self, organization_id: UUID, questions: int) -> list[str]:
        async with self._database.transaction() as session:
            found = await session.scalars(
                _MOST_ASKED,
                {
                    "organization_id": organization_id,
                    "days": LOOKED_BACK_DAYS,
                    "longest": MESSAGE_MAX_CHARS,
                    "askers": LEAST_ASKERS,
                    "questions": questions,
                },
            )
            return list(found)

    async def _warm(self, admin: Subject, questions: list[str]) -> None:
        failed = 0
        try:
            for question in questions:
                run = self._chat.ask(admin, Asked(ChatRequest(message=question), by_program=True), _nothing)
                try:
                    await complete(run)
                    failed = 0
                except Exception as error:  # noqa: BLE001 - one question that can't be answered says nothing of the next
                    log.warning("a question isn't answered for the cache", error=str(error))
                    failed += 1
                    if failed == MOST_FAILED or _used_up(error):
                        log.warning("the cache isn't warmed further")
                        return
                finally:
                    run.stop()
        finally:
            await self._give_back(admin.organization_id)

    async def _take_turn(self, organization_id: UUID) -> None:
        try:
            taken = await self._redis.set(_turn(organization_id), b"1", nx=True, ex=TURN_S)
        except RedisError as error:
            raise unavailable("redis") from error
        if not taken:
            raise FootnoteError(
                ErrorCode.CONFLICT, "The cache is being warmed already. Try again when that has ended.", 409
            )

    async def _give_back(self, organization_id: UUID) -> None:
        try:
            await self._redis.unlink(_turn(organization_id))
        except RedisError as error:
            log.warning("the turn ends by itself", error=str(error))


def _used_up(error: Exception) -> bool:
    return isinstance(error, FootnoteError) and error.code == ErrorCode.QUOTA_EXCEEDED


def _turn(organization_id: UUID) -> str:
    return f"lock:response:{organization_id}"


async def _nothing(_answer_id: UUID | None) -> None:
    """No key, nothing to keep."""
