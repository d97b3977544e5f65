"""Connections to the system of record."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from libs.config.settings import Settings
from libs.contracts.errors import unavailable
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

POOL_SIZE = 10
POOL_OVERFLOW = 10
STATEMENT_TIMEOUT_MS = "15000"
IDLE_IN_TRANSACTION_TIMEOUT_MS = "30000"


class Database:
    """One service's schema, as its own role.

    `transaction()` is the unit of work of one step: it commits when the block ends and rolls back when it raises.
    """

    def __init__(self, settings: Settings, schema: str) -> None:
        self.engine: AsyncEngine = create_async_engine(
            settings.postgres_dsn(role_of(schema)),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_pre_ping=True,
            hide_parameters=True,  # of a statement that fails: they are what people wrote, and errors are logged
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "search_path": schema,
                    "application_name": f"footnote-{schema}",
                    "statement_timeout": STATEMENT_TIMEOUT_MS,
                    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
                },
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Raises 503 where the database can't be reached or doesn't answer in time."""
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OperationalError, InterfaceError, PoolTimeoutError, ConnectionError) as error:
            log.warning("database unavailable", error=str(error))
            raise unavailable("database") from error

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def role_of(schema: str) -> str:
    """The database role that owns a service's schema."""
    return f"footnote_{schema}"
