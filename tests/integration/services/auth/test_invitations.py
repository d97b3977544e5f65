"""Invitations: once, for one address, for a while."""

import asyncio
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis
from sqlalchemy import text

from libs.security.tokens import UserTokenSigner
from libs.stores.postgres import Database
from tests.integration.services.auth.conftest import PASSWORD, Person, SetClock, invite, join, sign_up


@pytest.fixture(autouse=True)
async def _no_attempts_yet(redis: Redis) -> None:
    """Each test starts without failed sign-ins and idempotency keys."""


@pytest.fixture
async def bob(http: AsyncClient, signer: UserTokenSigner) -> Person:
    return await sign_up(http, signer)


async def accept(http: AsyncClient, person: Person, token: str, **headers: str) -> Response:
    path = "/organizations/invitations/accept"
    return await http.post(path, json={"token": token}, headers={**person.headers, **headers})


async def register(http: AsyncClient, email: str, token: str, **fields: str) -> Response:
    body = {"email": email, "password": PASSWORD, "invitation_token": token, **fields}
    return await http.post("/auth/register", json=body)


async def open_invitations(http: AsyncClient, admin: Person) -> list[dict[str, Any]]:
    return (await http.get(f"{admin.organization}/invitations", headers=admin.headers)).json()["items"]


async def group_of(http: AsyncClient, admin: Person, name: str) -> str:
    return (await http.post(f"{admin.organization}/groups", json={"name": name}, headers=admin.headers)).json()["id"]


async def test_whoever_registers_with_one_joins_with_its_role_and_groups(http: AsyncClient, ada: Person) -> None:
    legal, staff = [await group_of(http, ada, name) for name in ("Legal", "Staff")]
    email = f"{uuid4().hex}@example.com"
    invitation = (await invite(http, ada, email, "admin", groups=[legal, staff, legal])).json()
    assert invitation["groups"] == sorted([legal, staff])
    (listed,) = await open_invitations(http, ada)
    assert listed == {name: value for name, value in invitation.items() if name != "token"}
    user = (await register(http, email, invitation["token"])).json()
    assert (user["organization_id"], user["roles"]) == (str(ada.claims.organization_id), ["admin"])
    members = (await http.get(f"{ada.organization}/members", headers=ada.headers)).json()["items"]
    assert next(one["groups"] for one in members if one["email"] == email) == sorted([legal, staff])
    assert await open_invitations(http, ada) == []


async def test_the_answer_is_the_same_whether_or_not_the_address_has_an_account(
    http: AsyncClient, ada: Person, bob: Person
) -> None:
    known, unknown = [await invite(http, ada, email) for email in (bob.user.email, f"{uuid4().hex}@example.com")]
    assert known.status_code == unknown.status_code == 201
    assert known.json().keys() == unknown.json().keys()
    listed = await open_invitations(http, ada)
    assert {one["email"] for one in listed} == {known.json()["email"], unknown.json()["email"]}
    # And nobody is made a member without having agreed.
    assert len((await http.get("/organizations", headers=bob.headers)).json()["items"]) == 1


async def test_a_token_counts_once(http: AsyncClient, ada: Person, bob: Person) -> None:
    token = (await invite(http, ada, bob.user.email)).json()["token"]
    answers = await asyncio.gather(*(accept(http, bob, token) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404, 404]
    assert token not in "".join(answer.text for answer in answers)


async def test_registering_twice_at_once_with_one_makes_one_user(http: AsyncClient, ada: Person) -> None:
    email = f"{uuid4().hex}@example.com"
    token = (await invite(http, ada, email)).json()["token"]
    answers = await asyncio.gather(*(register(http, form, token) for form in (email, email.upper(), email)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


async def test_it_is_for_one_address_in_any_form(http: AsyncClient, ada: Person, bob: Person) -> None:
    composed = f"j\u00fcrgen-{uuid4().hex}@b\u00fccher.example"
    decomposed = unicodedata.normalize("NFD", composed)
    token = (await invite(http, ada, decomposed.upper())).json()["token"]
    refused = await accept(http, bob, token)
    assert refused.status_code == 403
    assert "bücher" not in refused.text
    assert (await register(http, f"{uuid4().hex}@example.com", token)).status_code == 403
    joined = await register(http, composed, token)
    assert joined.status_code == 201, joined.text
    assert joined.json()["email"] == composed
    assert (await invite(http, ada, decomposed)).status_code == 409


async def test_a_refused_registration_leaves_no_account(http: AsyncClient) -> None:
    email = f"{uuid4().hex}@example.com"
    assert (await register(http, email, "fni_unknown")).status_code == 404
    assert (await register(http, email, "fni_unknown", organization_name="Acme")).status_code == 422
    login = await http.post("/auth/login", json={"email": email, "password": PASSWORD})
    assert login.status_code == 401


async def test_whoever_is_a_member_nowhere_signs_in_with_an_invitation(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob = await join(http, signer, ada)
    assert (await http.delete(f"{ada.organization}/members/{bob.user.id}", headers=bob.headers)).status_code == 204
    token = (await invite(http, ada, bob.user.email, "admin")).json()["token"]
    body = {"email": bob.user.email, "password": PASSWORD}
    assert (await http.post("/auth/login", json=body)).status_code == 403
    wrong = {**body, "password": "wrong password", "invitation_token": token}
    assert (await http.post("/auth/login", json=wrong)).status_code == 401
    pair = (await http.post("/auth/login", json={**body, "invitation_token": token})).json()
    me = (await http.get("/users/me", headers={"Authorization": f"Bearer {pair['access_token']}"})).json()
    assert (me["organization_id"], me["roles"]) == (str(ada.claims.organization_id), ["admin"])


async def test_a_new_one_takes_the_place_of_the_earlier(http: AsyncClient, ada: Person, bob: Person) -> None:
    first = (await invite(http, ada, bob.user.email, "member")).json()["token"]
    second = (await invite(http, ada, bob.user.email.upper(), "admin")).json()
    assert [one["id"] for one in await open_invitations(http, ada)] == [second["id"]]
    assert (await accept(http, bob, first)).status_code == 404
    assert (await accept(http, bob, second["token"])).json()["role"] == "admin"


async def test_many_at_once_to_one_address_leave_one_open(http: AsyncClient, ada: Person) -> None:
    email = f"{uuid4().hex}@example.com"
    answers = await asyncio.gather(*(invite(http, ada, email) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(await open_invitations(http, ada)) == 1


async def test_a_revoked_or_expired_one_does_not_count(
    http: AsyncClient, ada: Person, bob: Person, clock: SetClock
) -> None:
    revoked = (await invite(http, ada, bob.user.email)).json()
    path = f"{ada.organization}/invitations/{revoked['id']}"
    assert [(await http.delete(path, headers=ada.headers)).status_code for _ in range(2)] == [204, 404]
    assert (await accept(http, bob, revoked["token"])).status_code == 404
    expiring = (await invite(http, ada, bob.user.email)).json()
    clock.now += timedelta(days=7)
    assert await open_invitations(http, ada) == []
    assert (await accept(http, bob, expiring["token"])).status_code == 404


async def test_an_inviter_who_may_invite_no_more_has_no_invitations(
    http: AsyncClient, ada: Person, bob: Person, signer: UserTokenSigner
) -> None:
    carol = await join(http, signer, ada, "owner")
    as_owner = (await invite(http, carol, bob.user.email, "owner")).json()["token"]
    as_admin = (await invite(http, carol, f"{uuid4().hex}@example.com", "admin")).json()
    path = f"{ada.organization}/members/{carol.user.id}"
    await http.patch(path, json={"role": "admin"}, headers=ada.headers)
    assert (await accept(http, bob, as_owner)).status_code == 404
    assert [one["id"] for one in await open_invitations(http, ada)] == [as_admin["id"]]
    await http.patch(path, json={"role": "member"}, headers=ada.headers)
    assert await open_invitations(http, ada) == []


async def test_a_group_deleted_meanwhile_is_left_out(http: AsyncClient, ada: Person, bob: Person) -> None:
    group = await group_of(http, ada, "Legal")
    token = (await invite(http, ada, bob.user.email, groups=[group])).json()["token"]
    await http.delete(f"{ada.organization}/groups/{group}", headers=ada.headers)
    assert (await accept(http, bob, token)).status_code == 200


async def test_a_retried_request_gets_the_same_invitation_and_nothing_keeps_its_token(
    http: AsyncClient, ada: Person, bob: Person, redis: Redis, database: Database
) -> None:
    async def once(email: str) -> Response:
        headers = {**ada.headers, "Idempotency-Key": "invite-bob"}
        return await http.post(f"{ada.organization}/invitations", json={"email": email}, headers=headers)

    first, second = await once(bob.user.email), await once(bob.user.email)
    assert first.json() == second.json()
    assert (await once("other@example.com")).status_code == 422
    token = first.json()["token"]
    kept = [await redis.get(key) for key in await redis.keys("idempotency:*")]
    assert kept
    assert not any(token.encode() in (value or b"") for value in kept)
    async with database.transaction() as session:
        stored = "\n".join(await session.scalars(text("SELECT i::text FROM invitations i")))
    assert first.json()["id"] in stored
    assert token not in stored
    assert token.encode().hex() not in stored
    answers = [await accept(http, bob, token, **{"Idempotency-Key": "join"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("role", "king"),
        ("groups", ["no id"]),
        ("groups", [str(uuid4())]),
        ("groups", [str(uuid4())] * 101),
        ("organization_id", str(UUID(int=7))),
    ],
)
async def test_a_wrong_field_is_named(http: AsyncClient, ada: Person, field: str, value: Any) -> None:
    answer = await invite(http, ada, **{"email": "x@example.com", field: value})
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"].startswith(field)


async def test_a_group_of_another_organisation_is_unknown(http: AsyncClient, ada: Person, bob: Person) -> None:
    group = await group_of(http, bob, "Legal")
    assert (await invite(http, ada, "x@example.com", groups=[group])).status_code == 422
