"""All of billing's queries, each for one organisation."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Text, and_, cast, delete, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.billing import Resource
from libs.stores.postgres import Database
from services.billing.models import Reservation, Subscription, UsageRecord


@dataclass(frozen=True)
class Active:
    plan: str
    started_at: datetime


@dataclass(frozen=True)
class Standing:
    """`used` is settled, `reserved` is held by live reservations; `counted` says that the event is among them."""

    used: int
    reserved: int
    counted: bool


@dataclass(frozen=True)
class UsageEvent:
    """One line to append; `event_id` is its identity within the organisation's resource."""

    organization_id: UUID
    resource: Resource
    event_id: str
    quantity: int
    period: date
    occurred_at: datetime
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    model: str | None = None


class BillingRepository:
    """The queries of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def active_subscription(self, organization_id: UUID) -> Active | None:
        rows = await self._session.execute(
            select(Subscription.plan, Subscription.started_at).where(
                Subscription.organization_id == organization_id, Subscription.ended_at.is_(None)
            )
        )
        row = rows.one_or_none()
        return None if row is None else Active(row.plan, row.started_at)

    async def change_subscription(self, organization_id: UUID, plan: str, now: datetime) -> Active:
        """The active subscription afterwards; one on the same plan stays as it is."""
        await self._wait_for_turn(organization_id, "subscription")
        active = await self.active_subscription(organization_id)
        if active and active.plan == plan:
            return active
        await self._session.execute(
            update(Subscription)
            .where(Subscription.organization_id == organization_id, Subscription.ended_at.is_(None))
            .values(ended_at=func.greatest(now, Subscription.started_at))
        )
        self._session.add(Subscription(organization_id=organization_id, plan=plan, started_at=now))
        await self._session.flush()
        return Active(plan, now)

    async def wait_for_turn(self, organization_id: UUID, resource: Resource) -> None:
        """Until this transaction ends, no other decides about the organisation's resource."""
        await self._wait_for_turn(organization_id, resource.value)

    async def _wait_for_turn(self, organization_id: UUID, what: str) -> None:
        name = f"{organization_id}:{what}"
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    async def standing(
        self, organization_id: UUID, resource: Resource, period: date | None, now: datetime, event_id: str = ""
    ) -> Standing:
        """What counts against the resource's limit in the period (None: ever), and whether the event does already."""
        settled = and_(UsageRecord.organization_id == organization_id, UsageRecord.resource == resource.value)
        in_period = settled if period is None else and_(settled, UsageRecord.period == period)
        used = select(func.coalesce(func.sum(UsageRecord.quantity), 0)).where(in_period).scalar_subquery()
        counted = exists().where(settled, UsageRecord.event_id == event_id)
        reserved = literal(0)
        if resource is Resource.MESSAGES:
            live = and_(Reservation.organization_id == organization_id, Reservation.expires_at > now)
            counted = or_(counted, exists().where(live, cast(Reservation.id, Text) == event_id))
            reserved = select(func.count()).where(live, Reservation.period == period).scalar_subquery()
        # One statement, so one snapshot: a message that is settled meanwhile is seen as reserved or as used, never as
        # neither.
        row = (await self._session.execute(select(used, reserved, counted))).one()
        return Standing(int(row[0]), row[1], row[2])

    async def counted(self, organization_id: UUID, resource: Resource, event_ids: Sequence[str]) -> set[str]:
        """Those of the events that are in the ledger already."""
        query = select(UsageRecord.event_id).where(
            UsageRecord.organization_id == organization_id,
            UsageRecord.resource == resource.value,
            UsageRecord.event_id.in_(event_ids),
        )
        return set(await self._session.scalars(query))

    async def reserve(
        self, organization_id: UUID, reservation_id: UUID, period: date, now: datetime, expires_at: datetime
    ) -> None:
        """Holds room; a live reservation of the same id stays as it is, an expired one starts anew."""
        statement = insert(Reservation).values(
            id=reservation_id, organization_id=organization_id, period=period, reserved_at=now, expires_at=expires_at
        )
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=[Reservation.id],
                set_={
                    "period": statement.excluded.period,
                    "reserved_at": statement.excluded.reserved_at,
                    "expires_at": statement.excluded.expires_at,
                },
                where=and_(Reservation.organization_id == organization_id, Reservation.expires_at <= now),
            )
        )

    async def take_reservation(
        self, organization_id: UUID, reservation_id: UUID, stale_before: datetime
    ) -> date | None:
        """Removes a reservation, expired or not, and returns its period; None where there is none.

        The organisation's abandoned ones, expired before `stale_before`, go with it.
        """
        removed = await self._session.execute(
            delete(Reservation)
            .where(
                Reservation.organization_id == organization_id,
                or_(Reservation.id == reservation_id, Reservation.expires_at < stale_before),
            )
            .returning(Reservation.id, Reservation.period)
        )
        return next((row.period for row in removed if row.id == reservation_id), None)

    async def release(self, reservation_id: UUID) -> None:
        """Gives room back, by the reservation's id alone: only its maker knows it."""
        await self._session.execute(delete(Reservation).where(Reservation.id == reservation_id))

    async def append(self, *events: UsageEvent) -> None:
        """Adds lines to the ledger; an event that is there already stays as it is."""
        await self._session.execute(insert(UsageRecord).on_conflict_do_nothing(), [asdict(event) for event in events])


class BillingStore:
    """Opens the transaction of one step."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def step(self, *, durable: bool = True) -> AsyncGenerator[BillingRepository]:
        """One that isn't durable commits without waiting for the disk: a crash of the database may undo it."""
        async with self._database.transaction() as session:
            if not durable:
                await session.execute(select(func.set_config("synchronous_commit", "off", True)))
            yield BillingRepository(session)
