"""What operators do to organisations."""

from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import OrganizationLimits, OrganizationRef
from services.auth.names import normal_email
from services.auth.repository import AuthStore

NAMED_WHEN_AMBIGUOUS = 20


class Organizations:
    def __init__(self, store: AuthStore) -> None:
        self._store = store

    async def find(self, query: str) -> OrganizationRef:
        """The organisation with this id, this very name or a member with this e-mail address.

        Raises 404 where there is none and 409 with the ids where there are several: anyone may choose any name, so
        that a name alone never decides between two.
        """
        async with self._store.step() as repository:
            organization_id = _uuid(query)
            if organization_id:
                by_id = await repository.organization(organization_id)
                found = [by_id] if by_id else []
            else:
                found = await repository.organizations(query, normal_email(query), NAMED_WHEN_AMBIGUOUS)
        if not found:
            raise not_found("organization", query)
        if len(found) > 1:
            ids = ", ".join(str(organization.organization_id) for organization in found)
            raise FootnoteError(
                ErrorCode.CONFLICT,
                f"{query!r} names several organizations. Use one of their ids: {ids}.",
                409,
                {"organizations": [organization.model_dump(mode="json") for organization in found]},
            )
        return found[0]

    async def limit(self, organization_id: UUID, limits: OrganizationLimits) -> OrganizationLimits:
        """Sets the organisation's own limits. Raises 404 where there is none."""
        async with self._store.step() as repository:
            changed = await repository.set_requests_per_minute(organization_id, limits.requests_per_minute)
        if not changed:
            raise not_found("organization", organization_id)
        return limits


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
