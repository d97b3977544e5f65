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


async def starting_up(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers as PostgreSQL does while it recovers."""
    await reader.read(1024)
    said = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    writer.write(b"E" + struct.pack("!i", len(said) + 4) + said)
    await writer.drain()
    writer.close()


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    """Says nothing until the client gives up."""
    await reader.read()
    writer.close()


async def assert_unavailable(settings, address: str) -> None:
    database = Database(settings.model_copy(update={"postgres_url": address}), "chat")
    with pytest.raises(FootnoteError) as refused:
        async with database.transaction() as session:
            await session.execute(BACKEND)
    assert refused.value.code == ErrorCode.UPSTREAM_UNAVAILABLE
    await database.close()


@pytest.mark.parametrize("answer", [starting_up, silent])
async def test_a_database_that_lets_nobody_in_is_unavailable(settings, monkeypatch, answer) -> None:
    # The one that is starting up answers well before.
    monkeypatch.setattr(postgres, "CONNECT_TIMEOUT_S", 0.05 if answer is silent else 30.0)
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await assert_unavailable(settings, f"postgresql+asyncpg://{{role}}:word@127.0.0.1:{port}/footnote?ssl=disable")
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("address", ["{role}@/footnote?host=/no/such/folder", "{role}@127.0.0.1:1/footnote"])
async def test_a_database_that_isnt_there_is_unavailable(settings, address) -> None:
    await assert_unavailable(settings, f"postgresql+asyncpg://{address}")


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
