"""chat's composition root."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from libs.clients.billing import BillingClient
from libs.clients.embedding import EmbeddingClient
from libs.clients.generation import GenerationClient
from libs.clients.knowledge import KnowledgeClient
from libs.config.settings import Settings
from libs.events.outbox import OutboxRelay
from libs.service.app import VERSION, Kit, create_app
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from services.chat import citing
from services.chat.answering import Answerer
from services.chat.completions.routes import router as completions_router
from services.chat.conversations.routes import router as conversation_router
from services.chat.conversations.service import Conversations, empty_bins
from services.chat.conversations.transfer import Transfers
from services.chat.mcp.routes import router as mcp_router
from services.chat.mcp.server import KnowledgeTools, serving_tools
from services.chat.models import OutboxMessage
from services.chat.policies.routes import router as policy_router
from services.chat.quota import RELEASE, SETTLE, Quota
from services.chat.repository import ChatStore
from services.chat.review.routes import router as review_router
from services.chat.review.service import Reviews
from services.chat.routes import router
from services.chat.run import Parts
from services.chat.service import Chat


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    settings = kit.settings
    database = Database(settings, "chat")
    redis = connect_redis(settings)
    # Redis isn't among the checks: without it questions are still answered.
    kit.health.add("postgres", database.ping)
    store = ChatStore(database)
    knowledge = KnowledgeClient(kit.client("knowledge"))
    quota = Quota(BillingClient(kit.client("billing")), redis, settings.chat.grace_messages)
    generation = GenerationClient(kit.client("generation"))
    answerer = Answerer(
        settings,
        quota,
        knowledge,
        generation,
        EmbeddingClient(kit.client("embedding")),
    )
    topics = {SETTLE: quota.deliver_settlement, RELEASE: quota.deliver_release} | citing.deliveries(knowledge)
    relay = OutboxRelay(database, OutboxMessage, topics)
    parts = Parts(store, quota, answerer, relay, settings.chat.answer_deadline_s, lambda: datetime.now(UTC))
    chat = Chat(parts, store, knowledge, settings.chat.heartbeat_s)
    kit.app.state.database = database
    kit.app.state.redis = redis
    kit.app.state.chat = chat
    kit.app.state.generation = generation
    kit.app.state.quota = quota
    kit.app.state.page = settings.page_url
    conversations = Conversations(database, knowledge, timedelta(days=settings.chat.bin_days))
    kit.app.state.conversations = conversations
    kit.app.state.reviews = Reviews(database, knowledge)
    kit.app.state.transfers = Transfers(database, knowledge)
    duties = (relay.run(), chat.recover(), chat.heed_stops(), empty_bins(conversations))
    background = [asyncio.create_task(duty) for duty in duties]
    async with serving_tools(KnowledgeTools(chat, knowledge), VERSION) as kit.app.state.mcp:
        yield
    await chat.drain()
    for task in background:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await redis.aclose()
    await database.close()


def build(settings: Settings) -> FastAPI:
    routers = [router, conversation_router, policy_router, review_router, completions_router, mcp_router]
    return create_app("chat", settings, wire, routers)
