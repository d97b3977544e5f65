import asyncio
import threading
from collections.abc import Iterator

import pytest

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.security.passwords import PasswordHasher
from tests.quick_passwords import make_quick


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    hasher = PasswordHasher(workers=1, waiting=2)
    yield hasher
    hasher.close()


@pytest.fixture
def quick(hasher: PasswordHasher) -> PasswordHasher:
    make_quick(hasher)
    return hasher


async def test_a_password_is_known_by_its_hash(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert (await hasher.verify("correct horse battery", stored)).correct
    assert not (await hasher.verify("correct horse batterz", stored)).correct
    assert not (await hasher.verify("correct horse battery", None)).correct


async def test_a_keyboard_that_composes_differently_types_the_same_password(quick: PasswordHasher) -> None:
    stored = await quick.hash("zo\u00eb's caf\u00e9 key")
    assert (await quick.verify("zoe\u0308's cafe\u0301 key", stored)).correct


@pytest.mark.parametrize("password", ["\ufdfa" * 256, "nul\0inside it", "\U0001f600" * 256])
async def test_every_password_that_is_accepted_can_be_checked(quick: PasswordHasher, password: str) -> None:
    verdict = await quick.verify(password, await quick.hash(password))
    assert verdict.correct
    assert verdict.replacement is None


async def test_a_hash_by_older_parameters_is_replaced(hasher: PasswordHasher) -> None:
    from passlib.hash import argon2

    old = argon2.using(type="ID", memory_cost=8192, rounds=1, parallelism=1).hash("correct horse battery")
    verdict = await hasher.verify("correct horse battery", old)
    assert verdict.replacement is not None
    assert (await hasher.verify("correct horse battery", verdict.replacement)).correct


async def test_a_flood_is_refused_at_once_and_computes_no_more_than_is_bounded() -> None:
    hasher = PasswordHasher(workers=1, waiting=2)
    stored = await hasher.hash("correct horse battery")
    running, most = 0, 0
    lock, all_asked = threading.Lock(), threading.Event()
    real = hasher._context.verify_and_update

    def counted(password: str, hashed: str) -> object:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        # None is done, and gives its place to another, before all have asked for one.
        all_asked.wait(30)
        try:
            return real(password, hashed)
        finally:
            with lock:
                running -= 1

    hasher._context.verify_and_update = counted
    asking = [asyncio.create_task(hasher.verify("correct horse battery", stored)) for _ in range(10)]
    await asyncio.sleep(0)
    all_asked.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, FootnoteError)]
    assert len(refused) == 7
    assert {(error.code, error.status, error.headers["Retry-After"]) for error in refused} == {
        (ErrorCode.OVERLOADED, 429, "1")
    }
    assert most == 1
    assert (await hasher.verify("correct horse battery", stored)).correct
    hasher.close()


async def test_a_caller_that_goes_away_frees_its_place(hasher: PasswordHasher) -> None:
    stored = await hasher.hash("correct horse battery")
    waiting = [asyncio.create_task(hasher.verify("x", stored)) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    # Only the one being computed still holds a place.
    assert (await hasher.verify("correct horse battery", stored)).correct
