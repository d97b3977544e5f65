"""Every address that the handbook names is one that a service answers and the gateway lets through."""

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from libs.service.health import Health, health_router
from services.auth.organization_routes import organization_router
from services.auth.organization_routes import router as organizations_router
from services.auth.routes import router as sign_in_router
from services.auth.share_link_routes import router as share_links_router
from services.billing.routes import router as billing
from services.chat.answer_cache.routes import router as answer_cache
from services.chat.completions.routes import router as completions
from services.chat.conversations.routes import router as conversations
from services.chat.policies.routes import router as policies
from services.chat.review.routes import router as reviews
from services.chat.routes import router as chat
from services.chat.safety.routes import router as safety
from services.embedding.routes import router as embedding
from services.gateway.routing import target_of
from services.knowledge.evaluations.routes import router as evaluations
from services.knowledge.routes import router as knowledge
from services.knowledge.sources.mounting import ROUTERS as SOURCE_ROUTERS
from tests.unit.docs.handbook import pages

ROUTERS = {
    "auth": [sign_in_router, organizations_router, organization_router, share_links_router],
    "billing": [billing],
    "chat": [chat, conversations, answer_cache, policies, reviews, safety, completions],
    "knowledge": [*SOURCE_ROUTERS, evaluations, knowledge],
    "embedding": [embedding],
}
ADDRESS = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE) (/\S+)")
NAMED = sorted(
    (page.name, *address.groups())
    for page in pages().values()
    for address in filter(None, map(ADDRESS.fullmatch, dict.fromkeys(page.code_spans)))
)
PLACEHOLDER = re.compile(r"\{\w+(?::path)?\}")


def routes_of(*routers: APIRouter) -> set[tuple[str, str]]:
    """(method, path) of each route, whatever its parameters are called."""
    return {
        (method, PLACEHOLDER.sub("{}", route.path))
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


@pytest.mark.parametrize(("page", "method", "path"), NAMED)
def test_the_address_is_answered(page: str, method: str, path: str):
    wanted = (method, PLACEHOLDER.sub("{}", path))
    if wanted in routes_of(health_router(Health("gateway"))):
        return
    target = target_of(path)
    assert target, f"the gateway doesn't know {path!r}"
    assert wanted in routes_of(*ROUTERS[target.service])


def test_every_public_address_is_explained():
    named = {(method, PLACEHOLDER.sub("{}", path)) for _, method, path in NAMED}
    public = {
        route
        for service, routers in ROUTERS.items()
        for route in routes_of(*routers)
        if (target := target_of(route[1])) and target.service == service
    }
    assert {route for route in public - named if route != ("GET", "/.well-known/jwks.json")} == set()
