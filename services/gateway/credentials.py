"""From what a caller shows (access token, API key or share link) to the access token that travels on."""

import hashlib
import time
from collections import OrderedDict

from fastapi import Request

from libs.clients.auth import AuthClient

API_KEY_PREFIX = "fn_"
SHARE_LINK_PREFIX = "fs_"
KEY_CACHE_S = 1.0
KEYS_KEPT = 10_000


def shown_key(request: Request) -> str | None:
    """The API key or share link's token in X-API-Key or as a bearer token, None for a caller without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip().startswith((API_KEY_PREFIX, SHARE_LINK_PREFIX)):
        return token.strip()
    return request.headers.get("x-api-key") or None


class Keys:
    """Exchanges API keys and share links for access tokens.

    An exchange counts for a second, so that what is revoked is soon refused.
    """

    def __init__(self, auth: AuthClient) -> None:
        self._auth = auth
        self._exchanged: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    async def authorization(self, key: str) -> str:
        """The Authorization header that stands for the key; 401 where it isn't valid."""
        digest = hashlib.sha256(key.encode()).digest()
        known = self._exchanged.get(digest)
        if known and time.monotonic() < known[1]:
            return known[0]
        token = await self._auth.exchange_api_key(key)
        header = f"Bearer {token.access_token}"
        self._exchanged[digest] = (header, time.monotonic() + KEY_CACHE_S)
        self._exchanged.move_to_end(digest)
        if len(self._exchanged) > KEYS_KEPT:
            self._exchanged.popitem(last=False)
        return header
