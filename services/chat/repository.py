"""The queries of asking and answering. Each but those of the whole service is for one user of one organisation."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Table, and_, bindparam, delete, func, insert, not_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from libs.contracts.chat import AnswerMetadata, AnswerTrace, ChatMessage, Citation, Source
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from services.chat.memory.repository import MemoryRepository
from services.chat.models import Message, OutboxMessage, Trace
from services.chat.models import Session as SessionRow
from services.chat.policies.repository import PolicyRepository
from services.chat.safety.events import Noted, SecurityEventRepository

RECOVERED_AT_ONCE = 100
# An answer that was given up for a crash may still be under way.
BEING_MADE = ("generating", "interrupted")

# With rows as parameters: a statement that holds them itself is compiled anew each time.
_ADD_TO_OUTBOX = (
    upsert(cast("Table", OutboxMessage.__table__))
    .values(due_at=func.now() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("delay_s", type_=Double)))
    .on_conflict_do_nothing()
)


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
    noted: Sequence[Noted] = ()


class ChatRepository:
    """The queries of one transaction, for one user."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    @property
    def policies(self) -> PolicyRepository:
        """The queries of policies, in the same transaction."""
        return PolicyRepository(self._session, self._subject)

    @property
    def memory(self) -> MemoryRepository:
        """The queries of what was said before, in the same transaction."""
        return MemoryRepository(self._session, self._subject)

    def _own(self, table: type[SessionRow | Message | Trace]) -> ColumnElement[bool]:
        return and_(table.organization_id == self._subject.organization_id, table.user_id == self._subject.user_id)

    @property
    def _owner(self) -> dict[str, UUID]:
        return {"organization_id": self._subject.organization_id, "user_id": self._subject.user_id}

    async def touch_session(self, session_id: UUID) -> SessionRow | None:
        """Makes the session the latest, and holds off its deletion until the transaction ends; None where absent."""
        return await self._session.scalar(
            update(SessionRow)
            .where(SessionRow.id == session_id, self._own(SessionRow), SessionRow.deleted_at.is_(None))
            .values(asked_at=func.now())
            .returning(SessionRow)
        )

    async def add_session(self, session_id: UUID, title: str, leaf_id: UUID, *, by_program: bool = False) -> None:
        """A session that shows the branch of `leaf_id`, which may be added after it."""
        await self._session.execute(
            insert(SessionRow).values(id=session_id, title=title, leaf_id=leaf_id, by_program=by_program, **self._owner)
        )

    async def question(self, question_id: UUID, session_id: UUID) -> Message | None:
        return await self._session.scalar(
            select(Message).where(
                Message.id == question_id, Message.session_id == session_id, Message.role == "user", self._own(Message)
            )
        )

    async def question_of(self, answer_id: UUID) -> Message | None:
        """The question that the answer was given to, in a session that isn't in the bin."""
        answer = aliased(Message)
        return await self._session.scalar(
            select(Message)
            .join(answer, answer.parent_id == Message.id)
            .join(SessionRow, SessionRow.id == Message.session_id)
            .where(
                answer.id == answer_id,
                answer.role == "assistant",
                self._own(Message),
                SessionRow.deleted_at.is_(None),
            )
        )

    async def add_question(
        self, question_id: UUID, session_id: UUID, parent_id: UUID | None, text: str, options: dict[str, Any]
    ) -> None:
        await self._session.execute(
            insert(Message).values(
                id=question_id,
                session_id=session_id,
                parent_id=parent_id,
                role="user",
                status="completed",
                content=text,
                options=options,
                **self._owner,
            )
        )

    async def add_answer(self, answer_id: UUID, session_id: UUID, question_id: UUID, reservation_id: UUID) -> None:
        """The answer that is about to be made."""
        await self._session.execute(
            insert(Message).values(
                id=answer_id,
                session_id=session_id,
                parent_id=question_id,
                role="assistant",
                status="generating",
                content="",
                reservation_id=reservation_id,
                **self._owner,
            )
        )

    async def show(self, session_id: UUID, answer_id: UUID) -> None:
        """The session shows the answer's branch from now on."""
        await self._session.execute(
            update(SessionRow).where(SessionRow.id == session_id, self._own(SessionRow)).values(leaf_id=answer_id)
        )

    async def finish(self, answer: FinishedAnswer, *outbox: OutboxEntry) -> None:
        """Stores the end of an answer, its trace, what admins and what billing and knowledge must learn.

        An answer whose session was deleted meanwhile leaves only its messages to them. Of an answer that has ended
        nothing is stored again.
        """
        stored = await self._session.scalar(
            update(Message)
            .where(Message.id == answer.message_id, Message.status.in_(BEING_MADE), self._own(Message))
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
        elif await self._has_ended(answer.message_id):
            return
        await SecurityEventRepository(self._session, self._subject).add(answer.message_id, answer.noted)
        if outbox:
            await self._session.execute(_ADD_TO_OUTBOX, [_outbox_row(entry) for entry in outbox])

    async def _has_ended(self, message_id: UUID) -> bool:
        """Whether an earlier try has stored it, of which only the database knew."""
        ended = select(Message.id).where(
            Message.id == message_id, Message.status.not_in(BEING_MADE), self._own(Message)
        )
        return await self._session.scalar(ended) is not None

    async def ask_to_stop(self, message_id: UUID) -> bool:
        """Whether there is such an answer; one that has ended stays as it is."""
        asked = await self._session.scalar(
            update(Message)
            .where(Message.id == message_id, Message.role == "assistant", self._own(Message))
            .values(stop_asked=True)
            .returning(Message.id)
        )
        return asked is not None

    async def answer(self, message_id: UUID) -> tuple[UUID, ChatMessage] | None:
        """An answer with its session's id."""
        row = await self._session.scalar(
            select(Message)
            .join(SessionRow, SessionRow.id == Message.session_id)
            .where(
                Message.id == message_id,
                Message.role == "assistant",
                self._own(Message),
                SessionRow.deleted_at.is_(None),
            )
        )
        return (row.session_id, message_of(row)) if row else None

    async def trace(self, message_id: UUID) -> AnswerTrace | None:
        row = await self._session.scalar(
            select(Trace)
            .join(Message, Message.id == Trace.message_id)
            .join(SessionRow, SessionRow.id == Message.session_id)
            .where(Trace.message_id == message_id, self._own(Trace), SessionRow.deleted_at.is_(None))
        )
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

    async def to_stop(self, message_ids: Collection[UUID]) -> Sequence[UUID]:
        """Those of the answers being made that their reader wants no more of, or has purged."""
        wanted = select(Message.id).where(
            Message.id.in_(message_ids), not_(and_(Message.stop_asked, Message.status == "generating"))
        )
        async with self._database.transaction() as session:
            goes_on = set(await session.scalars(wanted))
        return [message_id for message_id in message_ids if message_id not in goes_on]

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
                told = OutboxEntry(row.id, release, {"reservation_id": str(row.reservation_id)})
                await session.execute(_ADD_TO_OUTBOX, [_outbox_row(told)])
        return len(interrupted)


def _outbox_row(entry: OutboxEntry) -> dict[str, Any]:
    return {"id": entry.id, "topic": entry.topic, "payload": entry.payload, "delay_s": entry.delay_s}


def message_of(row: Message) -> ChatMessage:
    return ChatMessage(
        id=row.id,
        parent_id=row.parent_id,
        role=row.role,
        content=row.content,
        status=row.status,
        created_at=row.created_at,
        citations=[Citation.model_validate(citation) for citation in row.citations],
        sources=[Source.model_validate(source) for source in row.sources],
        metadata=AnswerMetadata.model_validate(row.metadata_) if row.metadata_ else None,
    )
