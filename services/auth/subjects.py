"""Who a token stands for now."""

from libs.contracts.errors import unauthenticated
from libs.contracts.identity import Subject, TokenClaims
from services.auth.repository import AuthStore
from services.auth.roles import PERMISSIONS
from services.auth.sessions import SESSION_ENDED, Clock


class Subjects:
    def __init__(self, store: AuthStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def resolve(self, claims: TokenClaims) -> Subject:
        """The subject with its role, groups and permissions as they are now.

        Raises 401 where the session or API key has ended, or the user has left the organisation.
        """
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
