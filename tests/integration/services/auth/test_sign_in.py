"""Registering, signing in, staying in, signing out."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import text

from libs.contracts.identity import TokenPair
from libs.security.tokens import UserTokenSigner
from libs.stores.postgres import Database
from services.auth.attempts import FREE_ATTEMPTS
from tests.integration.services.auth.conftest import PASSWORD, Person, SetClock, sign_up


@pytest.fixture(autouse=True)
async def _no_attempts_yet(redis: Redis) -> None:
    """Each test starts without failed sign-ins."""


async def login(http: AsyncClient, email: str, password: str = PASSWORD) -> Response:
    return await http.post("/auth/login", json={"email": email, "password": password})


async def refresh(http: AsyncClient, token: str) -> Response:
    return await http.post("/auth/refresh", json={"refresh_token": token})


async def me(http: AsyncClient, access_token: str) -> int:
    return (await http.get("/users/me", headers={"Authorization": f"Bearer {access_token}"})).status_code


async def test_a_new_user_owns_a_personal_organisation(http: AsyncClient, signer: UserTokenSigner) -> None:
    named = await sign_up(http, signer, organization_name="  Acme ")
    assert named.user.organization_name == "Acme"
    assert named.user.roles == ["owner"]
    unnamed = await sign_up(http, signer)
    assert unnamed.user.organization_name == unnamed.user.email.partition("@")[0]
    answer = await http.get("/users/me", headers=unnamed.headers)
    assert answer.json() == unnamed.user.model_dump(mode="json")
    assert unnamed.tokens.expires_in == 30 * 60
    assert unnamed.tokens.token_type == "bearer"


async def test_an_address_is_registered_once_whatever_its_case(http: AsyncClient) -> None:
    email = f"{uuid4().hex}@example.com"
    forms = [email, email.upper(), email.title(), email.replace("example", "EXAMPLE")]
    answers = await asyncio.gather(
        *(http.post("/auth/register", json={"email": form, "password": PASSWORD}) for form in forms)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert (await login(http, email.upper())).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "not an address"),
        ("password", "short"),
        ("organization_name", "a\u0000b"),
        ("organization_name", "   "),
        ("role", "owner"),
    ],
)
async def test_a_wrong_field_is_named(http: AsyncClient, field: str, value: str) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, field: value}
    answer = await http.post("/auth/register", json=body)
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"] == field
    assert PASSWORD not in answer.text


async def test_a_wrong_password_and_an_unknown_user_are_told_in_the_same_words(http: AsyncClient, ada: Person) -> None:
    answers = [
        await login(http, ada.user.email, "wrong password"),
        await login(http, f"{uuid4().hex}@example.com"),
        await login(http, "no address\u0000"),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert len({answer.json()["message"] for answer in answers}) == 1


async def test_an_mfa_code_of_a_user_without_mfa_is_ignored(http: AsyncClient, ada: Person) -> None:
    body = {"email": ada.user.email, "password": PASSWORD, "mfa_code": "123456"}
    assert (await http.post("/auth/login", json=body)).status_code == 200


@pytest.mark.parametrize("known", [True, False])
async def test_guessing_locks_an_address_for_a_while_whether_or_not_it_is_anyones(
    http: AsyncClient, ada: Person, known: bool
) -> None:
    email = ada.user.email if known else f"{uuid4().hex}@example.com"
    answers = await asyncio.gather(*(login(http, email, f"guess number {n}") for n in range(FREE_ATTEMPTS + 15)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == FREE_ATTEMPTS
    locked = next(answer for answer in answers if answer.status_code == 429)
    assert locked.json()["code"] == "RATE_LIMITED"
    assert 1 <= int(locked.headers["Retry-After"]) <= 5


async def test_a_lock_grows_with_each_failure_and_ends_with_a_success(
    http: AsyncClient, ada: Person, redis: Redis
) -> None:
    async def unlock() -> None:
        for key in await redis.keys("lock:login:*"):
            await redis.delete(key)

    waits: list[int] = []
    for _ in range(FREE_ATTEMPTS + 4):
        assert (await login(http, ada.user.email, "wrong password")).status_code == 401
        waits += [await redis.pttl(key) for key in await redis.keys("lock:login:*")]
        await unlock()
    assert len(waits) == 5
    assert waits == sorted(waits)
    assert waits[-1] > 60_000
    assert (await login(http, ada.user.email)).status_code == 200
    assert (await redis.keys("*login*")) == []
    assert (await login(http, ada.user.email, "wrong password")).status_code == 401


async def test_every_count_ends_by_itself(http: AsyncClient, redis: Redis) -> None:
    for _ in range(FREE_ATTEMPTS):
        await login(http, "nobody@example.com", "wrong password")
    keys = await redis.keys("*")
    assert len(keys) == 2
    assert all([await redis.ttl(key) > 0 for key in keys])
    assert not any(b"nobody" in key for key in keys)


async def test_a_refresh_brings_a_new_pair_of_the_same_session(http: AsyncClient, ada: Person) -> None:
    answer = await refresh(http, ada.tokens.refresh_token)
    pair = TokenPair.model_validate_json(answer.content)
    assert pair.refresh_token != ada.tokens.refresh_token
    assert await me(http, pair.access_token) == 200
    assert (await refresh(http, pair.refresh_token)).status_code == 200


async def test_refreshing_twice_at_once_gives_both_the_same_successor(http: AsyncClient, ada: Person) -> None:
    answers = await asyncio.gather(*(refresh(http, ada.tokens.refresh_token) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert (await refresh(http, successors.pop())).status_code == 200


async def test_a_token_shown_again_after_the_grace_ends_the_session(
    http: AsyncClient, ada: Person, clock: SetClock
) -> None:
    successor = (await refresh(http, ada.tokens.refresh_token)).json()
    clock.now += timedelta(seconds=11)
    assert (await refresh(http, ada.tokens.refresh_token)).status_code == 401
    assert (await refresh(http, successor["refresh_token"])).status_code == 401
    assert await me(http, successor["access_token"]) == 401


async def test_a_token_shown_again_after_its_successor_was_used_ends_the_session(
    http: AsyncClient, ada: Person, clock: SetClock
) -> None:
    stolen = (await refresh(http, ada.tokens.refresh_token)).json()["refresh_token"]
    third = (await refresh(http, stolen)).json()
    assert (await refresh(http, ada.tokens.refresh_token)).status_code == 401
    assert (await refresh(http, third["refresh_token"])).status_code == 401
    assert await me(http, ada.tokens.access_token) == 401


async def test_other_sessions_of_the_user_go_on(http: AsyncClient, ada: Person) -> None:
    other = (await login(http, ada.user.email)).json()
    assert (await http.post("/auth/logout", headers=ada.headers)).status_code == 204
    assert await me(http, ada.tokens.access_token) == 401
    assert (await refresh(http, ada.tokens.refresh_token)).status_code == 401
    assert await me(http, other["access_token"]) == 200


async def test_a_session_lasts_as_long_as_it_is_refreshed(http: AsyncClient, ada: Person, clock: SetClock) -> None:
    clock.now += timedelta(days=29)
    pair = (await refresh(http, ada.tokens.refresh_token)).json()
    clock.now += timedelta(days=29)
    pair = (await refresh(http, pair["refresh_token"])).json()
    clock.now += timedelta(days=30)
    assert (await refresh(http, pair["refresh_token"])).status_code == 401


@pytest.mark.parametrize("token", ["", "fnr_unknown", "a\u0000b", "x" * 512])
async def test_an_unknown_refresh_token_is_refused(http: AsyncClient, token: str) -> None:
    assert (await refresh(http, token)).status_code == 401


async def test_no_secret_is_stored(http: AsyncClient, ada: Person, database: Database) -> None:
    key = (await http.post("/users/me/api-keys", json={"name": "ci"}, headers=ada.headers)).json()["key"]
    async with database.transaction() as session:
        rows = await session.scalars(
            text(
                "SELECT u::text FROM users u UNION ALL SELECT r::text FROM refresh_tokens r "
                "UNION ALL SELECT k::text FROM api_keys k"
            )
        )
        stored = "\n".join(rows)
    for secret in (PASSWORD, ada.tokens.refresh_token, key):
        assert secret not in stored
        assert secret.encode().hex() not in stored


async def test_expired_sessions_are_removed_when_their_user_signs_in(
    http: AsyncClient, ada: Person, clock: SetClock, database: Database
) -> None:
    clock.now += timedelta(days=31)
    await login(http, ada.user.email)
    async with database.transaction() as session:
        count = await session.scalar(text("SELECT count(*) FROM sessions WHERE user_id = :id"), {"id": ada.user.id})
    assert count == 1


async def test_without_redis_nobody_signs_in_but_sessions_go_on(http: AsyncClient, ada: Person, app: FastAPI) -> None:
    from services.auth.attempts import LoginAttempts

    sessions = app.state.auth.sessions
    real = sessions._attempts
    away = Redis(unix_socket_path="/nowhere/valkey.sock", retry=Retry(NoBackoff(), 0))
    sessions._attempts = LoginAttempts(away)
    try:
        answer = await login(http, ada.user.email)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert await me(http, ada.tokens.access_token) == 200
        assert (await refresh(http, ada.tokens.refresh_token)).status_code == 200
    finally:
        sessions._attempts = real
        await away.aclose()
