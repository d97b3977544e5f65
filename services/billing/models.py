"""billing's tables."""

from datetime import date, datetime
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Date, DateTime, Index, Text, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        str: Text,
        int: BigInteger,
        date: Date,
        datetime: DateTime(timezone=True),
    }


class Subscription(Base):
    """An organisation has at most one that is active; without any it is on the free plan."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("subscriptions_one_active", "organization_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    organization_id: Mapped[UUID]
    plan: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Reservation(Base):
    """Room held for a message that is being answered. `period` is the month in which it was reserved and will count."""

    __tablename__ = "reservations"
    __table_args__ = (Index("reservations_by_organization", "organization_id", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    period: Mapped[date]
    reserved_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class UsageRecord(Base):
    """One line of the ledger: never changed, never deleted, once per event of an organisation's resource."""

    __tablename__ = "usage_records"
    __table_args__ = (
        Index("usage_records_by_period", "organization_id", "resource", "period", postgresql_include=["quantity"]),
    )

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(primary_key=True)
    quantity: Mapped[int]
    period: Mapped[date]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    user_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    model: Mapped[str | None]
