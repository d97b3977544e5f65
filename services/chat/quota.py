"""Room for a message: reserved before the answer, settled with what it used, given back where nothing was answered."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.clients.billing import BillingClient
from libs.contracts.billing import MessageReservation, MessageReservationRequest, Settlement
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.chat.repository import OutboxEntry

log = get_logger(__name__)

SETTLE = "settle"
RELEASE = "release"
# The writer of a settlement tries to deliver it at once; after this the relay does.
OWN_DELIVERY_S = 5.0
GRACE_WINDOW_S = 3600
# Without billing nobody can say that more was paid for: the smallest plan's tokens a message.
GRACE_MAX_TOKENS = 1_000

_AWAY = frozenset({ErrorCode.UPSTREAM_UNAVAILABLE, ErrorCode.DEADLINE_EXCEEDED, ErrorCode.OVERLOADED})


@dataclass(frozen=True)
class Granted:
    """`degraded` names what lowered the grant or went around billing; without billing no plan is known."""

    max_tokens: int
    plan: str | None
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int
    model: str

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


class Quota:
    def __init__(self, billing: BillingClient, redis: Redis, grace_messages: int) -> None:
        self._billing = billing
        self._redis = redis
        self._grace_messages = grace_messages

    async def reserve(self, subject: Subject, reservation_id: UUID, max_tokens: int) -> Granted:
        """Raises 429 QUOTA_EXCEEDED; 503 where billing is away and the grace is used up."""
        request = MessageReservationRequest(
            reservation_id=reservation_id,
            organization_id=subject.organization_id,
            user_id=subject.user_id,
            max_tokens=max_tokens,
        )
        try:
            reservation = await self._billing.reserve(request)
        except FootnoteError as error:
            if error.code not in _AWAY:
                raise
            await self._take_grace(subject.organization_id, error)
            lowered = ("plan_tokens",) if max_tokens > GRACE_MAX_TOKENS else ()
            return Granted(min(max_tokens, GRACE_MAX_TOKENS), None, ("billing", *lowered))
        if reservation.max_tokens < max_tokens:
            return Granted(reservation.max_tokens, reservation.plan, ("plan_tokens",))
        return Granted(max_tokens, reservation.plan)

    async def give_back(self, granted: Granted, reservation_id: UUID) -> None:
        """For what is stored nowhere; where billing is away, the reservation ends by itself."""
        if "billing" in granted.degraded:
            return
        try:
            await self._release(reservation_id)
        except FootnoteError as error:
            log.warning("a reservation is left to end by itself", reason=error.message)

    async def plan(self) -> str:
        """The plan of the current user's organisation, "" while billing doesn't say."""
        try:
            return (await self._billing.subscription()).plan.name
        except FootnoteError as error:
            log.warning("no plan is known", reason=error.message)
            return ""

    async def _take_grace(self, organization_id: UUID, away: FootnoteError) -> None:
        key = f"quota:grace:{organization_id}"
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, GRACE_WINDOW_S, nx=True)
                used, _ = await pipeline.execute()
        except RedisError as error:
            raise unavailable("billing") from error
        if int(used) > self._grace_messages:
            raise away
        log.warning("answering without billing", organization_id=str(organization_id), used=int(used))

    async def settle_now(self, entry: OutboxEntry) -> bool:
        """Whether billing has accepted it; where not, the outbox will see to it."""
        try:
            await self.deliver_settlement(entry.payload)
        except FootnoteError as error:
            log.warning("settlement left to the outbox", reason=error.message)
            return False
        return True

    async def deliver_settlement(self, payload: dict[str, Any]) -> None:
        await self._billing.settle(Settlement.model_validate(payload))

    async def deliver_release(self, payload: dict[str, Any]) -> None:
        await self._release(UUID(payload["reservation_id"]))

    async def _release(self, reservation_id: UUID) -> None:
        await self._billing.release(MessageReservation(reservation_id=reservation_id, max_tokens=0))


def settlement(subject: Subject, reservation_id: UUID, usage: Usage, occurred_at: datetime) -> OutboxEntry:
    told = Settlement(
        reservation_id=reservation_id,
        organization_id=subject.organization_id,
        user_id=subject.user_id,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        model=usage.model,
        occurred_at=occurred_at,
    )
    return OutboxEntry(uuid4(), SETTLE, told.model_dump(mode="json"), OWN_DELIVERY_S)


def release(reservation_id: UUID) -> OutboxEntry:
    return OutboxEntry(uuid4(), RELEASE, {"reservation_id": str(reservation_id)})
