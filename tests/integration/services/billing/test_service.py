"""The quota ledger against a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.contracts.billing import (
    ApiCall,
    MessageReservationRequest,
    Resource,
    Settlement,
    StorageChange,
)
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.stores.postgres import Database
from services.billing.service import RESERVATION_KEPT, RESERVATION_LIFE, Billing
from tests.integration.services.billing.conftest import NOON, SetClock

MB = 1_000_000


def message(organization_id: UUID, reservation_id: UUID | None = None, max_tokens: int = 512):
    return MessageReservationRequest(
        reservation_id=reservation_id or uuid4(),
        organization_id=organization_id,
        user_id=uuid4(),
        max_tokens=max_tokens,
    )


def settlement(organization_id: UUID, reservation_id: UUID, occurred_at: datetime = NOON):
    return Settlement(
        reservation_id=reservation_id,
        organization_id=organization_id,
        user_id=uuid4(),
        prompt_tokens=900,
        completion_tokens=80,
        model="extractive",
        occurred_at=occurred_at,
    )


async def used(billing: Billing, organization_id: UUID, resource: Resource = Resource.MESSAGES) -> int:
    return (await billing.usage(organization_id)).resources[resource].used


async def remaining(billing: Billing, organization_id: UUID, resource: Resource = Resource.MESSAGES) -> int | None:
    return (await billing.usage(organization_id)).resources[resource].remaining


async def test_two_hundred_at_once_get_the_hundred_messages_of_the_free_plan(billing: Billing) -> None:
    organization_id = uuid4()
    outcomes = await asyncio.gather(
        *(billing.reserve(message(organization_id)) for _ in range(200)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, FootnoteError)]
    assert len(refused) == 100
    assert {error.code for error in refused} == {ErrorCode.QUOTA_EXCEEDED}
    assert len([outcome for outcome in outcomes if not isinstance(outcome, BaseException)]) == 100
    assert await remaining(billing, organization_id) == 0


async def test_a_refusal_says_what_is_used_and_when_it_ends(billing: Billing) -> None:
    organization_id = uuid4()
    for _ in range(100):
        await billing.settle(settlement(organization_id, uuid4()))
    with pytest.raises(FootnoteError) as refused:
        await billing.reserve(message(organization_id))
    assert refused.value.status == 429
    assert refused.value.details == {
        "resource": "messages",
        "current_usage": 100,
        "limit": 100,
        "reset_at": "2026-06-01T00:00:00+00:00",
    }
    until_june = datetime(2026, 6, 1, tzinfo=UTC) - NOON
    assert refused.value.headers == {"Retry-After": str(int(until_june.total_seconds()))}


async def test_the_same_reservation_twice_holds_one_place(billing: Billing) -> None:
    organization_id = uuid4()
    request = message(organization_id)
    await asyncio.gather(*(billing.reserve(request) for _ in range(10)))
    assert await remaining(billing, organization_id) == 99


async def test_a_reservation_asked_for_again_after_it_was_settled_holds_nothing(billing: Billing) -> None:
    organization_id = uuid4()
    request = message(organization_id)
    await billing.reserve(request)
    await billing.settle(settlement(organization_id, request.reservation_id))
    await billing.reserve(request)
    assert await remaining(billing, organization_id) == 99


async def test_the_plan_bounds_the_tokens_of_an_answer(billing: Billing) -> None:
    organization_id = uuid4()
    assert (await billing.reserve(message(organization_id, max_tokens=2_000))).max_tokens == 1_000
    assert (await billing.reserve(message(organization_id, max_tokens=50))).max_tokens == 50
    await billing.change_plan(organization_id, "pro")
    assert (await billing.reserve(message(organization_id, max_tokens=2_000))).max_tokens == 2_000


async def test_settling_twice_counts_once(billing: Billing) -> None:
    organization_id = uuid4()
    request = message(organization_id)
    await billing.reserve(request)
    settled = settlement(organization_id, request.reservation_id)
    await asyncio.gather(*(billing.settle(settled) for _ in range(10)))
    assert await used(billing, organization_id) == 1
    assert await remaining(billing, organization_id) == 99


async def test_a_settlement_without_a_reservation_is_recorded(billing: Billing) -> None:
    organization_id = uuid4()
    await billing.settle(settlement(organization_id, uuid4()))
    assert await used(billing, organization_id) == 1


def test_a_settlement_of_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="occurred_at"):
        settlement(uuid4(), uuid4(), NOON.replace(tzinfo=None))


async def test_release_gives_the_room_back_and_settlement_after_it_still_counts(billing: Billing) -> None:
    organization_id = uuid4()
    request = message(organization_id)
    await billing.reserve(request)
    await billing.release(request.reservation_id)
    await billing.release(request.reservation_id)
    assert await remaining(billing, organization_id) == 100
    await billing.settle(settlement(organization_id, request.reservation_id))
    assert await used(billing, organization_id) == 1


async def test_an_expired_reservation_gives_its_room_back_and_still_settles(billing: Billing, clock: SetClock) -> None:
    organization_id = uuid4()
    abandoned = [message(organization_id) for _ in range(100)]
    for request in abandoned:
        await billing.reserve(request)
    clock.now += RESERVATION_LIFE
    await billing.reserve(message(organization_id))
    await billing.settle(settlement(organization_id, abandoned[0].reservation_id))
    assert await used(billing, organization_id) == 1


async def test_an_expired_reservation_asked_for_again_needs_room_again(billing: Billing, clock: SetClock) -> None:
    organization_id = uuid4()
    first = message(organization_id)
    await billing.reserve(first)
    clock.now += RESERVATION_LIFE
    for _ in range(100):
        await billing.reserve(message(organization_id))
    with pytest.raises(FootnoteError, match="allows 100 messages"):
        await billing.reserve(first)


async def test_a_message_counts_in_the_month_in_which_it_was_reserved(billing: Billing, clock: SetClock) -> None:
    organization_id = uuid4()
    request = message(organization_id)
    clock.now = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC)
    await billing.reserve(request)
    clock.now = datetime(2026, 6, 1, 0, 0, 3, tzinfo=UTC)
    assert await remaining(billing, organization_id) == 100
    await billing.reserve(request)
    await billing.settle(settlement(organization_id, request.reservation_id, occurred_at=clock.now))
    assert await used(billing, organization_id) == 0
    clock.now = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC)
    assert await used(billing, organization_id) == 1


async def test_abandoned_reservations_are_removed_after_a_day(
    billing: Billing, clock: SetClock, database: Database
) -> None:
    organization_id = uuid4()
    for _ in range(3):
        await billing.reserve(message(organization_id))
    clock.now += RESERVATION_LIFE + RESERVATION_KEPT + timedelta(seconds=1)
    await billing.settle(settlement(organization_id, uuid4()))
    async with database.transaction() as session:
        left = await session.scalar(
            text("SELECT count(*) FROM reservations WHERE organization_id = :id"), {"id": organization_id}
        )
    assert left == 0


async def test_an_unlimited_plan_admits_and_still_records(billing: Billing) -> None:
    organization_id = uuid4()
    await billing.change_plan(organization_id, "enterprise")
    for _ in range(101):
        request = message(organization_id)
        await billing.reserve(request)
        await billing.settle(settlement(organization_id, request.reservation_id))
    usage = (await billing.usage(organization_id)).resources[Resource.MESSAGES]
    assert (usage.used, usage.limit, usage.remaining) == (101, None, None)


async def test_api_calls_are_counted_once_each_and_by_the_day(billing: Billing, clock: SetClock) -> None:
    organization_id = uuid4()

    def call() -> ApiCall:
        return ApiCall(call_id=uuid4(), organization_id=organization_id, api_key_id=uuid4())

    first = call()
    await asyncio.gather(*(billing.count_api_call(first) for _ in range(10)))
    assert await used(billing, organization_id, Resource.API_CALLS) == 1
    outcomes = await asyncio.gather(*(billing.count_api_call(call()) for _ in range(120)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, FootnoteError)]
    assert len(refused) == 21
    assert refused[0].details["reset_at"] == "2026-05-16T00:00:00+00:00"
    assert refused[0].headers["Retry-After"] == str(12 * 3600)
    await billing.count_api_call(first)
    clock.now += timedelta(hours=12)
    await billing.count_api_call(call())
    assert await used(billing, organization_id, Resource.API_CALLS) == 1


async def test_storage_is_refused_over_the_limit_and_given_up_always(billing: Billing) -> None:
    organization_id = uuid4()

    async def change(event_id: str, megabytes: int) -> None:
        await billing.change_storage(
            StorageChange(event_id=event_id, organization_id=organization_id, delta_bytes=megabytes * MB)
        )

    outcomes = await asyncio.gather(*(change(f"add-{n}", 30) for n in range(10)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, FootnoteError)]
    assert len(refused) == 7
    assert refused[0].details == {
        "resource": "storage_bytes",
        "current_usage": 90 * MB,
        "limit": 100 * MB,
        "reset_at": None,
    }
    await change("exact", 10)
    await change("remove", -40)
    await change("remove", -40)
    assert await used(billing, organization_id, Resource.STORAGE_BYTES) == 60 * MB


async def test_changes_that_come_together_are_counted_together_or_not_at_all(billing: Billing) -> None:
    organization_id = uuid4()

    def changes(*sizes: int) -> list[StorageChange]:
        return [
            StorageChange(event_id=f"{place}:{size}", organization_id=organization_id, delta_bytes=size * MB)
            for place, size in enumerate(sizes)
        ]

    await billing.change_storage(*changes(40, 20))
    with pytest.raises(FootnoteError) as refused:
        await billing.change_storage(*changes(40, 10, 35))
    assert refused.value.details["current_usage"] == 60 * MB
    assert await used(billing, organization_id, Resource.STORAGE_BYTES) == 60 * MB
    await billing.change_storage(*changes(40, 20, 30, 10))
    await billing.change_storage(*changes(40, 20, 30, 10))
    assert await used(billing, organization_id, Resource.STORAGE_BYTES) == 100 * MB


async def test_after_a_smaller_plan_nothing_more_is_kept_but_all_can_be_given_up(billing: Billing) -> None:
    organization_id = uuid4()
    await billing.change_plan(organization_id, "pro")
    kept = StorageChange(event_id="kept", organization_id=organization_id, delta_bytes=500 * MB)
    await billing.change_storage(kept)
    await billing.change_plan(organization_id, "free")
    with pytest.raises(FootnoteError, match="choose a larger plan"):
        await billing.change_storage(kept.model_copy(update={"event_id": "more", "delta_bytes": 1}))
    assert await remaining(billing, organization_id, Resource.STORAGE_BYTES) == 0
    await billing.change_storage(kept.model_copy(update={"event_id": "gone", "delta_bytes": -500 * MB}))
    assert await used(billing, organization_id, Resource.STORAGE_BYTES) == 0


async def test_one_subscription_is_active_however_many_change_it_at_once(billing: Billing, database: Database) -> None:
    organization_id = uuid4()
    await asyncio.gather(*(billing.change_plan(organization_id, name) for name in ["pro", "enterprise", "free"] * 5))
    async with database.transaction() as session:
        active = await session.scalar(
            text("SELECT count(*) FROM subscriptions WHERE organization_id = :id AND ended_at IS NULL"),
            {"id": organization_id},
        )
    assert active == 1


async def test_organisations_do_not_share_event_ids(billing: Billing) -> None:
    first, second = uuid4(), uuid4()
    for organization_id in (first, second):
        await billing.change_storage(
            StorageChange(event_id="document-1", organization_id=organization_id, delta_bytes=MB)
        )
    assert await used(billing, first, Resource.STORAGE_BYTES) == MB
    assert await used(billing, second, Resource.STORAGE_BYTES) == MB


@pytest.mark.parametrize("statement", ["UPDATE usage_records SET quantity = 0", "DELETE FROM usage_records"])
async def test_the_ledger_is_append_only(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.transaction() as session:
            await session.execute(text(statement))
