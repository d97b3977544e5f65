"""auth over HTTP: for people, for other services, for the operator."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from libs.clients.auth import Jwks
from libs.contracts.identity import (
    AccessToken,
    ApiKey,
    ApiKeyExchange,
    ApiKeyList,
    ApiKeyRequest,
    LoginRequest,
    OrganizationLimits,
    OrganizationRef,
    RefreshRequest,
    RegisterRequest,
    Subject,
    TokenClaims,
    TokenPair,
    User,
)
from libs.contracts.organizations import GroupCheck, GroupsFound, MemberCheck, MembersFound
from libs.service.identity import CurrentSubject, Operator
from services.auth.credentials import SHARE_LINK_TOKEN_PREFIX
from services.auth.service import Auth

router = APIRouter(tags=["sign-in"])
internal_router = APIRouter(prefix="/internal", include_in_schema=False)


async def auth_of(request: Request) -> Auth:
    auth: Auth = request.app.state.auth
    return auth


TheAuth = Annotated[Auth, Depends(auth_of)]


@router.post("/auth/register", status_code=201)
async def register(request: RegisterRequest, auth: TheAuth) -> User:
    return await auth.sessions.register(request)


@router.post("/auth/login")
async def login(request: LoginRequest, auth: TheAuth) -> TokenPair:
    return await auth.sessions.login(request)


@router.post("/auth/refresh")
async def refresh(request: RefreshRequest, auth: TheAuth) -> TokenPair:
    return await auth.sessions.refresh(request)


@router.post("/auth/logout", status_code=204)
async def logout(subject: CurrentSubject, auth: TheAuth) -> None:
    await auth.sessions.logout(subject)


@router.get("/users/me")
async def me(subject: CurrentSubject, auth: TheAuth) -> User:
    return await auth.sessions.me(subject)


@router.post("/users/me/api-keys", status_code=201)
async def create_api_key(request: ApiKeyRequest, subject: CurrentSubject, auth: TheAuth) -> ApiKey:
    return await auth.api_keys.create(subject, request)


@router.get("/users/me/api-keys", response_model_exclude={"items": {"__all__": {"key"}}})
async def list_api_keys(subject: CurrentSubject, auth: TheAuth) -> ApiKeyList:
    return await auth.api_keys.list(subject)


@router.delete("/users/me/api-keys/{key_id}", status_code=204)
async def revoke_api_key(key_id: UUID, subject: CurrentSubject, auth: TheAuth) -> None:
    await auth.api_keys.revoke(subject, key_id)


@router.get("/.well-known/jwks.json")
async def jwks(auth: TheAuth) -> Jwks:
    return auth.jwks


@internal_router.post("/subjects")
async def subject_of(claims: TokenClaims, auth: TheAuth) -> Subject:
    return await auth.subjects.resolve(claims)


@internal_router.post("/api-keys/exchange")
async def exchange_api_key(exchange: ApiKeyExchange, auth: TheAuth) -> AccessToken:
    is_link = exchange.key.startswith(SHARE_LINK_TOKEN_PREFIX)
    return await (auth.share_links if is_link else auth.api_keys).exchange(exchange.key)


@internal_router.post("/groups/check")
async def check_groups(check: GroupCheck, auth: TheAuth) -> GroupsFound:
    return await auth.groups.existing(check)


@internal_router.post("/members/check")
async def check_members(check: MemberCheck, auth: TheAuth) -> MembersFound:
    return await auth.members.among(check)


@internal_router.get("/organizations")
async def find_organization(
    q: Annotated[str, Query(min_length=1, max_length=254, pattern=r"^[^\x00]*$")], _operator: Operator, auth: TheAuth
) -> OrganizationRef:
    return await auth.organizations.find(q)


@internal_router.put("/organizations/{organization_id}/limits")
async def limit_organization(
    organization_id: UUID, limits: OrganizationLimits, _operator: Operator, auth: TheAuth
) -> OrganizationLimits:
    return await auth.organizations.limit(organization_id, limits)
