"""Whether the groups that a document is opened to are the organisation's."""

from collections.abc import Iterable

from libs.clients.auth import AuthClient
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import Access, GroupAccess


class Groups:
    def __init__(self, auth: AuthClient) -> None:
        self._auth = auth

    async def require(self, subject: Subject, accesses: Iterable[Access | None]) -> None:
        """Raises 422 for a group that there isn't; 503 where auth can't be asked.

        Only owners and admins may name groups that they aren't in, and one's own are the organisation's: so most
        requests ask nobody, and members don't learn which other groups there are (`require_own_groups` refuses those).
        """
        if subject.role not in (Role.OWNER, Role.ADMIN):
            return
        named = {group for access in accesses if isinstance(access, GroupAccess) for group in access.groups}
        foreign = named - subject.groups
        unknown = await self._auth.unknown_groups(subject.organization_id, foreign) if foreign else set[object]()
        if unknown:
            raise FootnoteError(
                ErrorCode.VALIDATION_ERROR,
                f"There is no group {str(min(unknown, key=str))!r} in your organization.",
                422,
                {"fields": [{"field": "access.groups", "message": "no such group"}], "param": "access.groups"},
            )
