"""The secrets that people and programs hold: refresh tokens, API keys, invitations, share links.

Only their hashes are kept.
"""

import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
API_KEY_PREFIX = "fn_"
REFRESH_TOKEN_PREFIX = "fnr_"  # noqa: S105 - what a token starts with
INVITATION_TOKEN_PREFIX = "fni_"  # noqa: S105 - what a token starts with
SHARE_LINK_TOKEN_PREFIX = "fs_"  # noqa: S105 - what a token starts with
SHOWN_CHARACTERS = 10


def hash_of(secret: str) -> bytes:
    """SHA-256: these secrets are random, so that a slow hash would protect nothing more."""
    return hashlib.sha256(secret.encode()).digest()


def new_api_key() -> str:
    return API_KEY_PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def shown_prefix(api_key: str) -> str:
    """The part of a key by which its owner tells it from others."""
    return api_key[:SHOWN_CHARACTERS]


class RefreshTokens:
    """Makes refresh tokens, each the one and only successor of the one before.

    A successor is a keyed hash of its predecessor: asked for twice (two tabs, an answer that got lost), the same one is
    given again without having been stored, and only the holder of the service's key can compute it.
    """

    def __init__(self, signing_key: Ed25519PrivateKey) -> None:
        self._key = _derived(signing_key, b"footnote refresh tokens")

    def first(self) -> str:
        return REFRESH_TOKEN_PREFIX + secrets.token_urlsafe(SECRET_BYTES)

    def after(self, token: str) -> str:
        return REFRESH_TOKEN_PREFIX + hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()


class InvitationTokens:
    """An invitation's token is a keyed hash of its id.

    So a request that is sent again under its idempotency key gets the same token, though none was kept.
    """

    def __init__(self, signing_key: Ed25519PrivateKey) -> None:
        self._key = _derived(signing_key, b"footnote invitation tokens")

    def of(self, invitation_id: UUID) -> str:
        return INVITATION_TOKEN_PREFIX + hmac.new(self._key, invitation_id.bytes, hashlib.sha256).hexdigest()


class ShareLinkTokens:
    """A share link's token is a keyed hash of its id, for the same reason."""

    def __init__(self, signing_key: Ed25519PrivateKey) -> None:
        self._key = _derived(signing_key, b"footnote share link tokens")

    def of(self, link_id: UUID) -> str:
        return SHARE_LINK_TOKEN_PREFIX + hmac.new(self._key, link_id.bytes, hashlib.sha256).hexdigest()


def _derived(signing_key: Ed25519PrivateKey, purpose: bytes) -> bytes:
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=purpose).derive(signing_key.private_bytes_raw())
