"""What each plan costs and allows."""

from collections.abc import Mapping

from libs.contracts.billing import Plan, Resource
from libs.contracts.errors import ErrorCode, FootnoteError

MEGABYTE = 1_000_000

FREE = Plan(
    name="free",
    price_usd=0,
    messages_per_month=100,
    tokens_per_message=1_000,
    api_calls_per_day=100,
    storage_bytes=100 * MEGABYTE,
)
PRO = Plan(
    name="pro",
    price_usd=29,
    messages_per_month=1_000,
    tokens_per_message=2_000,
    api_calls_per_day=1_000,
    storage_bytes=1_000 * MEGABYTE,
)
ENTERPRISE = Plan(
    name="enterprise",
    price_usd=99,
    messages_per_month=None,
    tokens_per_message=4_000,
    api_calls_per_day=None,
    storage_bytes=10_000 * MEGABYTE,
)

PLANS: Mapping[str, Plan] = {plan.name: plan for plan in (FREE, PRO, ENTERPRISE)}


def plan_named(name: str) -> Plan:
    """The plan of that name; 422 naming the known ones where there is none."""
    plan = PLANS.get(name)
    if plan is None:
        known = ", ".join(PLANS)
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"There is no plan {name!r}. Choose one of: {known}.",
            422,
            {"fields": [{"field": "plan", "message": f"must be one of {known}"}], "param": "plan"},
        )
    return plan


def limit_of(plan: Plan, resource: Resource) -> int | None:
    """How much of the resource the plan allows in its period; None for any amount."""
    match resource:
        case Resource.MESSAGES:
            return plan.messages_per_month
        case Resource.API_CALLS:
            return plan.api_calls_per_day
        case Resource.STORAGE_BYTES:
            return plan.storage_bytes
