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
from libs.config.live import LiveSettings
from libs.config.settings import Settings
from libs.events.outbox import OutboxRelay
from libs.service.app import VERSION, Kit, create_app
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from libs.text.language import language_of_words
from services.chat import citing
from services.chat.answer_cache.cache import AnswerCache
from services.chat.answer_cache.revision import Revision
from services.chat.answer_cache.routes import router as cache_router
from services.chat.answer_cache.warming import CacheWarmer
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
from services.chat.safety.guard import Guard
from services.chat.safety.moderation import Moderation
from services.chat.safety.routes import purge_old_events
from services.chat.safety.routes import router as safety_router
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
    moderation, phone_regions = Moderation(settings.chat.moderation), settings.chat.phone_regions
    embedder = EmbeddingClient(kit.client("embedding"))
    live = LiveSettings(settings)
    cache = AnswerCache(settings, redis, knowledge, embedder, Revision(live, generation))
    guard = Guard(moderation, phone_regions, elsewhere=bool(settings.embedding.remotes))
    entailing = embedder if settings.embedding.entailment else None
    answerer = Answerer(settings, quota, knowledge, generation, embedder, guard, cache, entailing)
    topics = {SETTLE: quota.deliver_settlement, RELEASE: quota.deliver_release} | citing.deliveries(knowledge)
    relay = OutboxRelay(database, OutboxMessage, topics)
    deadline_s = settings.chat.answer_deadline_s
    parts = Parts(store, quota, answerer, cache, relay, deadline_s, lambda: datetime.now(UTC), phone_regions)
    chat = Chat(parts, store, knowledge, settings.chat.heartbeat_s)
    kit.app.state.database = database
    kit.app.state.redis = redis
    kit.app.state.answer_cache = cache
    kit.app.state.warmer = CacheWarmer(database, redis, chat)
    kit.app.state.chat = chat
    kit.app.state.generation = generation
    kit.app.state.quota = quota
    kit.app.state.moderation = moderation
    kit.app.state.phone_regions = phone_regions
    kit.app.state.page = settings.page_url
    bin_life = timedelta(days=settings.chat.bin_days)
    conversations = Conversations(database, knowledge, bin_life, phone_regions)
    kit.app.state.conversations = conversations
    kit.app.state.reviews = Reviews(database, knowledge)
    kit.app.state.transfers = Transfers(database, knowledge, phone_regions)
    # Before the first question, which would wait for the model to load.
    await asyncio.to_thread(language_of_words, "a question")
    old_events = purge_old_events(database, timedelta(days=settings.chat.security_event_days))
    duties = (
        relay.run(),
        chat.recover(),
        chat.heed_stops(),
        empty_bins(conversations),
        old_events,
        live.watch(),
    )
    background = [asyncio.create_task(duty) for duty in duties]
    async with serving_tools(KnowledgeTools(chat, knowledge, store), VERSION) as kit.app.state.mcp:
        yield
    await kit.app.state.warmer.close()
    await chat.drain()
    for task in background:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await moderation.close()
    await redis.aclose()
    await database.close()


def build(settings: Settings) -> FastAPI:
    routers = [
        router,
        conversation_router,
        cache_router,
        policy_router,
        review_router,
        safety_router,
        completions_router,
        mcp_router,
    ]
    return create_app("chat", settings, wire, routers)
