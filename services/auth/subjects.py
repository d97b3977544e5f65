"""Who a token stands for now."""

from uuid import UUID

from libs.contracts.errors import unauthenticated
from libs.contracts.identity import Role, Subject, TokenClaims
from services.auth.repository import AuthStore
from services.auth.roles import PERMISSIONS
from services.auth.sessions import SESSION_ENDED, Clock

LINK_ENDED = "The share link was revoked or has expired. Ask for a new one."


class Subjects:
    def __init__(self, store: AuthStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def resolve(self, claims: TokenClaims) -> Subject:
        """The subject with its role, groups and permissions as they are now.

        Raises 401 where the session, API key or share link has ended, or the user has left the organisation.
        """
        if claims.share_link_id:
            return await self._guest(claims, claims.share_link_id)
        async with self._store.step() as repository:
            standing = await repository.standing(claims, self._clock())
        if standing is None:
            raise unauthenticated(SESSION_ENDED)
        return Subject(
            **claims.model_dump(),
            role=standing.role,
            groups=standing.groups,
            permissions=PERMISSIONS[standing.role],
            requests_per_minute=standing.requests_per_minute,
        )

    async def _guest(self, claims: TokenClaims, link_id: UUID) -> Subject:
        async with self._store.step() as repository:
            standing = await repository.share_links.standing(claims.organization_id, link_id, self._clock())
        if standing is None:
            raise unauthenticated(LINK_ENDED)
        return Subject(
            **claims.model_dump(),
            role=Role.GUEST,
            permissions=PERMISSIONS[Role.GUEST],
            shared_collections=standing.collections,
            requests_per_minute=standing.requests_per_minute,
        )
