"""The queries of rating answers, and of reading the ratings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.chat import ChatMessage, Feedback
from libs.contracts.identity import Subject
from services.chat.conversations.cursors import cursor_of, parts_of
from services.chat.models import FeedbackRow, Message, Session, made_here
from services.chat.repository import message_of

ENDED = ("completed", "stopped")


@dataclass(frozen=True)
class Rated:
    """An answer that was rated, its question's text, and when."""

    user_id: UUID
    question: str
    answer: ChatMessage
    feedback: Feedback
    given_at: datetime


class RatingRepository:
    """The queries of one transaction, for one person."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    async def rate(self, message_id: UUID, feedback: Feedback) -> bool:
        """False where there is no such answer of the reader's, or it isn't complete."""
        answer = await self._session.scalar(
            select(Message.id)
            .join(Session, Session.id == Message.session_id)
            .where(
                Message.id == message_id,
                Message.role == "assistant",
                Message.status.in_(ENDED),
                Message.organization_id == self._subject.organization_id,
                Message.user_id == self._subject.user_id,
                Session.deleted_at.is_(None),
            )
            .with_for_update(read=True, of=Message)  # nobody may purge it before it is rated
        )
        if answer is None:
            return False
        values = {"rating": feedback.rating, "comment": feedback.comment}
        await self._session.execute(
            upsert(FeedbackRow)
            .values(
                message_id=message_id,
                organization_id=self._subject.organization_id,
                user_id=self._subject.user_id,
                **values,
            )
            .on_conflict_do_update(index_elements=[FeedbackRow.message_id], set_=values)
        )
        return True

    async def unrate(self, message_id: UUID) -> bool:
        removed = await self._session.scalar(
            delete(FeedbackRow)
            .where(
                FeedbackRow.message_id == message_id,
                FeedbackRow.organization_id == self._subject.organization_id,
                FeedbackRow.user_id == self._subject.user_id,
            )
            .returning(FeedbackRow.message_id)
        )
        return removed is not None

    async def rated(self, most: int, limit: int, cursor: str | None) -> tuple[list[Rated], str | None]:
        """What the organisation's members rated `most` or worse, the latest first. For its admins."""
        place = (FeedbackRow.updated_at, FeedbackRow.message_id)
        question = select(Message.id, Message.content).subquery("question")
        query = (
            select(FeedbackRow, Message, question.c.content.label("question"))
            .join(Message, Message.id == FeedbackRow.message_id)
            .join(question, question.c.id == Message.parent_id)
            .join(Session, Session.id == Message.session_id)
            .where(
                FeedbackRow.organization_id == self._subject.organization_id,
                FeedbackRow.rating <= most,
                Session.deleted_at.is_(None),
                made_here(),
            )
        )
        if cursor:
            query = query.where(tuple_(*place) < tuple_(*parts_of(cursor, 2)))
        rows = (await self._session.execute(query.order_by(*(one.desc() for one in place)).limit(limit + 1))).all()
        items: list[Rated] = []
        for row, message, asked in rows[:limit]:
            said = Feedback(rating=row.rating, comment=row.comment)
            items.append(Rated(row.user_id, asked, message_of(message), said, row.updated_at))
        last = items[-1] if len(rows) > limit else None
        return items, cursor_of(last.given_at.isoformat(), str(last.answer.id)) if last else None


async def given_ratings(session: AsyncSession, message_ids: Sequence[UUID]) -> dict[UUID, Feedback]:
    rows = await session.scalars(select(FeedbackRow).where(FeedbackRow.message_id.in_(message_ids)))
    return {row.message_id: Feedback(rating=row.rating, comment=row.comment) for row in rows}
