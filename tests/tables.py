"""The services' tables, emptied beside whatever of them still writes in the background."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

TRIES = 100
# Well below PostgreSQL's deadlock_timeout of a second: who empties gives way before a writer is ended for it.
LOCK_TIMEOUT_MS = 200
LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED = "55P03", "40P01"


async def service_tables(engine: AsyncEngine) -> list[str]:
    """With their schemas, always in the same order."""
    async with engine.connect() as connection:
        tables = await connection.scalars(
            text(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname IN ('auth', 'billing', 'knowledge', 'chat') ORDER BY schemaname, tablename"
            )
        )
        return [*tables]


async def empty_tables(engine: AsyncEngine) -> None:
    """Empties every table of the services, once no transaction holds one. Raises DBAPIError where one goes on."""
    names = ", ".join(await service_tables(engine))
    if not names:
        return
    for left in reversed(range(TRIES)):
        try:
            async with engine.begin() as connection:
                await connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"))
                await connection.execute(text(f"TRUNCATE {names} CASCADE"))
        except DBAPIError as error:
            if not left or getattr(error.orig, "sqlstate", None) not in {LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED}:
                raise
        else:
            return
