"""billing over HTTP: for an organisation's members, for other services, for the operator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from libs.contracts.billing import (
    ApiCall,
    MessageReservation,
    MessageReservationRequest,
    PlanChange,
    PlanList,
    Settlement,
    StorageChanges,
    Subscription,
    Usage,
)
from libs.service.identity import CurrentSubject, Operator
from services.billing.plans import PLANS
from services.billing.service import Billing

router = APIRouter(tags=["billing"])
internal_router = APIRouter(prefix="/internal", include_in_schema=False)


async def billing_of(request: Request) -> Billing:
    billing: Billing = request.app.state.billing
    return billing


TheBilling = Annotated[Billing, Depends(billing_of)]


@router.get("/billing/plans")
async def plans(_subject: CurrentSubject) -> PlanList:
    return PlanList(items=list(PLANS.values()))


@router.get("/billing/subscription")
async def subscription(subject: CurrentSubject, billing: TheBilling) -> Subscription:
    return await billing.subscription(subject.organization_id)


@router.get("/billing/usage")
async def usage(subject: CurrentSubject, billing: TheBilling) -> Usage:
    return await billing.usage(subject.organization_id)


@internal_router.post("/reservations")
async def reserve(request: MessageReservationRequest, billing: TheBilling) -> MessageReservation:
    return await billing.reserve(request)


@internal_router.delete("/reservations/{reservation_id}", status_code=204)
async def release(reservation_id: UUID, billing: TheBilling) -> None:
    await billing.release(reservation_id)


@internal_router.post("/settlements", status_code=204)
async def settle(settlement: Settlement, billing: TheBilling) -> None:
    await billing.settle(settlement)


@internal_router.post("/api-calls", status_code=204)
async def count_api_call(call: ApiCall, billing: TheBilling) -> None:
    await billing.count_api_call(call)


@internal_router.post("/storage-changes", status_code=204)
async def change_storage(changes: StorageChanges, billing: TheBilling) -> None:
    await billing.change_storage(*changes.changes)


@internal_router.put("/organizations/{organization_id}/plan")
async def change_plan(
    organization_id: UUID, change: PlanChange, _operator: Operator, billing: TheBilling
) -> Subscription:
    return await billing.change_plan(organization_id, change.plan)
