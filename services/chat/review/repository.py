"""The queries of what waits for an admin's review."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    Subquery,
    and_,
    case,
    cast,
    distinct,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from libs.contracts.chat import ChatMessage, Feedback, Outcome
from libs.contracts.identity import Subject
from libs.contracts.reviews import DecisionName, ReviewReason
from services.chat.conversations.cursors import parts_of
from services.chat.models import FeedbackRow, Message, ReviewDecisionRow, Session, made_here
from services.chat.repository import message_of

RATED_LOW = 2
LOW_CONFIDENCE = 0.4
OFTEN = 10
# Below so many people a question's words may tell who asked.
LEAST_PEOPLE = 3
DAYS = 90

Question = aliased(Message)


@dataclass(frozen=True)
class Waiting:
    """`subject` is what a decision is about; `answer` and `feedback` are there where the reader has rated it."""

    subject: str
    message_id: UUID
    question: str
    reasons: list[ReviewReason]
    asked: int
    people: int
    last_at: datetime
    answer: ChatMessage | None = None
    feedback: Feedback | None = None
    owned: bool = False


class ReviewRepository:
    """The queries of one transaction, for one admin of one organisation."""

    def __init__(self, session: AsyncSession, admin: Subject) -> None:
        self._session = session
        self._admin = admin

    async def waiting(self, limit: int, cursor: str | None) -> list[Waiting]:
        """Up to `limit` and one more, the latest first."""
        place = tuple(parts_of(cursor, 2)) if cursor else None
        found = [*await self._rated(place, limit + 1), *await self._asked(place, limit + 1)]
        found.sort(key=lambda one: (one.last_at, one.message_id), reverse=True)
        return found[: limit + 1]

    async def one(self, message_id: UUID) -> Waiting | None:
        """What waits under that id."""
        rated = await self._rated(None, 1, FeedbackRow.message_id == message_id)
        if rated:
            return rated[0]
        answer, question = aliased(Message), aliased(Message)
        named = (
            select(_words(question.content))
            .join(answer, answer.parent_id == question.id)
            .where(answer.id == message_id, answer.organization_id == self._admin.organization_id)
        )
        same = named.scalar_subquery()
        asked = await self._asked(None, 1, _words(Question.content) == same)
        return asked[0] if asked else None

    async def decide(self, subject: str, decision: DecisionName, set_id: UUID | None) -> None:
        """The last of two decisions stands."""
        values: dict[str, Any] = {"decision": decision, "set_id": set_id, "decided_by": self._admin.user_id}
        await self._session.execute(
            upsert(ReviewDecisionRow)
            .values(organization_id=self._admin.organization_id, subject=subject, **values)
            .on_conflict_do_update(
                index_elements=[ReviewDecisionRow.organization_id, ReviewDecisionRow.subject],
                set_=values | {"decided_at": func.now()},
            )
        )

    def _own(self, table: type[Message | FeedbackRow]) -> ColumnElement[bool]:
        return table.organization_id == self._admin.organization_id

    def _decided(self, subject: ColumnElement[str]) -> ColumnElement[bool]:
        return and_(
            ReviewDecisionRow.organization_id == self._admin.organization_id, ReviewDecisionRow.subject == subject
        )

    async def _rated(
        self, place: tuple[Any, ...] | None, limit: int, *conditions: ColumnElement[bool]
    ) -> list[Waiting]:
        """Rated badly, since the last decision about it."""
        subject = cast(FeedbackRow.message_id, String)
        query = (
            select(FeedbackRow, Message, Question.content)
            .join(Message, Message.id == FeedbackRow.message_id)
            .join(Question, Question.id == Message.parent_id)
            .join(Session, Session.id == Message.session_id)
            .outerjoin(ReviewDecisionRow, self._decided(subject))
            .where(
                self._own(FeedbackRow),
                FeedbackRow.rating <= RATED_LOW,
                Session.deleted_at.is_(None),
                made_here(),
                or_(ReviewDecisionRow.decided_at.is_(None), ReviewDecisionRow.decided_at < FeedbackRow.updated_at),
                *conditions,
            )
        )
        if place:
            query = query.where(tuple_(FeedbackRow.updated_at, FeedbackRow.message_id) < tuple_(*place))
        order = (FeedbackRow.updated_at.desc(), FeedbackRow.message_id.desc())
        rows = await self._session.execute(query.order_by(*order).limit(limit))
        return [
            Waiting(
                subject=str(row.message_id),
                message_id=row.message_id,
                question=question,
                reasons=_reasons_of(message),
                asked=1,
                people=1,
                last_at=row.updated_at,
                answer=message_of(message),
                feedback=Feedback(rating=row.rating, comment=row.comment),
                owned=message.user_id == self._admin.user_id,
            )
            for row, message, question in rows
        ]

    async def _asked(
        self, place: tuple[Any, ...] | None, limit: int, *conditions: ColumnElement[bool]
    ) -> list[Waiting]:
        """Questions that open a conversation, asked in the same words by several people since the last decision."""
        groups = self._groups(*conditions)
        query = select(groups)
        if place:
            query = query.where(tuple_(groups.c.last_at, groups.c.message_id) < tuple_(*place))
        rows = await self._session.execute(
            query.order_by(groups.c.last_at.desc(), groups.c.message_id.desc()).limit(limit)
        )
        return [
            Waiting(
                subject=row.subject,
                message_id=row.message_id,
                question=row.question,
                reasons=[
                    reason
                    for reason, holds in (
                        (ReviewReason.ABSTAINED, row.abstained >= LEAST_PEOPLE),
                        (ReviewReason.LOW_CONFIDENCE, row.unsure >= LEAST_PEOPLE),
                        (ReviewReason.ASKED_OFTEN, row.asked >= OFTEN),
                    )
                    if holds
                ],
                asked=row.asked,
                people=row.people,
                last_at=row.last_at,
            )
            for row in rows
        ]

    def _groups(self, *conditions: ColumnElement[bool]) -> Subquery:
        words = _words(Question.content)
        subject = func.encode(func.sha256(func.convert_to(words, "UTF8")), "hex")
        outcome = Message.metadata_["outcome"].astext
        confidence = cast(Message.metadata_["confidence"].astext, Float)
        abstained = _people(outcome == Outcome.ABSTAINED)
        unsure = _people(and_(outcome == Outcome.ANSWERED, confidence < LOW_CONFIDENCE))
        asked, people = func.count(distinct(Question.id)), func.count(distinct(Message.user_id))
        latest = aggregate_order_by(Message.id, Message.created_at.desc(), Message.id.desc())
        return (
            select(
                subject.label("subject"),
                func.array_agg(latest)[1].label("message_id"),
                # In the words of any of them: they are the same but for case, spaces and the marks at the ends.
                func.min(Question.content).label("question"),
                func.max(Message.created_at).label("last_at"),
                asked.label("asked"),
                people.label("people"),
                abstained.label("abstained"),
                unsure.label("unsure"),
            )
            .select_from(Message)
            .join(Question, Question.id == Message.parent_id)
            .join(Session, Session.id == Message.session_id)
            .outerjoin(ReviewDecisionRow, self._decided(subject))
            .where(
                self._own(Message),
                Message.role == "assistant",
                Message.status == "completed",
                Message.created_at > func.now() - func.make_interval(0, 0, 0, DAYS),
                Question.parent_id.is_(None),
                Session.deleted_at.is_(None),
                Session.imported.is_(False),
                or_(ReviewDecisionRow.decided_at.is_(None), ReviewDecisionRow.decided_at < Message.created_at),
                *conditions,
            )
            .group_by(subject)
            .having(
                people >= LEAST_PEOPLE,
                or_(abstained >= LEAST_PEOPLE, unsure >= LEAST_PEOPLE, asked >= OFTEN),
            )
            .subquery()
        )


def _words(content: ColumnElement[str] | Any) -> ColumnElement[str]:
    """A question's words without what doesn't tell questions apart: case, spacing, marks around it."""
    trimmed = func.btrim(content, " \t\r\n.?!¿¡…")
    return func.lower(func.regexp_replace(trimmed, r"\s+", " ", "g"))


def _people(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many of the askers it holds for."""
    return func.count(distinct(case((condition, Message.user_id), else_=literal(None))))


def _reasons_of(message: Message) -> list[ReviewReason]:
    said = message_of(message).metadata
    reasons = [ReviewReason.RATED_LOW]
    if said and said.outcome is Outcome.ABSTAINED:
        reasons.append(ReviewReason.ABSTAINED)
    if said and said.outcome is Outcome.ANSWERED and said.confidence < LOW_CONFIDENCE:
        reasons.append(ReviewReason.LOW_CONFIDENCE)
    return reasons
