"""Connections that end while they lie in the pool, and a database that takes none."""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from libs.contracts.errors import ErrorCode, FootnoteError
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


@pytest.fixture
async def starting_up(settings):
    """A database behind a server that answers as PostgreSQL does while it recovers."""

    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1024)
        said = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
        writer.write(b"E" + struct.pack("!i", len(said) + 4) + said)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = f"postgresql+asyncpg://{{role}}:word@127.0.0.1:{port}/footnote?ssl=disable"
    database = Database(settings.model_copy(update={"postgres_url": address}), "chat")
    yield database
    await database.close()
    server.close()
    await server.wait_closed()


async def test_a_database_that_is_starting_up_is_unavailable(starting_up) -> None:
    with pytest.raises(FootnoteError) as refused:
        async with starting_up.transaction() as session:
            await session.execute(BACKEND)
    assert refused.value.code == ErrorCode.UPSTREAM_UNAVAILABLE


async def test_a_statement_that_takes_too_long_is_unavailable(settings, monkeypatch) -> None:
    monkeypatch.setattr(postgres, "STATEMENT_TIMEOUT_MS", "1")
    database = Database(settings, "chat")
    with pytest.raises(FootnoteError) as ended:
        async with database.transaction() as session:
            await session.execute(text("SELECT pg_sleep(60)"))
    await database.close()
    assert ended.value.code == ErrorCode.UPSTREAM_UNAVAILABLE


async def test_a_statement_that_is_wrong_is_no_outage(database) -> None:
    with pytest.raises(DBAPIError):
        async with database.transaction() as session:
            await session.execute(text("SELECT 1 / 0"))
