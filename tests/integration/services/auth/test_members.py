"""Who belongs to an organisation, and what a change of that does at once."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis
from structlog.testing import capture_logs

from libs.contracts.identity import TokenPair
from libs.security.tokens import UserTokenSigner
from tests.integration.services.auth.conftest import PASSWORD, Person, invite, join, person_of, sign_up


@pytest.fixture(autouse=True)
async def _no_attempts_yet(redis: Redis) -> None:
    """Each test starts without failed sign-ins and idempotency keys."""


async def members(http: AsyncClient, admin: Person, **query: Any) -> dict[str, Any]:
    answer = await http.get(f"{admin.organization}/members", params=query, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def change(http: AsyncClient, admin: Person, of: Person, role: str) -> Response:
    path = f"{admin.organization}/members/{of.user.id}"
    return await http.patch(path, json={"role": role}, headers=admin.headers)


async def remove(http: AsyncClient, admin: Person, whom: Person) -> Response:
    return await http.delete(f"{admin.organization}/members/{whom.user.id}", headers=admin.headers)


async def status_of(http: AsyncClient, person: Person) -> int:
    return (await http.get("/users/me", headers=person.headers)).status_code


async def moved(http: AsyncClient, signer: UserTokenSigner, person: Person, organization_id: object) -> Person:
    """The same session with tokens for another organisation."""
    body = {"refresh_token": person.tokens.refresh_token, "organization_id": str(organization_id)}
    answer = await http.post("/auth/refresh", json=body)
    assert answer.status_code == 200, answer.text
    return person_of(person.user, TokenPair.model_validate_json(answer.content), signer)


async def test_members_are_listed_by_address_with_role_and_groups(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    people = [ada, *[await join(http, signer, ada) for _ in range(4)]]
    group = (await http.post(f"{ada.organization}/groups", json={"name": "Legal"}, headers=ada.headers)).json()
    await http.put(f"{ada.organization}/groups/{group['id']}/members/{people[1].user.id}", headers=ada.headers)
    listed: list[dict[str, Any]] = []
    cursor: str | None = None
    while not listed or cursor:
        page = await members(http, ada, limit=2, **({"cursor": cursor} if cursor else {}))
        listed, cursor = listed + page["items"], page["next_cursor"]
    assert [one["email"] for one in listed] == sorted(person.user.email for person in people)
    by_id = {one["user_id"]: one for one in listed}
    assert by_id[str(ada.user.id)]["role"] == "owner"
    assert by_id[str(people[1].user.id)]["groups"] == [group["id"]]
    in_group = await members(http, ada, group_id=group["id"])
    assert [one["user_id"] for one in in_group["items"]] == [str(people[1].user.id)]
    part = people[2].user.email[:12].upper()
    assert [one["email"] for one in (await members(http, ada, q=part))["items"]] == [people[2].user.email]
    assert (await members(http, ada, q="%"))["items"] == []


@pytest.mark.parametrize(
    "query", [{"cursor": "%%%"}, {"cursor": "AAAA"}, {"limit": 0}, {"q": "a\0"}, {"group_id": "x"}]
)
async def test_a_wrong_query_is_named(http: AsyncClient, ada: Person, query: dict[str, Any]) -> None:
    answer = await http.get(f"{ada.organization}/members", params=query, headers=ada.headers)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["details"]["fields"][0]["field"]


async def test_plain_members_neither_see_nor_change_others(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob, eve = await join(http, signer, ada), await join(http, signer, ada)
    assert (await http.get(f"{ada.organization}/members", headers=eve.headers)).status_code == 403
    assert (await http.get(f"{ada.organization}/invitations", headers=eve.headers)).status_code == 403
    assert (await invite(http, eve, "x@example.com")).status_code == 403
    assert (await change(http, eve, eve, "admin")).status_code == 403
    assert (await remove(http, eve, bob)).status_code == 403
    assert (await status_of(http, bob)) == 200


async def test_another_organisation_is_unknown_in_every_call(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    eve = await sign_up(http, signer)
    group = (await http.post(f"{ada.organization}/groups", json={"name": "Legal"}, headers=ada.headers)).json()["id"]
    invitation = (await invite(http, ada, "guest@example.com")).json()["id"]
    for base in (ada.organization, f"/organizations/{uuid4()}"):
        for method, path, body in [
            ("GET", "/members", None),
            ("PATCH", f"/members/{ada.user.id}", {"role": "member"}),
            ("DELETE", f"/members/{ada.user.id}", None),
            ("GET", "/groups", None),
            ("POST", "/groups", {"name": "x"}),
            ("PATCH", f"/groups/{group}", {"name": "x"}),
            ("DELETE", f"/groups/{group}", None),
            ("PUT", f"/groups/{group}/members/{eve.user.id}", None),
            ("DELETE", f"/groups/{group}/members/{eve.user.id}", None),
            ("POST", "/invitations", {"email": "y@example.com"}),
            ("GET", "/invitations", None),
            ("DELETE", f"/invitations/{invitation}", None),
        ]:
            answer = await http.request(method, base + path, json=body, headers=eve.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), (method, path)
    # Nor do ids of another organisation count under one's own path.
    for method, path, body in [
        ("PATCH", f"/members/{ada.user.id}", {"role": "member"}),
        ("DELETE", f"/members/{ada.user.id}", None),
        ("PATCH", f"/groups/{group}", {"name": "x"}),
        ("DELETE", f"/groups/{group}", None),
        ("PUT", f"/groups/{group}/members/{eve.user.id}", None),
        ("DELETE", f"/invitations/{invitation}", None),
    ]:
        answer = await http.request(method, eve.organization + path, json=body, headers=eve.headers)
        assert answer.status_code == 404, (method, path)
    assert (await status_of(http, ada)) == 200
    assert len((await http.get(f"{ada.organization}/groups", headers=ada.headers)).json()["items"]) == 1


async def test_an_admin_acts_on_admins_and_members_but_never_on_owners(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    admin, other, bob = [await join(http, signer, ada, role) for role in ("admin", "admin", "member")]
    assert (await change(http, admin, bob, "owner")).status_code == 403
    assert (await change(http, admin, admin, "owner")).status_code == 403
    assert (await change(http, admin, ada, "member")).status_code == 403
    assert (await remove(http, admin, ada)).status_code == 403
    assert (await invite(http, admin, "boss@example.com", "owner")).status_code == 403
    owned = (await invite(http, ada, "boss@example.com", "owner")).json()
    assert (await invite(http, admin, "Boss@example.com", "member")).status_code == 403
    revoked = await http.delete(f"{admin.organization}/invitations/{owned['id']}", headers=admin.headers)
    assert revoked.status_code == 403
    assert (await change(http, admin, bob, "admin")).json()["role"] == "admin"
    assert (await change(http, admin, other, "member")).json()["role"] == "member"
    assert (await http.get("/users/me", headers=other.headers)).json()["roles"] == ["member"]
    assert (await remove(http, admin, other)).status_code == 204
    assert (await change(http, ada, admin, "owner")).json()["role"] == "owner"


async def test_the_last_owner_stays(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    bob = await join(http, signer, ada)
    for answer in (await remove(http, ada, ada), await change(http, ada, ada, "admin")):
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")
    assert (await change(http, ada, ada, "owner")).status_code == 200
    assert (await change(http, ada, bob, "owner")).status_code == 200
    assert (await remove(http, ada, ada)).status_code == 204
    assert (await remove(http, bob, bob)).status_code == 409


@pytest.mark.parametrize("act", [remove, lambda http, admin, whom: change(http, admin, whom, "member")])
async def test_owners_who_act_on_each_other_at_once_leave_one_owner(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, act: Any
) -> None:
    owners = [ada, *[await join(http, signer, ada, "owner") for _ in range(3)]]
    pairs = [(one, other) for one in owners for other in owners]
    answers = await asyncio.gather(*(act(http, one, other) for one, other in pairs))
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}
    left = [one for one in owners if (await status_of(http, one)) == 200]
    roles = [(await http.get("/users/me", headers=one.headers)).json()["roles"] for one in left]
    assert roles.count(["owner"]) == 1


async def test_a_removal_ends_sessions_keys_refreshes_and_invitations_at_once(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob = await join(http, signer, ada, "admin")
    key = (await http.post("/users/me/api-keys", json={"name": "ci"}, headers=bob.headers)).json()["key"]
    guest = (await invite(http, bob, f"{uuid4().hex}@example.com", "admin")).json()
    assert (await remove(http, ada, bob)).status_code == 204
    assert (await status_of(http, bob)) == 401
    for body in (
        {"refresh_token": bob.tokens.refresh_token},
        {"refresh_token": bob.tokens.refresh_token, "organization_id": str(bob.claims.organization_id)},
    ):
        assert (await http.post("/auth/refresh", json=body)).status_code == 401
    assert (await http.post("/internal/api-keys/exchange", json={"key": key})).status_code == 401
    registration = {"email": guest["email"], "password": PASSWORD, "invitation_token": guest["token"]}
    assert (await http.post("/auth/register", json=registration)).status_code == 404
    assert (await http.get(f"{ada.organization}/invitations", headers=ada.headers)).json() == {"items": []}
    refused = await http.post("/auth/login", json={"email": bob.user.email, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert "invitation" in refused.json()["message"]


async def test_other_services_learn_who_is_a_member_still(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob, carl, eve = await join(http, signer, ada), await join(http, signer, ada), await sign_up(http, signer)
    asked = [str(one.user.id) for one in (bob, carl, eve)]
    check = {"organization_id": str(ada.claims.organization_id), "user_ids": asked}
    found = (await http.post("/internal/members/check", json=check)).json()
    assert set(found["user_ids"]) == {str(bob.user.id), str(carl.user.id)}
    await remove(http, ada, bob)
    assert (await http.post("/internal/members/check", json=check)).json() == {"user_ids": [str(carl.user.id)]}
    unknown = {**check, "organization_id": str(uuid4())}
    assert (await http.post("/internal/members/check", json=unknown)).status_code == 404


async def test_a_removal_and_its_members_requests_at_the_same_moment_end_cleanly(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    for _ in range(5):
        bob = await join(http, signer, ada)
        login = {"email": bob.user.email, "password": PASSWORD}
        answers = await asyncio.gather(
            http.post("/auth/login", json=login),
            http.post("/auth/refresh", json={"refresh_token": bob.tokens.refresh_token}),
            http.post("/users/me/api-keys", json={"name": "ci"}, headers=bob.headers),
            remove(http, ada, bob),
            http.post("/users/me/api-keys", json={"name": "ci"}, headers=bob.headers),
            http.post("/auth/refresh", json={"refresh_token": bob.tokens.refresh_token}),
        )
        assert {answer.status_code for answer in answers} <= {200, 201, 204, 401, 403}
        for answer in answers[:2]:
            if answer.status_code == 200:
                held = person_of(bob.user, TokenPair.model_validate_json(answer.content), signer)
                assert (await status_of(http, held)) == 401


async def test_whoever_is_in_two_organisations_chooses(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    bob = await sign_up(http, signer, "Bob's own")
    token = (await invite(http, ada, bob.user.email)).json()["token"]
    joined = await http.post("/organizations/invitations/accept", json={"token": token}, headers=bob.headers)
    ada_id = str(ada.claims.organization_id)
    assert (joined.json()["id"], joined.json()["role"], joined.json()["current"]) == (ada_id, "member", False)
    listed = (await http.get("/organizations", headers=bob.headers)).json()["items"]
    assert [(one["name"], one["role"], one["current"]) for one in listed] == [
        ("Bob's own", "owner", True),
        (ada.user.organization_name, "member", False),
    ]
    there = await moved(http, signer, bob, ada_id)
    me = (await http.get("/users/me", headers=there.headers)).json()
    assert (me["organization_id"], me["roles"]) == (ada_id, ["member"])
    assert (await status_of(http, bob)) == 200
    # The session stays where it was moved; a new sign-in starts there too, or where it is told to.
    again = await http.post("/auth/refresh", json={"refresh_token": there.tokens.refresh_token})
    for body, organization_id in [
        ({}, ada_id),
        ({"organization_id": str(bob.user.organization_id)}, str(bob.user.organization_id)),
    ]:
        login = await http.post("/auth/login", json={"email": bob.user.email, "password": PASSWORD, **body})
        person = person_of(bob.user, TokenPair.model_validate_json(login.content), signer)
        assert str(person.claims.organization_id) == organization_id
    person = person_of(bob.user, TokenPair.model_validate_json(again.content), signer)
    assert str(person.claims.organization_id) == ada_id
    # Removed from one, they keep the other, in the very session that came from there.
    back = await moved(http, signer, person, bob.user.organization_id)
    assert (await remove(http, ada, bob)).status_code == 204
    assert [(await status_of(http, one)) for one in (person, there, back)] == [401, 401, 200]
    assert [one["current"] for one in (await http.get("/organizations", headers=back.headers)).json()["items"]] == [
        True
    ]


async def test_nobody_gets_a_token_for_an_organisation_that_is_not_theirs(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    eve = await sign_up(http, signer)
    words: set[str] = set()
    for organization_id in (str(ada.claims.organization_id), str(uuid4())):
        login = {"email": eve.user.email, "password": PASSWORD, "organization_id": organization_id}
        refresh = {"refresh_token": eve.tokens.refresh_token, "organization_id": organization_id}
        for path, body in (("/auth/login", login), ("/auth/refresh", refresh)):
            answer = await http.post(path, json=body)
            assert answer.status_code == 403
            words.add(answer.json()["message"].replace(organization_id, ""))
    assert len(words) == 1
    wrong = {"email": eve.user.email, "password": "wrong password", "organization_id": str(uuid4())}
    assert (await http.post("/auth/login", json=wrong)).status_code == 401
    assert (await http.post("/auth/refresh", json={"refresh_token": eve.tokens.refresh_token})).status_code == 200


async def test_moving_a_session_twice_at_once_brings_one_successor(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    bob = await sign_up(http, signer)
    token = (await invite(http, ada, bob.user.email)).json()["token"]
    await http.post("/organizations/invitations/accept", json={"token": token}, headers=bob.headers)
    wanted = [ada.claims.organization_id, bob.claims.organization_id] * 3
    people = await asyncio.gather(*(moved(http, signer, bob, organization_id) for organization_id in wanted))
    assert [person.claims.organization_id for person in people] == wanted
    assert len({person.tokens.refresh_token for person in people}) == 1


async def test_an_api_key_reads_but_changes_nothing(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    bob = await join(http, signer, ada)
    key = (await http.post("/users/me/api-keys", json={"name": "ci"}, headers=ada.headers)).json()["key"]
    token = (await http.post("/internal/api-keys/exchange", json={"key": key})).json()["access_token"]
    by_key = Person(ada.user, ada.tokens.model_copy(update={"access_token": token}), ada.claims)
    assert len((await members(http, by_key))["items"]) == 2
    assert (await invite(http, by_key, "x@example.com")).status_code == 403
    assert (await remove(http, by_key, bob)).status_code == 403
    assert (await change(http, by_key, bob, "owner")).status_code == 403
    group = await http.post(f"{ada.organization}/groups", json={"name": "x"}, headers=by_key.headers)
    assert group.status_code == 403


async def test_changes_are_told_without_addresses_and_tokens(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    with capture_logs() as logs:
        bob = await join(http, signer, ada)
        await change(http, ada, bob, "admin")
        await change(http, ada, ada, "member")
        await remove(http, ada, bob)
    told = [entry for entry in logs if entry.get("audit")]
    assert [entry["event"] for entry in told] == [
        "invitation.created",
        "member.joined",
        "member.role_changed",
        "member.removed",
    ]
    assert {entry["organization_id"] for entry in told} == {str(ada.claims.organization_id)}
    assert [entry["actor_id"] for entry in told] == [str(one.user.id) for one in (ada, bob, ada, ada)]
    assert not any("@" in str(value) or "fni_" in str(value) for entry in told for value in entry.values())
