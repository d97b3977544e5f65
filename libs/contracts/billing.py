"""Plans, usage, and the quota ledger's calls."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

MAX_COUNT = 2_000_000_000
MAX_BYTES = 1_000_000_000_000


class Resource(StrEnum):
    MESSAGES = "messages"
    API_CALLS = "api_calls"
    STORAGE_BYTES = "storage_bytes"


class Plan(BaseModel):
    """A limit of None means unlimited. Prices are US dollars a month; 1 MB of storage is 1,000,000 bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    price_usd: int
    messages_per_month: int | None
    tokens_per_message: int
    api_calls_per_day: int | None
    storage_bytes: int | None


class PlanList(BaseModel):
    items: list[Plan]


class Subscription(BaseModel):
    plan: Plan
    status: str
    started_at: datetime


class ResourceUsage(BaseModel):
    """`limit` and `remaining` are None where the plan is unlimited; `resets_at` is None where usage doesn't reset."""

    used: int
    limit: int | None
    remaining: int | None
    resets_at: datetime | None


class Usage(BaseModel):
    period_start: datetime
    period_end: datetime
    plan: str
    resources: dict[Resource, ResourceUsage]


class MessageReservationRequest(BaseModel):
    """Chat to billing: room for one message; the id is the caller's, so asking twice reserves once."""

    reservation_id: UUID
    organization_id: UUID
    user_id: UUID
    max_tokens: int = Field(ge=1, le=MAX_COUNT)


class MessageReservation(BaseModel):
    """`max_tokens` is what the plan grants for this answer, never more than was asked for."""

    reservation_id: UUID
    max_tokens: int
    plan: str | None = None


class Settlement(BaseModel):
    """Chat to billing: what the reserved message really used. Settling twice counts once.

    A settlement whose reservation was never made (billing was away) is recorded all the same.
    """

    reservation_id: UUID
    organization_id: UUID
    user_id: UUID
    prompt_tokens: int = Field(ge=0, le=MAX_COUNT)
    completion_tokens: int = Field(ge=0, le=MAX_COUNT)
    model: str = Field(max_length=200)
    occurred_at: AwareDatetime


class ApiCall(BaseModel):
    """Gateway to billing: one request made with an API key, by the request's own id."""

    call_id: UUID
    organization_id: UUID
    api_key_id: UUID


class StorageChange(BaseModel):
    """Knowledge to billing: bytes kept (positive, refused over the limit) or given up (negative, never refused).

    `event_id` makes it count once.
    """

    event_id: str = Field(max_length=200)
    organization_id: UUID
    delta_bytes: int = Field(ge=-MAX_BYTES, le=MAX_BYTES)


class StorageChanges(BaseModel):
    """Counted together or not at all; of one organisation."""

    changes: list[StorageChange] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _of_one_organization(self) -> "StorageChanges":
        if len({change.organization_id for change in self.changes}) > 1:
            raise ValueError("the changes are of several organisations")
        return self


class PlanChange(BaseModel):
    """Operator to billing."""

    plan: str
