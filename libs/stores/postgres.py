"""Connections to the system of record."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Dialect, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from libs.config.settings import Settings
from libs.contracts.errors import unavailable
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

CONNECT_TIMEOUT_S = 5.0
POOL_SIZE = 10
POOL_OVERFLOW = 10
STATEMENT_TIMEOUT_MS = "15000"
IDLE_IN_TRANSACTION_TIMEOUT_MS = "30000"
# A connection that has lain idle for longer is asked whether it still works, which takes three round trips. One that
# the server has closed since is known without asking.
TRUSTED_S = 5.0
_LAID_DOWN = "footnote_laid_down"
# PostgreSQL's classes of states: connection, resources, and an operator's hand, as while it starts, ends or times out.
_AWAY_STATES = ("08", "53", "57")


class Database:
    """One service's schema, as its own role.

    `transaction()` is the unit of work of one step: it commits when the block ends and rolls back when it raises.
    """

    def __init__(self, settings: Settings, schema: str) -> None:
        self.engine: AsyncEngine = create_async_engine(
            settings.postgres_dsn(role_of(schema)),
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            hide_parameters=True,  # of a statement that fails: they are what people wrote, and errors are logged
            connect_args={
                "timeout": CONNECT_TIMEOUT_S,
                "server_settings": {
                    "search_path": schema,
                    "application_name": f"footnote-{schema}",
                    "statement_timeout": STATEMENT_TIMEOUT_MS,
                    "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
                },
            },
        )
        _tell_where_it_is_away(self.engine)
        _check_before_use(self.engine)
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
        except DBAPIError as error:
            # Ended by the server in the middle, as by a restart, or refused before it is up again.
            if not (error.connection_invalidated or _is_away(error)):
                raise
            log.warning("database connection lost", error=str(error))
            raise unavailable("database") from error

    async def ping(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


def _tell_where_it_is_away(engine: AsyncEngine) -> None:
    """Whatever the system says to a new connection: no such host, no way to it, no socket, no answer in time."""

    def connect(dialect: Dialect, _record: ConnectionPoolEntry, arguments: Any, named: Any) -> Any:
        try:
            return dialect.connect(*arguments, **named)
        except OSError as error:
            log.warning("database not reached", error=repr(error))
            raise unavailable("database") from error

    event.listen(engine.sync_engine, "do_connect", connect)


def _check_before_use(engine: AsyncEngine) -> None:
    """What `pool_pre_ping` does, without asking where the answer is known."""
    dialect = engine.sync_engine.dialect

    def lay_down(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_LAID_DOWN] = time.monotonic()

    def check(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        laid_down: float | None = entry.info.get(_LAID_DOWN)
        if laid_down is None:
            return
        if connection.driver_connection.is_closed():
            raise InvalidatePoolError
        if time.monotonic() - laid_down <= TRUSTED_S:
            return
        try:
            dialect.do_ping(connection)
        except Exception as error:
            raise InvalidatePoolError from error

    event.listen(engine.sync_engine, "checkin", lay_down)
    event.listen(engine.sync_engine, "checkout", check)


def _is_away(error: DBAPIError) -> bool:
    return str(getattr(error.orig, "sqlstate", None) or "").startswith(_AWAY_STATES)


def role_of(schema: str) -> str:
    """The database role that owns a service's schema."""
    return f"footnote_{schema}"
