"""auth's composition root."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from fastapi import FastAPI

from libs.clients.auth import Jwks
from libs.clients.knowledge import KnowledgeClient
from libs.config.settings import Settings
from libs.security.keys import USER_TOKENS, load_private_key
from libs.security.passwords import PasswordHasher
from libs.security.tokens import UserTokenSigner, keys_of_jwks
from libs.service.app import Kit, create_app
from libs.service.identity import Keys
from libs.stores.postgres import Database
from libs.stores.redis import connect_redis
from services.auth.api_keys import ApiKeys
from services.auth.attempts import LoginAttempts
from services.auth.credentials import InvitationTokens, RefreshTokens, ShareLinkTokens
from services.auth.groups import Groups
from services.auth.invitations import Invitations
from services.auth.members import Members
from services.auth.organization_routes import organization_router
from services.auth.organization_routes import router as organizations_router
from services.auth.organizations import Organizations
from services.auth.repository import AuthStore
from services.auth.routes import internal_router, router
from services.auth.service import Auth
from services.auth.sessions import Sessions
from services.auth.share_link_routes import router as share_link_router
from services.auth.share_links import ShareLinks
from services.auth.subjects import Subjects

# The gateway exchanges a key or a link anew long before; a token of this kind that leaks is soon worth nothing.
API_KEY_TOKEN_LIFE_S = 300


@asynccontextmanager
async def wire(kit: Kit) -> AsyncGenerator[None]:
    settings = kit.settings
    database = Database(settings, "auth")
    redis = connect_redis(settings)
    kit.app.state.redis = redis
    # Redis isn't part of readiness: without it nobody signs in, but whoever is signed in must still be known.
    kit.health.add("postgres", database.ping)
    signing_key = load_private_key(settings.secrets_dir / f"{USER_TOKENS}.key")
    signer = UserTokenSigner(signing_key, settings.tokens.access_minutes * 60)
    key_signer = UserTokenSigner(signing_key, API_KEY_TOKEN_LIFE_S)
    passwords = PasswordHasher()
    store = AuthStore(database)
    subjects = Subjects(store, _now)
    kit.app.state.auth = Auth(
        sessions=Sessions(
            store=store,
            passwords=passwords,
            attempts=LoginAttempts(redis),
            signer=signer,
            refresh_tokens=RefreshTokens(signing_key),
            refresh_life=timedelta(days=settings.tokens.refresh_days),
            clock=_now,
        ),
        subjects=subjects,
        api_keys=ApiKeys(store, key_signer, _now),
        organizations=Organizations(store),
        members=Members(store),
        groups=Groups(store),
        invitations=Invitations(store, InvitationTokens(signing_key), _now),
        share_links=ShareLinks(
            store, ShareLinkTokens(signing_key), key_signer, KnowledgeClient(kit.client("knowledge")), _now
        ),
        jwks=Jwks.model_validate(signer.jwks()),
    )
    keys = keys_of_jwks(signer.jwks())

    async def own_keys(_token: str) -> Keys:
        return keys

    kit.authenticate_with(own_keys, subjects.resolve)
    yield
    passwords.close()
    await redis.aclose()
    await database.close()


def _now() -> datetime:
    return datetime.now(UTC)


def build(settings: Settings) -> FastAPI:
    routers = [router, organizations_router, organization_router, share_link_router, internal_router]
    return create_app("auth", settings, wire, routers)
