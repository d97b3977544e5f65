"""Alembic's environment: one chain of migrations over all services' schemas, run as the database's owner."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from libs.config.settings import load_settings

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "60s"
# Any constant will do, as long as it is always the same: two migrations at once wait for each other.
ADVISORY_LOCK = 7_241_905


def run(connection: Connection) -> None:
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    context.configure(connection=connection, version_table_schema="public", transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def migrate() -> None:
    url = context.config.get_main_option("sqlalchemy.url") or load_settings().postgres_dsn("postgres")
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        await connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


asyncio.run(migrate())
