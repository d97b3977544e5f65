"""Keys with which programs act for a member."""

from uuid import UUID, uuid4

from libs.contracts.errors import ErrorCode, FootnoteError, forbidden, not_found, unauthenticated
from libs.contracts.identity import AccessToken, ApiKey, ApiKeyList, ApiKeyRequest, Subject
from libs.security.tokens import UserTokenSigner
from services.auth import models
from services.auth.credentials import hash_of, new_api_key, shown_prefix
from services.auth.names import display_name
from services.auth.repository import AuthStore
from services.auth.sessions import SESSION_ENDED, Clock

KEYS_PER_MEMBER = 100


class ApiKeys:
    """A key is shown once and kept as a hash. It never manages keys itself, so that a leaked one can't stay."""

    def __init__(self, store: AuthStore, signer: UserTokenSigner, clock: Clock) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock

    async def create(self, subject: Subject, request: ApiKeyRequest) -> ApiKey:
        """The new key, this once with its text. Raises 403 for an API key, 409 where the member has 100 keys."""
        _require_session(subject)
        text = new_api_key()
        key = models.ApiKey(
            id=uuid4(),
            user_id=subject.user_id,
            organization_id=subject.organization_id,
            name=display_name(request.name, "name"),
            prefix=shown_prefix(text),
            hash=hash_of(text),
            created_at=self._clock(),
        )
        async with self._store.step() as repository:
            if not await repository.members.hold(key.organization_id, key.user_id):
                raise unauthenticated(SESSION_ENDED)
            added = await repository.add_api_key(key, KEYS_PER_MEMBER)
        if not added:
            raise FootnoteError(
                ErrorCode.CONFLICT, f"You have {KEYS_PER_MEMBER} API keys already. Revoke one that isn't used.", 409
            )
        return _shown(key).model_copy(update={"key": text})

    async def list(self, subject: Subject) -> ApiKeyList:
        """The member's living keys, oldest first, without their text."""
        _require_session(subject)
        async with self._store.step() as repository:
            keys = await repository.api_keys(subject.user_id, subject.organization_id)
        return ApiKeyList(items=[_shown(key) for key in keys])

    async def revoke(self, subject: Subject, key_id: UUID) -> None:
        """Ends a key at once. Raises 404 for one that isn't the member's."""
        _require_session(subject)
        async with self._store.step() as repository:
            revoked = await repository.revoke_api_key(key_id, subject.user_id, subject.organization_id, self._clock())
        if not revoked:
            raise not_found("API key", key_id)

    async def exchange(self, key: str) -> AccessToken:
        """A short-lived access token that stands for a key. Raises 401 where the key isn't a living one."""
        async with self._store.step() as repository:
            claims = await repository.use_api_key(hash_of(key), self._clock())
        if claims is None:
            raise unauthenticated("The API key isn't valid. Make a new one, or sign in.")
        return AccessToken(access_token=self._signer.sign(claims), expires_in=self._signer.life_s)


def _require_session(subject: Subject) -> None:
    if subject.api_key_id:
        raise forbidden("An API key can't manage API keys. Sign in with your password.")


def _shown(key: models.ApiKey) -> ApiKey:
    return ApiKey(id=key.id, name=key.name, prefix=key.prefix, created_at=key.created_at, last_used_at=key.last_used_at)
