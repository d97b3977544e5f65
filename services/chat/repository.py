"""All of chat's queries. Each but the recovery of interrupted answers is for one user of one organisation."""

import base64
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Insert, and_, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.chat import AnswerMetadata, AnswerTrace, ChatMessage, ChatSession, Citation, Source
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from services.chat.models import Message, OutboxMessage, Session, Trace

# Of a conversation, as far back as a prompt may look.
RECENT_MESSAGES = 12
RECOVERED_AT_ONCE = 100
# Every number of so many digits is a bigint.
POSITION_DIGITS = 18


@dataclass(frozen=True)
class Turn:
    """A message as a conversation goes on from it; `outcome` is a finished answer's."""

    role: str
    content: str
    outcome: str | None = None


@dataclass(frozen=True)
class OutboxEntry:
    """A message for another service. The relay leaves it alone for `delay_s`, while its writer delivers it itself."""

    id: UUID
    topic: str
    payload: dict[str, Any]
    delay_s: float = 0


@dataclass(frozen=True)
class FinishedAnswer:
    """What is stored of an answer when it ends, however it ends."""

    message_id: UUID
    status: str
    content: str = ""
    citations: Sequence[Citation] = ()
    sources: Sequence[Source] = ()
    metadata: AnswerMetadata | None = None
    question: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class ChatRepository:
    """The queries of one transaction, for one user."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    def _own(self, table: type[Session | Message | Trace]) -> ColumnElement[bool]:
        return and_(table.organization_id == self._subject.organization_id, table.user_id == self._subject.user_id)

    @property
    def _owner(self) -> dict[str, UUID]:
        return {"organization_id": self._subject.organization_id, "user_id": self._subject.user_id}

    async def touch_session(self, session_id: UUID) -> bool:
        """Makes the session the latest, and holds off its deletion until the transaction ends; False where absent."""
        touched = await self._session.scalar(
            update(Session)
            .where(Session.id == session_id, self._own(Session))
            .values(updated_at=func.now())
            .returning(Session.id)
        )
        return touched is not None

    async def add_session(self, session_id: UUID, title: str) -> None:
        await self._session.execute(insert(Session).values(id=session_id, title=title, **self._owner))

    async def add_exchange(
        self, session_id: UUID, question_id: UUID, question: str, answer_id: UUID, reservation_id: UUID
    ) -> None:
        """A question, and the answer that is about to be made."""
        common = {"session_id": session_id, **self._owner}
        # Two statements: rows of one are numbered in no particular order.
        await self._session.execute(
            insert(Message).values(id=question_id, role="user", status="completed", content=question, **common)
        )
        await self._session.execute(
            insert(Message).values(
                id=answer_id,
                role="assistant",
                status="generating",
                content="",
                reservation_id=reservation_id,
                **common,
            )
        )

    async def recent(self, session_id: UUID) -> list[Turn]:
        """The session's last messages, oldest first."""
        rows = await self._session.execute(
            select(Message.role, Message.content, Message.metadata_["outcome"].astext.label("outcome"))
            .where(Message.session_id == session_id, self._own(Message))
            .order_by(Message.position.desc())
            .limit(RECENT_MESSAGES)
        )
        return [Turn(row.role, row.content, row.outcome) for row in reversed(rows.all())]

    async def finish(self, answer: FinishedAnswer, *outbox: OutboxEntry) -> None:
        """Stores the end of an answer, its trace and what billing and knowledge must learn.

        An answer whose session was deleted meanwhile leaves only its messages to them.
        """
        stored = await self._session.scalar(
            update(Message)
            .where(
                Message.id == answer.message_id, Message.status.in_(("generating", "interrupted")), self._own(Message)
            )
            .values(
                status=answer.status,
                content=answer.content,
                citations=[citation.model_dump(mode="json") for citation in answer.citations],
                sources=[source.model_dump(mode="json") for source in answer.sources],
                metadata_=answer.metadata and answer.metadata.model_dump(mode="json"),
            )
            .returning(Message.id)
        )
        if stored:
            await self._session.execute(
                insert(Trace).values(
                    message_id=answer.message_id, question=answer.question, steps=answer.steps, **self._owner
                )
            )
        for entry in outbox:
            await self._session.execute(_outbox_insert(entry))

    async def sessions(self, limit: int, cursor: str | None) -> tuple[list[ChatSession], str | None]:
        """The latest first."""
        query = select(Session).where(self._own(Session))
        if cursor:
            query = query.where(tuple_(Session.updated_at, Session.id) < tuple_(*_session_position(cursor)))
        query = query.order_by(Session.updated_at.desc(), Session.id.desc()).limit(limit + 1)
        rows = (await self._session.scalars(query)).all()
        items = [_session(row) for row in rows[:limit]]
        return items, _session_cursor(items[-1]) if len(rows) > limit else None

    async def session(self, session_id: UUID) -> ChatSession | None:
        row = await self._session.scalar(select(Session).where(Session.id == session_id, self._own(Session)))
        return row and _session(row)

    async def delete_session(self, session_id: UUID) -> bool:
        deleted = await self._session.scalar(
            delete(Session).where(Session.id == session_id, self._own(Session)).returning(Session.id)
        )
        return deleted is not None

    async def messages(self, session_id: UUID, limit: int, cursor: str | None) -> tuple[list[ChatMessage], str | None]:
        """The oldest first."""
        query = select(Message).where(Message.session_id == session_id, self._own(Message))
        if cursor:
            query = query.where(Message.position > _message_position(cursor))
        rows = (await self._session.scalars(query.order_by(Message.position).limit(limit + 1))).all()
        return [_message(row) for row in rows[:limit]], str(rows[limit - 1].position) if len(rows) > limit else None

    async def answer(self, message_id: UUID) -> tuple[UUID, ChatMessage] | None:
        """An answer with its session's id."""
        row = await self._session.scalar(
            select(Message).where(Message.id == message_id, Message.role == "assistant", self._own(Message))
        )
        return (row.session_id, _message(row)) if row else None

    async def trace(self, message_id: UUID) -> AnswerTrace | None:
        row = await self._session.scalar(select(Trace).where(Trace.message_id == message_id, self._own(Trace)))
        return row and AnswerTrace(message_id=row.message_id, question=row.question, steps=row.steps)


class ChatStore:
    """Opens the transaction of one step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def step(self, subject: Subject) -> AsyncGenerator[ChatRepository]:
        async with self._database.transaction() as session:
            yield ChatRepository(session, subject)

    async def delivered(self, outbox_id: UUID) -> None:
        """Takes a message out of the outbox that its writer has delivered itself."""
        async with self._database.transaction() as session:
            await session.execute(delete(OutboxMessage).where(OutboxMessage.id == outbox_id))

    async def interrupt_abandoned(self, older_than: timedelta, release: str) -> int:
        """Marks answers that nobody can be making any more, and gives their reservations back; returns how many.

        Any process may do it for all: age decides, by the database's clock, and each answer is taken once.
        """
        abandoned = (
            select(Message.id)
            .where(Message.status == "generating", Message.created_at < func.now() - older_than)
            .limit(RECOVERED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        async with self._database.transaction() as session:
            rows = await session.execute(
                update(Message)
                .where(Message.id.in_(abandoned))
                .values(status="interrupted")
                .returning(Message.id, Message.reservation_id)
            )
            interrupted = rows.all()
            for row in interrupted:
                await session.execute(
                    _outbox_insert(OutboxEntry(row.id, release, {"reservation_id": str(row.reservation_id)}))
                )
        return len(interrupted)


def _outbox_insert(entry: OutboxEntry) -> Insert:
    due_at = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, entry.delay_s)
    return insert(OutboxMessage).values(id=entry.id, topic=entry.topic, payload=entry.payload, due_at=due_at)


def _session(row: Session) -> ChatSession:
    return ChatSession(id=row.id, title=row.title, created_at=row.created_at, updated_at=row.updated_at)


def _message(row: Message) -> ChatMessage:
    return ChatMessage(
        id=row.id,
        role=row.role,
        content=row.content,
        status=row.status,
        created_at=row.created_at,
        citations=[Citation.model_validate(citation) for citation in row.citations],
        sources=[Source.model_validate(source) for source in row.sources],
        metadata=AnswerMetadata.model_validate(row.metadata_) if row.metadata_ else None,
    )


def _session_cursor(session: ChatSession) -> str:
    position = [session.updated_at.isoformat(), str(session.id)]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _session_position(cursor: str) -> tuple[datetime, UUID]:
    try:
        updated_at, session_id = json.loads(base64.urlsafe_b64decode(cursor))
        return datetime.fromisoformat(updated_at), UUID(session_id)
    except (ValueError, TypeError, AttributeError) as error:
        raise _unknown_cursor(cursor) from error


def _message_position(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= POSITION_DIGITS):
        raise _unknown_cursor(cursor)
    return int(cursor)


def _unknown_cursor(cursor: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.VALIDATION_ERROR,
        f"{cursor[:60]!r} isn't a cursor of ours. Start again without one.",
        422,
        {"fields": [{"field": "cursor", "message": "unknown cursor"}]},
    )
