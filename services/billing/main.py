"""billing's composition root."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI

from libs.config.settings import Settings
from libs.service.app import Kit, create_app
from libs.stores.postgres import Database
from services.billing.repository import BillingStore
from services.billing.routes import internal_router, router
from services.billing.service import Billing


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    database = Database(kit.settings, "billing")
    kit.health.add("postgres", database.ping)
    kit.app.state.billing = Billing(BillingStore(database), clock=lambda: datetime.now(UTC))
    yield
    await database.close()


def build(settings: Settings) -> FastAPI:
    return create_app("billing", settings, wire, [router, internal_router])
