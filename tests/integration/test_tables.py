"""Emptying the tables between tests ends no writer's transaction."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from libs.config.settings import Settings
from tests.stack import until
from tests.tables import empty_tables, service_tables


async def test_a_writer_that_takes_tables_in_another_order_is_let_through(settings: Settings):
    engine = create_async_engine(settings.postgres_dsn("postgres"))
    first, *_, last = await service_tables(engine)
    async with engine.connect() as watching, engine.begin() as writer:
        await writer.execute(text(f"LOCK TABLE {last} IN ROW EXCLUSIVE MODE"))
        emptying = asyncio.create_task(empty_tables(engine))

        async def waits() -> bool | None:
            waiting = text("SELECT count(*) FROM pg_locks WHERE relation = to_regclass(:name) AND NOT granted")
            return await watching.scalar(waiting, {"name": last}) or None

        await until(waits)
        await writer.execute(text(f"LOCK TABLE {first} IN ROW EXCLUSIVE MODE"))
    await emptying
    await engine.dispose()
