"""auth, as other services call it."""

from pydantic import BaseModel

from libs.clients.base import ServiceClient
from libs.contracts.identity import AccessToken, ApiKeyExchange, Subject, TokenClaims


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
        """A short-lived access token for an API key; 401 where the key isn't valid."""
        return await self._service.call(
            "POST",
            "/internal/api-keys/exchange",
            AccessToken,
            body=ApiKeyExchange(key=key),
            idempotent=True,
            timeout_s=2,
        )
