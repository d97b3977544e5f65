"""What roles allow, and who may act on whom."""

from libs.contracts.errors import forbidden
from libs.contracts.identity import Role, Subject
from services.auth.repository import AuthRepository

MEMBER = frozenset({"chat", "documents:read", "documents:write", "billing:read"})
ADMIN = MEMBER | {"documents:manage", "members:manage", "groups:manage", "settings:manage", "audit:read"}
OWNER = ADMIN | {"billing:manage", "organization:manage"}

PERMISSIONS = {Role.MEMBER: MEMBER, Role.ADMIN: ADMIN, Role.OWNER: OWNER, Role.GUEST: frozenset[str]()}

# The roles that each role may give, and whose holders it may change and remove.
MANAGES: dict[Role, frozenset[Role]] = {
    Role.OWNER: frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER}),
    Role.ADMIN: frozenset({Role.ADMIN, Role.MEMBER}),
    Role.MEMBER: frozenset(),
}


async def hold_caller(repository: AuthRepository, subject: Subject) -> Role:
    """The caller's role now, in an organisation whose members and groups nobody else changes until the step ends.

    Two who remove each other at the same moment come here one after the other, so that the second is nobody by then.
    Raises 403 where the caller isn't a member any more.
    """
    await repository.members.lock_organization(subject.organization_id)
    role = await repository.members.role_of(subject.organization_id, subject.user_id)
    if role is None:
        raise forbidden("You aren't a member of this organization any more.")
    return role


async def hold_admin(repository: AuthRepository, subject: Subject) -> Role:
    """As `hold_caller`, for owners and admins. Raises 403 for others."""
    role = await hold_caller(repository, subject)
    if not MANAGES[role]:
        raise forbidden("Only an owner or admin of your organization may do this. Ask one of them.")
    return role


def require_manages(actor: Role, role: Role) -> None:
    """Raises 403 where someone of the role `actor` may neither give `role` nor change whoever has it."""
    if role not in MANAGES[actor]:
        raise forbidden(f"The role {actor.value!r} may not give the role {role.value!r} or change who has it.")
