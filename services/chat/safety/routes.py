"""Security events over HTTP."""

import asyncio
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from libs.contracts.safety import SecurityEventKind, SecurityEventList
from libs.service.identity import AdminSubject
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.chat.policies.routes import TheDatabase
from services.chat.purging import purged_in_batches
from services.chat.safety.events import SecurityEventRepository, purge_events

log = get_logger(__name__)

router = APIRouter(tags=["security events"])

PURGE_INTERVAL_S = 3600.0


@router.get("/admin/security-events")
async def security_events(
    admin: AdminSubject,
    database: TheDatabase,
    kind: SecurityEventKind | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SecurityEventList:
    """What was attempted on the organisation's answers, the latest first. Never what anybody wrote."""
    async with database.transaction() as session:
        items, next_cursor = await SecurityEventRepository(session, admin).page(kind, limit, cursor)
    return SecurityEventList(items=items, next_cursor=next_cursor)


async def purge_old_events(database: Database, kept: timedelta) -> None:
    """Deletes events that have been kept for their time, now and then, until cancelled."""

    async def purge() -> int:
        async with database.transaction() as session:
            return await purge_events(session, kept)

    while True:
        try:
            purged = await purged_in_batches(purge)
        except Exception as error:  # noqa: BLE001 - this outlives a database that is away
            log.warning("can't purge security events", error=str(error))
        else:
            if purged:
                log.info("security events purged", count=purged)
        await asyncio.sleep(PURGE_INTERVAL_S)
