"""What auth tells other services: subjects, keys, organisations."""

from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import event, text

from libs.clients.auth import Jwks
from libs.contracts.identity import AccessToken, Subject, TokenClaims
from libs.security.tokens import UserTokenSigner, keys_of_jwks, verify_user_token
from libs.stores.postgres import Database
from tests.integration.services.auth.conftest import Person, sign_up


async def ask(http: AsyncClient, claims: TokenClaims):
    return await http.post("/internal/subjects", json=claims.model_dump(mode="json"))


async def create_key(http: AsyncClient, person: Person, name: str = "ci") -> dict[str, str]:
    answer = await http.post("/users/me/api-keys", json={"name": name}, headers=person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def exchange(http: AsyncClient, key: str):
    return await http.post("/internal/api-keys/exchange", json={"key": key})


async def execute(database: Database, statement: str, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(text(statement), values)


async def test_a_subject_has_role_groups_and_permissions(
    http: AsyncClient, ada: Person, database: Database, operator: dict[str, str]
) -> None:
    group_id = uuid4()
    organization_id = ada.user.organization_id
    await execute(
        database,
        "INSERT INTO groups (id, organization_id, name) VALUES (:group, :organization, 'staff')",
        group=group_id,
        organization=organization_id,
    )
    await execute(
        database,
        "INSERT INTO group_members (group_id, user_id, organization_id) VALUES (:group, :user, :organization)",
        group=group_id,
        user=ada.user.id,
        organization=organization_id,
    )
    limits = {"requests_per_minute": 7}
    path = f"/internal/organizations/{organization_id}/limits"
    assert (await http.put(path, json=limits, headers=operator)).json() == limits
    subject = Subject.model_validate_json((await ask(http, ada.claims)).content)
    assert subject.role == "owner"
    assert subject.groups == {group_id}
    assert "documents:write" in subject.permissions
    assert subject.requests_per_minute == 7
    await execute(database, "UPDATE memberships SET role = 'member' WHERE user_id = :user", user=ada.user.id)
    demoted = Subject.model_validate_json((await ask(http, ada.claims)).content)
    assert demoted.role == "member"
    assert demoted.permissions < subject.permissions


async def test_a_subject_is_read_in_one_query(http: AsyncClient, ada: Person, app) -> None:
    statements: list[str] = []
    engine = app.state.auth.subjects._store._database.engine.sync_engine

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert (await ask(http, ada.claims)).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(statements) == 1


async def test_whoever_left_the_organisation_has_nothing_left_there(
    http: AsyncClient, ada: Person, database: Database
) -> None:
    key = await create_key(http, ada)
    await execute(database, "DELETE FROM memberships WHERE user_id = :user", user=ada.user.id)
    assert (await ask(http, ada.claims)).status_code == 401
    assert (await exchange(http, key["key"])).status_code == 401
    assert (await http.post("/auth/refresh", json={"refresh_token": ada.tokens.refresh_token})).status_code == 401


async def test_claims_that_do_not_belong_together_are_nobody(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    eve = await sign_up(http, signer)
    for changed in (
        {"user_id": eve.user.id},
        {"organization_id": eve.user.organization_id},
        {"session_id": eve.claims.session_id},
        {"api_key_id": ada.claims.session_id},
    ):
        assert (await ask(http, ada.claims.model_copy(update=changed))).status_code == 401


async def test_a_member_of_one_organisation_cannot_join_the_group_of_another(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, database: Database
) -> None:
    eve = await sign_up(http, signer)
    group_id = uuid4()
    await execute(
        database,
        "INSERT INTO groups (id, organization_id, name) VALUES (:group, :organization, 'staff')",
        group=group_id,
        organization=ada.user.organization_id,
    )
    for organization_id in (ada.user.organization_id, eve.user.organization_id):
        with pytest.raises(Exception, match="violates foreign key constraint"):
            await execute(
                database,
                "INSERT INTO group_members (group_id, user_id, organization_id) VALUES (:group, :user, :organization)",
                group=group_id,
                user=eve.user.id,
                organization=organization_id,
            )


async def test_an_api_key_is_shown_once_and_acts_for_its_owner(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    key = await create_key(http, ada)
    assert key["key"].startswith(key["prefix"])
    listed = (await http.get("/users/me/api-keys", headers=ada.headers)).json()["items"]
    assert [item["id"] for item in listed] == [key["id"]]
    assert "key" not in listed[0]
    assert listed[0]["last_used_at"] is None
    token = AccessToken.model_validate_json((await exchange(http, key["key"])).content)
    assert token.expires_in <= 300
    claims = verify_user_token(token.access_token, keys_of_jwks(signer.jwks()))
    assert claims == TokenClaims(
        user_id=ada.user.id,
        organization_id=ada.user.organization_id,
        session_id=UUID(key["id"]),
        api_key_id=UUID(key["id"]),
    )
    subject = Subject.model_validate_json((await ask(http, claims)).content)
    assert subject.api_key_id == UUID(key["id"])
    listed = (await http.get("/users/me/api-keys", headers=ada.headers)).json()["items"]
    assert listed[0]["last_used_at"]


async def test_a_revoked_key_ends_at_once_and_its_token_with_it(
    http: AsyncClient, ada: Person, signer: UserTokenSigner
) -> None:
    key = await create_key(http, ada)
    token = (await exchange(http, key["key"])).json()["access_token"]
    claims = verify_user_token(token, keys_of_jwks(signer.jwks()))
    assert (await http.delete(f"/users/me/api-keys/{key['id']}", headers=ada.headers)).status_code == 204
    assert (await exchange(http, key["key"])).status_code == 401
    assert (await ask(http, claims)).status_code == 401
    assert (await http.get("/users/me/api-keys", headers=ada.headers)).json() == {"items": []}
    assert (await http.delete(f"/users/me/api-keys/{key['id']}", headers=ada.headers)).status_code == 404


async def test_a_key_of_someone_else_is_not_found(http: AsyncClient, ada: Person, signer: UserTokenSigner) -> None:
    eve = await sign_up(http, signer)
    key = await create_key(http, ada)
    assert (await http.get("/users/me/api-keys", headers=eve.headers)).json() == {"items": []}
    theirs = await http.delete(f"/users/me/api-keys/{key['id']}", headers=eve.headers)
    nobodys = await http.delete(f"/users/me/api-keys/{uuid4()}", headers=eve.headers)
    assert theirs.status_code == nobodys.status_code == 404
    assert (await exchange(http, key["key"])).status_code == 200


async def test_a_key_manages_no_keys_and_has_no_session(http: AsyncClient, ada: Person) -> None:
    key = await create_key(http, ada)
    token = (await exchange(http, key["key"])).json()["access_token"]
    by_key = {"Authorization": f"Bearer {token}"}
    assert (await http.get("/users/me", headers=by_key)).status_code == 200
    assert (await http.post("/users/me/api-keys", json={"name": "more"}, headers=by_key)).status_code == 403
    assert (await http.delete(f"/users/me/api-keys/{key['id']}", headers=by_key)).status_code == 403
    assert (await http.post("/auth/logout", headers=by_key)).status_code == 403


async def test_a_member_has_a_hundred_keys_at_most(http: AsyncClient, ada: Person, database: Database) -> None:
    await execute(
        database,
        "INSERT INTO api_keys (id, user_id, organization_id, name, prefix, hash) "
        "SELECT gen_random_uuid(), :user, :organization, 'k', 'fn_', uuid_send(gen_random_uuid()) "
        "FROM generate_series(1, 99)",
        user=ada.user.id,
        organization=ada.user.organization_id,
    )
    await create_key(http, ada)
    answer = await http.post("/users/me/api-keys", json={"name": "one more"}, headers=ada.headers)
    assert answer.status_code == 409


@pytest.mark.parametrize("key", ["", "fn_unknown", "\u0000", "x" * 10_000])
async def test_an_unknown_key_is_refused(http: AsyncClient, key: str) -> None:
    assert (await exchange(http, key)).status_code == 401


async def test_the_public_keys_verify_tokens(http: AsyncClient, ada: Person) -> None:
    jwks = Jwks.model_validate_json((await http.get("/.well-known/jwks.json")).content)
    assert verify_user_token(ada.tokens.access_token, keys_of_jwks(jwks.model_dump())) == ada.claims
    assert all("d" not in key for key in jwks.keys)


async def test_an_operator_finds_an_organisation(
    http: AsyncClient, signer: UserTokenSigner, operator: dict[str, str]
) -> None:
    name = f"Acme {uuid4()}"
    ada = await sign_up(http, signer, organization_name=name)
    for query in (str(ada.user.organization_id), name, ada.user.email.upper()):
        answer = await http.get("/internal/organizations", params={"q": query}, headers=operator)
        assert answer.json() == {"organization_id": str(ada.user.organization_id), "name": name}
    for query in (str(uuid4()), name.lower(), "nobody@example.com"):
        answer = await http.get("/internal/organizations", params={"q": query}, headers=operator)
        assert answer.status_code == 404
    answer = await http.get("/internal/organizations", params={"q": "a\u0000"}, headers=operator)
    assert answer.status_code == 422


async def test_an_organisation_that_takes_the_name_of_another_makes_it_ambiguous_and_no_more(
    http: AsyncClient, ada: Person, signer: UserTokenSigner, operator: dict[str, str]
) -> None:
    eve = await sign_up(http, signer, organization_name=ada.user.email)
    answer = await http.get("/internal/organizations", params={"q": ada.user.email}, headers=operator)
    assert answer.status_code == 409
    for person in (ada, eve):
        assert str(person.user.organization_id) in answer.json()["message"]
    mallory = await sign_up(http, signer, organization_name=str(ada.user.organization_id))
    answer = await http.get("/internal/organizations", params={"q": str(ada.user.organization_id)}, headers=operator)
    assert answer.json()["organization_id"] == str(ada.user.organization_id) != str(mallory.user.organization_id)


async def test_only_the_operator_asks_about_organisations(http: AsyncClient, ada: Person) -> None:
    answer = await http.get("/internal/organizations", params={"q": ada.user.email}, headers=ada.headers)
    assert answer.status_code == 403
    path = f"/internal/organizations/{ada.user.organization_id}/limits"
    assert (await http.put(path, json={"requests_per_minute": 10_000}, headers=ada.headers)).status_code == 403


async def test_limits_of_no_organisation(http: AsyncClient, operator: dict[str, str]) -> None:
    path = f"/internal/organizations/{uuid4()}/limits"
    assert (await http.put(path, json={"requests_per_minute": 5}, headers=operator)).status_code == 404
    assert (await http.put(path, json={"requests_per_minute": 0}, headers=operator)).status_code == 422


async def test_nobody_without_a_service_token_is_answered(http: AsyncClient, ada: Person) -> None:
    for path in ("/internal/subjects", "/auth/login", "/internal/api-keys/exchange"):
        answer = await http.post(path, json=ada.claims.model_dump(mode="json"), headers={"X-Service-Token": ""})
        assert answer.status_code == 401
