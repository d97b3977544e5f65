"""Connections that end while they lie in the pool."""

import pytest
from sqlalchemy import text

from libs.stores import postgres
from libs.stores.postgres import Database

BACKEND = text("SELECT pg_backend_pid()")


async def backends(database: Database, connections: int) -> list[int]:
    """The server's processes behind so many connections that are open at once."""
    opened = [await database.engine.connect() for _ in range(connections)]
    found = [int((await one.execute(BACKEND)).scalar_one()) for one in opened]
    for one in opened:
        await one.close()
    return found


@pytest.fixture
async def database(settings):
    database = Database(settings, "chat")
    yield database
    await database.close()


@pytest.mark.parametrize("trusted_s", [postgres.TRUSTED_S, 0.0], ids=["just used", "idle for long"])
async def test_a_connection_that_the_server_closed_is_not_used_again(database, monkeypatch, trusted_s: float) -> None:
    monkeypatch.setattr(postgres, "TRUSTED_S", trusted_s)
    first, second = await backends(database, 2)
    async with database.transaction() as session:
        survivor = (await session.execute(BACKEND)).scalar_one()
        (other,) = {first, second} - {survivor}
        await session.execute(text("SELECT pg_terminate_backend(:backend, 5000)"), {"backend": other})
    now = await backends(database, 2)
    assert other not in now


async def test_connections_are_kept_for_the_next_transaction(database) -> None:
    (first,) = await backends(database, 1)
    async with database.transaction() as session:
        assert (await session.execute(BACKEND)).scalar_one() == first
