"""The gateway's composition root."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from prometheus_client import start_http_server
from starlette.middleware.cors import CORSMiddleware
from starlette.staticfiles import StaticFiles

from libs.clients.auth import AuthClient
from libs.clients.billing import BillingClient
from libs.config.settings import REPOSITORY, Settings
from libs.service.app import Kit, create_app
from libs.stores.redis import connect_redis, ping_redis
from services.gateway.credentials import Keys
from services.gateway.gateway import Gateway
from services.gateway.limits import RateLimiter
from services.gateway.openapi import OpenApi
from services.gateway.proxy import Proxy
from services.gateway.routes import router
from services.gateway.web import mount_web

SWAGGER_ASSETS = Path(fastapi_offline.__file__).parent / "static"
WEB_DIST = REPOSITORY / "services" / "web" / "dist"


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    redis = connect_redis(kit.settings)
    kit.health.add("redis", lambda: ping_redis(redis))
    kit.app.state.gateway = Gateway(
        kit.settings,
        Keys(AuthClient(kit.client("auth"))),
        BillingClient(kit.client("billing")),
        RateLimiter(kit.settings.redis_dsn()),
        OpenApi(kit.settings, kit.http),
        Proxy(kit.settings, kit.tokens, kit.http),
    )
    # Not on the public port: what is asked, how often and how well is for operators.
    metrics, answering = start_http_server(kit.settings.port("gateway-metrics"), kit.settings.host)
    yield
    metrics.shutdown()
    metrics.server_close()
    answering.join()
    await redis.aclose()


def build(settings: Settings) -> FastAPI:
    app = create_app("gateway", settings, wire, [], public=True)
    app.mount("/docs/assets", StaticFiles(directory=SWAGGER_ASSETS))
    mount_web(app, WEB_DIST)
    app.include_router(router)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining"],
        )
    return app
