"""Share links: made by owners and admins, shown once, ended at once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis
from sqlalchemy import text

from libs.contracts.identity import TokenClaims
from libs.security.tokens import UserTokenSigner, keys_of_jwks, verify_user_token
from libs.stores.postgres import Database
from services.auth.share_links import SHARE_LINKS_PER_ORGANIZATION
from tests.integration.services.auth.conftest import Person, SetClock, join


@pytest.fixture(autouse=True)
async def _no_attempts_yet(redis: Redis) -> None:
    """Each test starts without failed sign-ins and idempotency keys."""


async def share(http: AsyncClient, admin: Person, body: dict[str, Any] | None = None, **headers: str) -> Response:
    return await http.post(f"{admin.organization}/share-links", json=body or {}, headers={**admin.headers, **headers})


async def links(http: AsyncClient, admin: Person) -> list[dict[str, Any]]:
    return (await http.get(f"{admin.organization}/share-links", headers=admin.headers)).json()["items"]


async def exchange(http: AsyncClient, token: str) -> Response:
    return await http.post("/internal/api-keys/exchange", json={"key": token})


async def guest_of(http: AsyncClient, signer: UserTokenSigner, token: str) -> TokenClaims:
    exchanged = await exchange(http, token)
    assert exchanged.status_code == 200, exchanged.text
    return verify_user_token(exchanged.json()["access_token"], keys_of_jwks(signer.jwks()))


async def subject_of(http: AsyncClient, claims: TokenClaims) -> Response:
    return await http.post("/internal/subjects", json=claims.model_dump(mode="json"))


async def test_whoever_holds_one_is_a_guest_and_nobody(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, database: Database
) -> None:
    made = (await share(http, ada, {"name": "Press"})).json()
    token = made.pop("token")
    assert token.startswith("fs_")
    assert (made["name"], made["collections"], made["expires_at"]) == ("Press", None, None)
    claims = await guest_of(http, signer, token)
    subject = (await subject_of(http, claims)).json()
    assert (subject["role"], subject["groups"], subject["permissions"]) == ("guest", [], [])
    assert subject["organization_id"] == str(ada.claims.organization_id)
    assert subject["user_id"] == subject["share_link_id"] == made["id"]
    (listed,) = await links(http, ada)
    assert listed.pop("last_used_at")
    assert made.pop("last_used_at") is None
    assert listed == made
    async with database.transaction() as session:
        stored = "\n".join(await session.scalars(text("SELECT l::text FROM share_links l")))
    assert made["id"] in stored
    assert token not in stored


async def test_a_guest_is_refused_everywhere_here(http: AsyncClient, ada: Person) -> None:
    token = (await share(http, ada)).json()["token"]
    headers = {"Authorization": f"Bearer {(await exchange(http, token)).json()['access_token']}"}
    for path in ("/users/me", "/users/me/api-keys", "/organizations", f"{ada.organization}/share-links"):
        assert (await http.get(path, headers=headers)).status_code == 403
    assert (await http.post("/auth/logout", headers=headers)).status_code == 403
    assert (await http.post(f"{ada.organization}/share-links", json={}, headers=headers)).status_code == 403


async def test_only_signed_in_owners_and_admins_make_and_end_them(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    member, admin = await join(http, signer, ada), await join(http, signer, ada, "admin")
    made = await share(http, admin)
    assert made.status_code == 201, made.text
    path = f"{ada.organization}/share-links/{made.json()['id']}"
    key = (await http.post("/users/me/api-keys", json={"name": "ci"}, headers=ada.headers)).json()["key"]
    with_key = {"Authorization": f"Bearer {(await exchange(http, key)).json()['access_token']}"}
    for headers in (member.headers, with_key):
        assert (await http.post(f"{ada.organization}/share-links", json={}, headers=headers)).status_code == 403
        assert (await http.delete(path, headers=headers)).status_code == 403
    assert (await http.get(f"{ada.organization}/share-links", headers=member.headers)).status_code == 403
    assert (await http.get(f"{ada.organization}/share-links", headers=with_key)).status_code == 200
    assert [(await http.delete(path, headers=ada.headers)).status_code for _ in range(2)] == [204, 404]


async def test_another_organisations_link_can_not_be_ended(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    stranger = await join(http, signer, ada)
    await http.delete(f"{ada.organization}/members/{stranger.user.id}", headers=ada.headers)
    made = (await share(http, ada)).json()
    assert (await exchange(http, made["token"])).status_code == 200
    path = f"/organizations/{uuid4()}/share-links/{made['id']}"
    assert (await http.delete(path, headers=ada.headers)).status_code == 404
    assert (await exchange(http, made["token"])).status_code == 200


async def test_a_revoked_or_expired_one_does_not_count(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, clock: SetClock
) -> None:
    revoked = (await share(http, ada)).json()
    expiring = (await share(http, ada, {"expires_at": (clock.now + timedelta(days=1)).isoformat()})).json()
    guests = [await guest_of(http, signer, one["token"]) for one in (revoked, expiring)]
    assert [(await subject_of(http, one)).status_code for one in guests] == [200, 200]
    await http.delete(f"{ada.organization}/share-links/{revoked['id']}", headers=ada.headers)
    assert [(await subject_of(http, one)).status_code for one in guests] == [401, 200]
    assert [one["id"] for one in await links(http, ada)] == [expiring["id"]]
    clock.now += timedelta(days=1)
    assert [(await subject_of(http, one)).status_code for one in guests] == [401, 401]
    for one in (revoked["token"], expiring["token"], "fs_unknown", "fs_"):
        assert (await exchange(http, one)).status_code == 401
    assert await links(http, ada) == []


async def test_it_ends_with_its_makers_right_to_make_it(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    demoted, removed = [await join(http, signer, ada, "admin") for _ in range(2)]
    tokens = [(await share(http, one)).json()["token"] for one in (demoted, removed, ada)]
    guests = [await guest_of(http, signer, one) for one in tokens]
    await http.patch(f"{ada.organization}/members/{demoted.user.id}", json={"role": "member"}, headers=ada.headers)
    await http.delete(f"{ada.organization}/members/{removed.user.id}", headers=ada.headers)
    assert [(await subject_of(http, one)).status_code for one in guests] == [401, 401, 200]
    assert [(await exchange(http, one)).status_code for one in tokens] == [401, 401, 200]


async def test_it_ends_with_its_organisation(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, database: Database
) -> None:
    token = (await share(http, ada)).json()["token"]
    guest = await guest_of(http, signer, token)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM organizations WHERE id = :id"), {"id": ada.claims.organization_id})
    assert (await subject_of(http, guest)).status_code == 401
    assert (await exchange(http, token)).status_code == 401


async def test_a_retried_request_gets_the_same_link(http: AsyncClient, ada: Person, redis: Redis) -> None:
    once = {"Idempotency-Key": "share"}
    first, second = [await share(http, ada, {"name": "Press"}, **once) for _ in range(2)]
    assert first.json() == second.json()
    assert (await share(http, ada, {"name": "Other"}, **once)).status_code == 422
    assert len(await links(http, ada)) == 1
    kept = [await redis.get(key) for key in await redis.keys("idempotency:*")]
    assert not any(first.json()["token"].encode() in (value or b"") for value in kept)


async def test_there_are_so_many_and_expired_ones_make_room(
    http: AsyncClient, ada: Person, database: Database, clock: SetClock
) -> None:
    many = """
        INSERT INTO share_links (id, organization_id, created_by, hash, expires_at)
        SELECT gen_random_uuid(), :organization, :user, sha256(gen_random_uuid()::text::bytea), :expires_at
        FROM generate_series(1, :count)
    """
    values = {
        "organization": ada.claims.organization_id,
        "user": ada.user.id,
        "count": SHARE_LINKS_PER_ORGANIZATION,
        "expires_at": clock.now + timedelta(days=1),
    }
    async with database.transaction() as session:
        await session.execute(text(many), values)
    assert (await share(http, ada)).status_code == 409
    clock.now += timedelta(days=1)
    assert (await share(http, ada)).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "2035-01-01T00:00:00"),
        ("expires_at", "9999-12-31T23:59:59-14:00"),
        ("expires_at", "0001-01-01T00:00:00+14:00"),
        ("expires_at", "tomorrow"),
        ("collections", []),
        ("collections", ["no id"]),
        ("collections", [str(uuid4()) for _ in range(21)]),
        ("name", ""),
        ("name", "a\nb"),
        ("name", "\u200b"),
        ("name", "x" * 121),
        ("role", "owner"),
    ],
)
async def test_a_wrong_field_is_named(http: AsyncClient, ada: Person, field: str, value: Any) -> None:
    answer = await share(http, ada, {field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["details"]["fields"][0]["field"].startswith(field)


async def test_nobody_is_made_a_guest(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    bob = await join(http, signer, ada)
    member = f"{ada.organization}/members/{bob.user.id}"
    assert (await http.patch(member, json={"role": "guest"}, headers=ada.headers)).status_code == 422
    body = {"email": f"{uuid4().hex}@example.com", "role": "guest"}
    assert (await http.post(f"{ada.organization}/invitations", json=body, headers=ada.headers)).status_code == 422
