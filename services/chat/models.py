"""chat's tables."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    Text,
    func,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.events.outbox import OutboxMixin


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        list[str]: JSONB,
    }


class Session(Base):
    """One conversation of one user: a tree of messages, of which the branch that ends in `leaf_id` is shown.

    `deleted_at`: in the bin since then. `shared`: colleagues may read it. `by_program`: it holds what a program asked.
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index(
            "sessions_by_owner",
            "organization_id",
            "user_id",
            text("pinned DESC"),
            text("asked_at DESC"),
            text("id DESC"),
        ),
        Index(
            "sessions_shared",
            "organization_id",
            text("asked_at DESC"),
            text("id DESC"),
            postgresql_where=text("shared AND deleted_at IS NULL"),
        ),
        Index("sessions_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    title: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    pinned: Mapped[bool] = mapped_column(default=False)
    shared: Mapped[bool] = mapped_column(default=False)
    imported: Mapped[bool] = mapped_column(default=False)
    by_program: Mapped[bool] = mapped_column(default=False)
    deleted_at: Mapped[datetime | None]
    leaf_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Message(Base):
    """A question, or its answer, after the message `parent_id`; `position` orders a session's messages.

    `options` are how a question was asked, `reservation_id` is an answer's, in billing. `stop_asked`: its reader wants
    no more of it, whichever process makes it.

    status: completed; generating while it is answered; stopped by its reader; failed; interrupted by a crash.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_by_session", "session_id", "position"),
        Index("messages_by_parent", "parent_id"),
        Index("messages_by_organization", "organization_id", "created_at", postgresql_where=text("role = 'assistant'")),
        Index(
            "messages_by_asker",
            "organization_id",
            "user_id",
            "session_id",
            postgresql_where=text("role = 'user'"),
        ),
        Index("messages_generating", "created_at", postgresql_where=text("status = 'generating'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    role: Mapped[str]
    status: Mapped[str]
    content: Mapped[str]
    citations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    sources: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    options: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    stop_asked: Mapped[bool] = mapped_column(default=False)
    reservation_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


def made_here() -> ColumnElement[bool]:
    """Whether an answer is the organisation's own, not one that came with an imported file; `Session` is joined."""
    return or_(Session.imported.is_(False), Message.reservation_id.is_not(None))


class Trace(Base):
    """How an answer was made."""

    __tablename__ = "traces"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    question: Mapped[str]
    steps: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class FeedbackRow(Base):
    """What the asker thinks of an answer."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("feedback_by_organization", "organization_id", text("updated_at DESC"), text("message_id DESC")),
    )

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    rating: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ReviewDecisionRow(Base):
    """What an admin decided about an answer (`subject` is its id) or a question (of its words, the SHA-256)."""

    __tablename__ = "review_decisions"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    decision: Mapped[str]
    set_id: Mapped[UUID | None]
    decided_by: Mapped[UUID]
    decided_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AnswerPolicyRow(Base):
    """What an organisation has changed of the default policy for its answers."""

    __tablename__ = "answer_policies"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    policy: Mapped[dict[str, Any]]
    updated_by: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class InstructionsRow(Base):
    """What one person asks of the answers to their questions."""

    __tablename__ = "instructions"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    instructions: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SummaryRow(Base):
    """What a person had asked of a session up to one of its messages: `topic` is the last question that stood alone."""

    __tablename__ = "summaries"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    topic: Mapped[str]
    phrases: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SecurityEventRow(Base):
    """An attempt on an organisation's answers; that of one passage is one row a day, counted in `times`."""

    __tablename__ = "security_events"
    __table_args__ = (
        Index(
            "security_events_of_passages",
            "organization_id",
            "kind",
            "chunk_id",
            "day",
            unique=True,
            postgresql_where=text("chunk_id IS NOT NULL"),
        ),
        Index("security_events_by_organization", "organization_id", text("updated_at DESC"), text("id DESC")),
        Index("security_events_by_age", "updated_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    kind: Mapped[str]
    user_id: Mapped[UUID]
    message_id: Mapped[UUID]
    document_id: Mapped[UUID | None]
    chunk_id: Mapped[UUID | None]
    day: Mapped[date]
    times: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    details: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OutboxMessage(OutboxMixin, Base):
    pass
