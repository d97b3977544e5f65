"""The kit that each service starts from."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import APIRouter, Depends, FastAPI

from libs.clients.auth import AuthClient
from libs.clients.base import ServiceClient, service_http
from libs.config.settings import ServiceName, Settings
from libs.contracts.errors import ErrorEnvelope
from libs.contracts.identity import Subject, TokenClaims
from libs.security.tokens import ServiceTokens
from libs.service.errors import install_error_handlers
from libs.service.health import Health, health_router, metrics_router
from libs.service.identity import Authenticator, Keys, SubjectCache, UserKeys, require_service
from libs.service.middleware import BodyMiddleware, RequestContextMiddleware

VERSION = "0.1.0"


@dataclass(frozen=True)
class Kit:
    """What a service's composition root finds ready."""

    app: FastAPI
    settings: Settings
    name: ServiceName
    health: Health
    tokens: ServiceTokens
    http: httpx.AsyncClient

    def client(self, service: ServiceName) -> ServiceClient:
        return ServiceClient(service, self.settings.url(service), self.tokens, self.http)

    def authenticate_with(
        self,
        user_keys: Callable[[str], Awaitable[Keys]],
        resolve: Callable[[TokenClaims], Awaitable[Subject]],
    ) -> None:
        """Replaces how users are known; only auth, which knows them itself, needs to."""
        self.app.state.authenticator = Authenticator(self.tokens, user_keys, resolve)


Wire = Callable[[Kit], AbstractAsyncContextManager[None]]

ERROR_RESPONSES: Mapping[int | str, dict[str, Any]] = {
    status: {"model": ErrorEnvelope} for status in (400, 401, 403, 404, 413, 415, 422, 429, 503)
}


def create_app(
    name: ServiceName,
    settings: Settings,
    wire: Wire,
    routers: Sequence[APIRouter],
    *,
    public: bool = False,
    max_body_bytes: int | None = None,
) -> FastAPI:
    """A service's application: `wire` makes its parts and keeps them until it stops.

    All but a `public` one (the gateway) answer only callers with a service token, health and metrics excepted; a
    public one has no metrics address.
    """
    health = Health(name)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        tokens = ServiceTokens(name, settings.secrets_dir)
        async with service_http() as http:
            kit = Kit(app, settings, name, health, tokens, http)
            auth = AuthClient(kit.client("auth"))
            kit.authenticate_with(UserKeys(auth).for_token, SubjectCache(auth.subject).resolve)
            async with wire(kit):
                health.started = True
                yield
                health.started = False

    app = FastAPI(
        title=f"Footnote {name}",
        version=VERSION,
        lifespan=lifespan,
        responses=dict(ERROR_RESPONSES),
        # The gateway shows all services' documents as one.
        openapi_url=None if public else "/openapi.json",
        docs_url=None,
        redoc_url=None,
        # It would send a caller of the gateway to this service's own address; the gateway says where a path is.
        redirect_slashes=False,
    )
    install_error_handlers(app)
    # The gateway holds each path to its own limit while it passes a body on.
    max_bytes = None if public else max_body_bytes or settings.max_body_bytes
    app.add_middleware(BodyMiddleware, silence_s=settings.body_timeout_s, max_bytes=max_bytes)
    app.add_middleware(RequestContextMiddleware, service=name, trusted=not public)
    app.include_router(health_router(health))
    if not public:
        app.include_router(metrics_router())
    guards = [] if public else [Depends(require_service)]
    for router in routers:
        app.include_router(router, dependencies=guards)
    return app
