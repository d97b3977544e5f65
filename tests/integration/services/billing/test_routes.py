"""billing's addresses, as the gateway and the operator call them."""

from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from libs.contracts.billing import PlanList, Subscription, Usage
from libs.contracts.identity import TokenClaims
from libs.security.tokens import UserTokenSigner


@pytest.fixture
def organization_id() -> UUID:
    return uuid4()


@pytest.fixture
def user(signer: UserTokenSigner, organization_id: UUID) -> dict[str, str]:
    claims = TokenClaims(user_id=uuid4(), organization_id=organization_id, session_id=uuid4())
    return {"Authorization": f"Bearer {signer.sign(claims)}"}


async def test_the_plans_are_the_published_ones(http: AsyncClient, user: dict[str, str]) -> None:
    plans = PlanList.model_validate_json((await http.get("/billing/plans", headers=user)).content).items
    assert [(plan.name, plan.price_usd) for plan in plans] == [("free", 0), ("pro", 29), ("enterprise", 99)]
    assert [plan.messages_per_month for plan in plans] == [100, 1_000, None]
    assert [plan.tokens_per_message for plan in plans] == [1_000, 2_000, 4_000]
    assert [plan.api_calls_per_day for plan in plans] == [100, 1_000, None]
    assert [plan.storage_bytes for plan in plans] == [100_000_000, 1_000_000_000, 10_000_000_000]


async def test_an_organisation_that_billing_never_heard_of_is_on_free(http: AsyncClient, user: dict[str, str]) -> None:
    answer = await http.get("/billing/subscription", headers=user)
    subscription = Subscription.model_validate_json(answer.content)
    assert (subscription.plan.name, subscription.status) == ("free", "active")
    usage = Usage.model_validate_json((await http.get("/billing/usage", headers=user)).content)
    assert usage.plan == "free"
    assert {resource.value: found.remaining for resource, found in usage.resources.items()} == {
        "messages": 100,
        "api_calls": 100,
        "storage_bytes": 100_000_000,
    }
    assert usage.period_start.day == usage.period_end.day == 1


async def test_reserve_settle_and_release_over_http(
    http: AsyncClient, user: dict[str, str], organization_id: UUID
) -> None:
    ids = {"reservation_id": str(uuid4()), "organization_id": str(organization_id), "user_id": str(uuid4())}
    reserved = await http.post("/internal/reservations", json={**ids, "max_tokens": 4_000})
    assert reserved.json() == {"reservation_id": ids["reservation_id"], "max_tokens": 1_000, "plan": "free"}
    real = {"prompt_tokens": 5, "completion_tokens": 7, "model": "m", "occurred_at": "2026-01-01T00:00:00Z"}
    assert (await http.post("/internal/settlements", json={**ids, **real})).status_code == 204
    assert (await http.delete(f"/internal/reservations/{ids['reservation_id']}")).status_code == 204
    usage = Usage.model_validate_json((await http.get("/billing/usage", headers=user)).content)
    assert [found.used for found in usage.resources.values()] == [1, 0, 0]


async def test_a_refusal_is_the_envelope_with_the_time_to_wait(http: AsyncClient, organization_id: UUID) -> None:
    change = {"event_id": "big", "organization_id": str(organization_id), "delta_bytes": 100_000_001}
    refused = await http.post("/internal/storage-changes", json={"changes": [change]})
    assert refused.status_code == 429
    assert refused.json()["code"] == "QUOTA_EXCEEDED"
    strangers = {"changes": [change, change | {"organization_id": str(uuid4())}]}
    assert (await http.post("/internal/storage-changes", json=strangers)).status_code == 422
    for _ in range(100):
        call = {"call_id": str(uuid4()), "organization_id": str(organization_id), "api_key_id": str(uuid4())}
        assert (await http.post("/internal/api-calls", json=call)).status_code == 204
    refused = await http.post("/internal/api-calls", json={**call, "call_id": str(uuid4())})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400


async def test_only_the_operator_changes_a_plan(
    http: AsyncClient, user: dict[str, str], operator: dict[str, str], organization_id: UUID
) -> None:
    path = f"/internal/organizations/{organization_id}/plan"
    assert (await http.put(path, json={"plan": "pro"})).status_code == 403
    changed = await http.put(path, json={"plan": "pro"}, headers=operator)
    assert changed.json()["plan"]["name"] == "pro"
    again = await http.put(path, json={"plan": "pro"}, headers=operator)
    assert again.json()["started_at"] == changed.json()["started_at"]
    seen = await http.get("/billing/subscription", headers=user)
    assert seen.json() == changed.json()


async def test_an_unknown_plan_is_refused_by_the_names_of_the_known(
    http: AsyncClient, operator: dict[str, str], organization_id: UUID
) -> None:
    path = f"/internal/organizations/{organization_id}/plan"
    refused = await http.put(path, json={"plan": "gold"}, headers=operator)
    assert refused.status_code == 422
    assert refused.json()["message"] == "There is no plan 'gold'. Choose one of: free, pro, enterprise."


async def test_nobody_without_a_service_token_is_answered(http: AsyncClient, user: dict[str, str]) -> None:
    refused = await http.get("/billing/plans", headers={**user, "X-Service-Token": ""})
    assert refused.status_code == 401
    refused = await http.get("/billing/usage")
    assert refused.status_code == 401
