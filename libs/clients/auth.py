"""auth, as other services call it."""

from collections.abc import Collection
from uuid import UUID

from pydantic import BaseModel

from libs.clients.base import ServiceClient
from libs.contracts.identity import AccessToken, ApiKeyExchange, Subject, TokenClaims
from libs.contracts.organizations import GroupCheck, GroupsFound, MemberCheck, MembersFound


class Jwks(BaseModel):
    keys: list[dict[str, str]]


class AuthClient:
    def __init__(self, service: ServiceClient) -> None:
        self._service = service

    async def jwks(self) -> Jwks:
        return await self._service.call("GET", "/.well-known/jwks.json", Jwks, idempotent=True, timeout_s=2)

    async def subject(self, claims: TokenClaims) -> Subject:
        """The subject as it is now; 401 where the session, the key or the membership has ended."""
        return await self._service.call(
            "POST", "/internal/subjects", Subject, body=claims, idempotent=True, timeout_s=2
        )

    async def exchange_api_key(self, key: str) -> AccessToken:
        """A short-lived access token for an API key or a share link; 401 where it isn't valid."""
        return await self._service.call(
            "POST",
            "/internal/api-keys/exchange",
            AccessToken,
            body=ApiKeyExchange(key=key),
            idempotent=True,
            timeout_s=2,
        )

    async def unknown_groups(self, organization_id: UUID, group_ids: Collection[UUID]) -> set[UUID]:
        """Those of at most 50,000 groups that the organisation doesn't have."""
        check = GroupCheck(organization_id=organization_id, group_ids=sorted(set(group_ids)))
        found = await self._service.call(
            "POST", "/internal/groups/check", GroupsFound, body=check, idempotent=True, timeout_s=2
        )
        return set(group_ids).difference(found.group_ids)

    async def members_among(self, organization_id: UUID, user_ids: Collection[UUID]) -> set[UUID]:
        """Those of at most 1,000 users who are members; 404 for an organisation that there isn't."""
        check = MemberCheck(organization_id=organization_id, user_ids=sorted(set(user_ids)))
        found = await self._service.call(
            "POST", "/internal/members/check", MembersFound, body=check, idempotent=True, timeout_s=5
        )
        return set(found.user_ids)
