"""chat's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.events.outbox import OutboxMixin


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class Session(Base):
    """One conversation of one user."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_by_owner", "organization_id", "user_id", text("updated_at DESC"), text("id DESC")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    title: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Message(Base):
    """A question, or its answer; `position` orders a session's messages. `reservation_id` is an answer's, in billing.

    status: completed; generating while it is answered; stopped by its reader; failed; interrupted by a crash.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("messages_by_session", "session_id", "position"),
        Index("messages_generating", "created_at", postgresql_where=text("status = 'generating'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    role: Mapped[str]
    status: Mapped[str]
    content: Mapped[str]
    citations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    sources: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata", JSONB(none_as_null=True))
    reservation_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Trace(Base):
    """How an answer was made."""

    __tablename__ = "traces"

    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    question: Mapped[str]
    steps: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OutboxMessage(OutboxMixin, Base):
    pass
