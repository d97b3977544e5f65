"""Whatever the order of events, the ledger agrees with a simple model and no plan is oversold."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from libs.contracts.billing import MessageReservationRequest, Resource, Settlement
from libs.contracts.errors import FootnoteError
from libs.stores.postgres import Database
from services.billing.plans import FREE
from services.billing.repository import BillingStore
from services.billing.service import RESERVATION_LIFE, Billing
from tests.integration.services.billing.conftest import SetClock

MESSAGES = range(4)
LIMIT = 2
# Two minutes before a month ends, so that examples pass both a reservation's life and the month's end.
START = datetime(2026, 5, 31, 23, 58, tzinfo=UTC)

STEPS = st.one_of(
    st.tuples(st.sampled_from(["reserve", "settle", "release"]), st.sampled_from(MESSAGES)),
    st.tuples(st.just("wait"), st.sampled_from([60, 300])),
)


@dataclass
class Model:
    """What should be so: months as (year, month), reservations as id → (month, expiry)."""

    now: datetime = START
    reserved: dict[UUID, tuple[tuple[int, int], datetime]] = field(default_factory=dict)
    settled: dict[UUID, tuple[int, int]] = field(default_factory=dict)

    @property
    def month(self) -> tuple[int, int]:
        return self.now.year, self.now.month

    def used(self) -> int:
        return sum(month == self.month for month in self.settled.values())

    def held(self) -> int:
        return sum(month == self.month and expiry > self.now for month, expiry in self.reserved.values())

    def reserve(self, message: UUID) -> bool:
        live = message in self.reserved and self.reserved[message][1] > self.now
        if message in self.settled or live:
            return True
        if self.used() + self.held() >= LIMIT:
            return False
        self.reserved[message] = (self.month, self.now + RESERVATION_LIFE)
        return True

    def settle(self, message: UUID) -> None:
        month, _ = self.reserved.pop(message, (self.month, self.now))
        self.settled.setdefault(message, month)


@settings(
    max_examples=25,
    deadline=None,
    # How long a draw takes says more of the machine than of what is tested.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=15, max_size=30))
async def test_the_ledger_follows_the_model(database: Database, steps: list[tuple[str, int]]) -> None:
    clock, model = SetClock(START), Model()
    billing = Billing(BillingStore(database), clock)
    organization_id, user_id = uuid4(), uuid4()
    ids = [uuid4() for _ in MESSAGES]
    already_used = FREE.messages_per_month - LIMIT if FREE.messages_per_month else 0

    async def settle(message: UUID) -> None:
        await billing.settle(
            Settlement(
                reservation_id=message,
                organization_id=organization_id,
                user_id=user_id,
                prompt_tokens=1,
                completion_tokens=1,
                model="extractive",
                occurred_at=clock.now,
            )
        )

    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO usage_records (organization_id, resource, event_id, quantity, period, occurred_at) "
                "VALUES (:id, 'messages', 'may', :used, '2026-05-01', now()), "
                "(:id, 'messages', 'june', :used, '2026-06-01', now())"
            ),
            {"id": organization_id, "used": already_used},
        )

    for action, argument in steps:
        if action == "wait":
            model.now = clock.now = clock.now + timedelta(seconds=argument)
            continue
        message = ids[argument]
        if action == "settle":
            model.settle(message)
            await settle(message)
        elif action == "release":
            model.reserved.pop(message, None)
            await billing.release(message)
        else:
            request = MessageReservationRequest(
                reservation_id=message, organization_id=organization_id, user_id=user_id, max_tokens=1
            )
            try:
                await billing.reserve(request)
                granted = True
            except FootnoteError:
                granted = False
            assert granted == model.reserve(message)
        usage = (await billing.usage(organization_id)).resources[Resource.MESSAGES]
        assert usage.used == already_used + model.used()
        assert usage.remaining == max(0, LIMIT - model.used() - model.held())
