"""Groups, and what subjects and other services learn of them."""

import asyncio
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis
from sqlalchemy import text

from libs.contracts.identity import Subject
from libs.security.tokens import UserTokenSigner
from libs.stores.postgres import Database
from tests.integration.services.auth.conftest import Person, join, sign_up


@pytest.fixture(autouse=True)
async def _no_attempts_yet(redis: Redis) -> None:
    """Each test starts without failed sign-ins and idempotency keys."""


async def create(http: AsyncClient, admin: Person, name: str, **headers: str) -> Response:
    path = f"{admin.organization}/groups"
    return await http.post(path, json={"name": name}, headers={**admin.headers, **headers})


async def listed(http: AsyncClient, person: Person) -> list[tuple[str, int]]:
    items = (await http.get(f"{person.organization}/groups", headers=person.headers)).json()["items"]
    return [(one["name"], one["member_count"]) for one in items]


async def groups_of(http: AsyncClient, person: Person) -> frozenset[UUID]:
    answer = await http.post("/internal/subjects", json=person.claims.model_dump(mode="json"))
    return Subject.model_validate_json(answer.content).groups


async def test_a_subject_has_the_groups_that_its_member_is_in_now(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob = await join(http, signer, ada)
    legal, staff = [(await create(http, ada, name)).json()["id"] for name in ("Legal", "staff")]
    for group in (legal, staff):
        path = f"{ada.organization}/groups/{group}/members/{bob.user.id}"
        assert [(await http.put(path, headers=ada.headers)).status_code for _ in range(2)] == [204, 204]
    assert await groups_of(http, bob) == {UUID(legal), UUID(staff)}
    assert await groups_of(http, ada) == frozenset()
    path = f"{ada.organization}/groups/{legal}/members/{bob.user.id}"
    assert [(await http.delete(path, headers=ada.headers)).status_code for _ in range(2)] == [204, 404]
    assert await groups_of(http, bob) == {UUID(staff)}
    assert await listed(http, ada) == [("Legal", 0), ("staff", 1)]
    assert await listed(http, bob) == [("staff", 1)]
    assert (await http.delete(f"{ada.organization}/groups/{staff}", headers=ada.headers)).status_code == 204
    assert await groups_of(http, bob) == frozenset()


async def test_only_members_are_put_into_groups_and_only_by_admins(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob, eve = await join(http, signer, ada), await sign_up(http, signer)
    group = (await create(http, ada, "Legal")).json()["id"]
    path = f"{ada.organization}/groups/{group}"
    assert (await http.put(f"{path}/members/{eve.user.id}", headers=ada.headers)).status_code == 404
    missing = f"{ada.organization}/groups/{uuid4()}/members/{bob.user.id}"
    assert (await http.put(missing, headers=ada.headers)).status_code == 404
    for method, address, body in [
        ("PUT", f"{path}/members/{bob.user.id}", None),
        ("PATCH", path, {"name": "mine"}),
        ("DELETE", path, None),
        ("POST", f"{ada.organization}/groups", {"name": "mine"}),
    ]:
        assert (await http.request(method, address, json=body, headers=bob.headers)).status_code == 403


async def test_a_name_is_taken_once_whatever_its_case(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    answers = await asyncio.gather(*(create(http, ada, name) for name in ("Légal", " légal ", "LE\u0301GAL")))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    (group,) = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    other = (await create(http, ada, "Staff")).json()["id"]
    rename = f"{ada.organization}/groups"
    assert (await http.patch(f"{rename}/{other}", json={"name": "légal"}, headers=ada.headers)).status_code == 409
    renamed = await http.patch(f"{rename}/{group}", json={"name": "LÉGAL"}, headers=ada.headers)
    assert renamed.json()["name"] == "LÉGAL"
    eve = await sign_up(http, signer)
    assert (await create(http, eve, "LÉGAL")).status_code == 201


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "\u200b", "x" * 121])
async def test_a_name_that_cannot_be_shown_is_refused(http: AsyncClient, ada: Person, name: str) -> None:
    answer = await create(http, ada, name)
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"] == "name"


async def test_creating_twice_with_one_key_makes_one_group(http: AsyncClient, ada: Person) -> None:
    first, second = [await create(http, ada, "Legal", **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert await listed(http, ada) == [("Legal", 0)]


async def test_an_organisation_has_a_thousand_groups_at_most(
    http: AsyncClient, ada: Person, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO groups (id, organization_id, name) "
                "SELECT gen_random_uuid(), :organization, 'g' || n FROM generate_series(1, 999) n"
            ),
            {"organization": ada.claims.organization_id},
        )
    answers = await asyncio.gather(*(create(http, ada, f"last {n}") for n in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_other_services_learn_which_groups_an_organisation_has(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    eve = await sign_up(http, signer)
    own, foreign = [(await create(http, person, "Legal")).json()["id"] for person in (ada, eve)]
    check = {
        "organization_id": str(ada.claims.organization_id),
        "group_ids": [own, foreign, *[str(uuid4()) for _ in range(3000)]],
    }
    assert (await http.post("/internal/groups/check", json=check)).json() == {"group_ids": [own]}
    assert (await http.post("/internal/groups/check", json={**check, "group_ids": []})).json() == {"group_ids": []}
