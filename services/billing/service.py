"""Plans, and the quota ledger: room is reserved before work, what was really used is settled after it."""

import math
from datetime import datetime, timedelta
from uuid import UUID

from libs.contracts.billing import (
    ApiCall,
    MessageReservation,
    MessageReservationRequest,
    Plan,
    Resource,
    ResourceUsage,
    Settlement,
    StorageChange,
    Subscription,
    Usage,
)
from libs.contracts.errors import ErrorCode, FootnoteError
from services.billing.periods import Clock, Period, day_of, month_of
from services.billing.plans import FREE, PLANS, limit_of, plan_named
from services.billing.repository import BillingRepository, BillingStore, UsageEvent

# Longer than any answer may take, short enough that a crash gives its room back soon.
RESERVATION_LIFE = timedelta(minutes=5)
# An expired reservation still says in which month its message counts, should the settlement come late.
RESERVATION_KEPT = timedelta(days=1)

WORDS = {
    Resource.MESSAGES: "messages a month",
    Resource.API_CALLS: "API calls a day",
    Resource.STORAGE_BYTES: "bytes of documents",
}


class Billing:
    """Subscriptions and usage. Every change is named by its caller, so that asking twice counts once."""

    def __init__(self, store: BillingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def subscription(self, organization_id: UUID) -> Subscription:
        """The active subscription. Free needs none: it is shown from the start of this month."""
        async with self._store.step() as repository:
            active = await repository.active_subscription(organization_id)
        if active is None:
            return Subscription(plan=FREE, status="active", started_at=month_of(self._clock()).start)
        return Subscription(plan=PLANS[active.plan], status="active", started_at=active.started_at)

    async def change_plan(self, organization_id: UUID, name: str) -> Subscription:
        """422 where there is no such plan. The new limits hold from the next request on; usage goes on counting."""
        plan = plan_named(name)
        async with self._store.step() as repository:
            active = await repository.change_subscription(organization_id, name, self._clock())
        return Subscription(plan=plan, status="active", started_at=active.started_at)

    async def usage(self, organization_id: UUID) -> Usage:
        """What has been used; the room that messages being answered hold isn't used, and doesn't remain either."""
        now = self._clock()
        month = month_of(now)
        resources: dict[Resource, ResourceUsage] = {}
        async with self._store.step() as repository:
            plan = await _plan(repository, organization_id)
            for resource in Resource:
                period = _period(resource, now)
                standing = await repository.standing(organization_id, resource, period and period.key, now)
                limit = limit_of(plan, resource)
                resources[resource] = ResourceUsage(
                    used=standing.used,
                    limit=limit,
                    remaining=None if limit is None else max(0, limit - standing.used - standing.reserved),
                    resets_at=period and period.end,
                )
        return Usage(period_start=month.start, period_end=month.end, plan=plan.name, resources=resources)

    async def reserve(self, request: MessageReservationRequest) -> MessageReservation:
        """Room for one message of this month, and the tokens that the plan grants it.

        Raises 429 QUOTA_EXCEEDED where there is no room.
        """
        now = self._clock()
        month = month_of(now)
        message = UsageEvent(
            organization_id=request.organization_id,
            resource=Resource.MESSAGES,
            event_id=str(request.reservation_id),
            quantity=1,
            period=month.key,
            occurred_at=now,
        )
        # Losing a reservation gives room back a little early; the settlement, which counts, waits for the disk.
        async with self._store.step(durable=False) as repository:
            plan = await _plan(repository, request.organization_id)
            if await _admit(repository, plan, message, now):
                await repository.reserve(
                    request.organization_id, request.reservation_id, month.key, now, now + RESERVATION_LIFE
                )
        granted = min(request.max_tokens, plan.tokens_per_message)
        return MessageReservation(reservation_id=request.reservation_id, max_tokens=granted, plan=plan.name)

    async def settle(self, settlement: Settlement) -> None:
        """Records a message in the month of its reservation, or of its answer where there was none.

        The message has been served: it is recorded even where its reservation has expired and the room is gone.
        """
        async with self._store.step() as repository:
            reserved_in = await repository.take_reservation(
                settlement.organization_id, settlement.reservation_id, self._clock() - RESERVATION_KEPT
            )
            await repository.append(
                UsageEvent(
                    organization_id=settlement.organization_id,
                    resource=Resource.MESSAGES,
                    event_id=str(settlement.reservation_id),
                    quantity=1,
                    period=reserved_in or month_of(settlement.occurred_at).key,
                    occurred_at=settlement.occurred_at,
                    user_id=settlement.user_id,
                    prompt_tokens=settlement.prompt_tokens,
                    completion_tokens=settlement.completion_tokens,
                    model=settlement.model,
                )
            )

    async def release(self, reservation_id: UUID) -> None:
        """Gives a reservation's room back; one that is settled, released or unknown changes nothing."""
        async with self._store.step(durable=False) as repository:
            await repository.release(reservation_id)

    async def count_api_call(self, call: ApiCall) -> None:
        """Records a call of this day. Raises 429 QUOTA_EXCEEDED where the day's calls are used up."""
        now = self._clock()
        event = UsageEvent(
            organization_id=call.organization_id,
            resource=Resource.API_CALLS,
            event_id=str(call.call_id),
            quantity=1,
            period=day_of(now).key,
            occurred_at=now,
            api_key_id=call.api_key_id,
        )
        async with self._store.step() as repository:
            plan = await _plan(repository, call.organization_id)
            if await _admit(repository, plan, event, now):
                await repository.append(event)

    async def change_storage(self, *changes: StorageChange) -> None:
        """Records bytes that one organisation keeps or gives up, all of the changes or none.

        Raises 429 QUOTA_EXCEEDED where the plan has no room for them together; giving up is never refused.
        """
        now = self._clock()
        organization_id = changes[0].organization_id
        async with self._store.step() as repository:
            plan = await _plan(repository, organization_id)
            await repository.wait_for_turn(organization_id, Resource.STORAGE_BYTES)
            names = [change.event_id for change in changes]
            counted = await repository.counted(organization_id, Resource.STORAGE_BYTES, names)
            new = {change.event_id: change for change in changes if change.event_id not in counted}
            growth = sum(change.delta_bytes for change in new.values())
            limit = limit_of(plan, Resource.STORAGE_BYTES)
            if growth > 0 and limit is not None:
                standing = await repository.standing(organization_id, Resource.STORAGE_BYTES, None, now)
                if standing.used + growth > limit:
                    raise _quota_exceeded(plan, Resource.STORAGE_BYTES, standing.used, now)
            if new:
                await repository.append(*(_storage_event(change, now) for change in new.values()))


def _storage_event(change: StorageChange, now: datetime) -> UsageEvent:
    return UsageEvent(
        organization_id=change.organization_id,
        resource=Resource.STORAGE_BYTES,
        event_id=change.event_id,
        quantity=change.delta_bytes,
        period=month_of(now).key,
        occurred_at=now,
    )


async def _plan(repository: BillingRepository, organization_id: UUID) -> Plan:
    active = await repository.active_subscription(organization_id)
    return FREE if active is None else PLANS[active.plan]


async def _admit(repository: BillingRepository, plan: Plan, event: UsageEvent, now: datetime) -> bool:
    """Whether the event is still to be counted. Raises 429 QUOTA_EXCEEDED where it would pass the plan's limit."""
    limit = limit_of(plan, event.resource)
    if limit is None:
        return True
    period = _period(event.resource, now)
    await repository.wait_for_turn(event.organization_id, event.resource)
    standing = await repository.standing(
        event.organization_id, event.resource, period and period.key, now, event.event_id
    )
    if standing.counted:
        return False
    current = standing.used + standing.reserved
    if current + event.quantity > limit:
        raise _quota_exceeded(plan, event.resource, current, now)
    return True


def _period(resource: Resource, now: datetime) -> Period | None:
    """The span in which a resource is counted at this instant; None for one that is counted for ever."""
    match resource:
        case Resource.MESSAGES:
            return month_of(now)
        case Resource.API_CALLS:
            return day_of(now)
        case Resource.STORAGE_BYTES:
            return None


def _quota_exceeded(plan: Plan, resource: Resource, current: int, now: datetime) -> FootnoteError:
    limit, period = limit_of(plan, resource), _period(resource, now)
    details = {
        "resource": resource.value,
        "current_usage": current,
        "limit": limit,
        "reset_at": None if period is None else period.end.isoformat(),
    }
    allowed = f"The plan {plan.name!r} allows {limit:,} {WORDS[resource]}, and {current:,} are in use."
    if period is None:
        return FootnoteError(
            ErrorCode.QUOTA_EXCEEDED, f"{allowed} Delete documents or choose a larger plan.", 429, details
        )
    retry_after_s = max(1, math.ceil((period.end - now).total_seconds()))
    return FootnoteError(
        ErrorCode.QUOTA_EXCEEDED,
        f"{allowed} Wait until {period.end:%Y-%m-%d %H:%M} UTC or choose a larger plan.",
        429,
        details,
        {"Retry-After": str(retry_after_s)},
    )
