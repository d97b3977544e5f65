"""billing, as other services call it. Every call carries its own id, so each may be tried again."""

from libs.clients.base import ServiceClient
from libs.contracts.billing import (
    ApiCall,
    MessageReservation,
    MessageReservationRequest,
    Settlement,
    StorageChange,
    StorageChanges,
    Subscription,
)


class BillingClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def reserve(self, request: MessageReservationRequest) -> MessageReservation:
        """Room for one message and the tokens the plan grants it; 429 QUOTA_EXCEEDED where there is none."""
        return await self._service.call(
            "POST", "/internal/reservations", MessageReservation, body=request, idempotent=True, timeout_s=3
        )

    async def subscription(self) -> Subscription:
        """Of the current user's organisation."""
        return await self._service.call("GET", "/billing/subscription", Subscription, idempotent=True, timeout_s=3)

    async def settle(self, settlement: Settlement) -> None:
        await self._service.send("POST", "/internal/settlements", body=settlement, idempotent=True)

    async def release(self, reservation: MessageReservation) -> None:
        """Gives the room back: nothing was answered."""
        await self._service.send("DELETE", f"/internal/reservations/{reservation.reservation_id}", idempotent=True)

    async def count_api_call(self, call: ApiCall) -> None:
        """429 QUOTA_EXCEEDED where the day's calls are used up."""
        await self._service.send("POST", "/internal/api-calls", body=call, idempotent=True, timeout_s=3)

    async def change_storage(self, *changes: StorageChange) -> None:
        """Of one organisation, all or none: 429 QUOTA_EXCEEDED where together they would pass the plan's limit."""
        body = StorageChanges(changes=[*changes])
        await self._service.send("POST", "/internal/storage-changes", body=body, idempotent=True, timeout_s=3)
