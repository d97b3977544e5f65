"""Organisations, members, groups and invitations over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from libs.contracts.organizations import (
    Group,
    GroupList,
    GroupRequest,
    Invitation,
    InvitationAcceptance,
    InvitationList,
    InvitationRequest,
    Member,
    MemberChange,
    MemberList,
    Organization,
    OrganizationList,
)
from libs.service.idempotency import Idempotent, Kept
from libs.service.identity import CurrentSubject
from services.auth.callers import OrganizationAdmin, OrganizationMember, SignedInAdmin, SignedInMember
from services.auth.routes import TheAuth

router = APIRouter(prefix="/organizations", tags=["organizations"])
organization_router = APIRouter(prefix="/organizations/{organization_id}", tags=["organizations"])

WITHOUT_TOKENS = {"items": {"__all__": {"token"}}}


@router.get("")
async def list_organizations(subject: CurrentSubject, auth: TheAuth) -> OrganizationList:
    """The caller's own."""
    return await auth.members.organizations(subject)


@router.post("/invitations/accept", response_model=Organization)
async def accept_invitation(
    acceptance: InvitationAcceptance, subject: CurrentSubject, auth: TheAuth, once: Idempotent
) -> Response:
    """Joins the organisation; `POST /auth/refresh` with its id then gives a token for it."""
    return await once.answer(acceptance, lambda: auth.invitations.accept(subject, acceptance.token))


@organization_router.get("/members")
async def list_members(
    subject: OrganizationAdmin,
    auth: TheAuth,
    q: Annotated[str | None, Query(max_length=254, pattern=r"^[^\x00]*$")] = None,
    group_id: UUID | None = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> MemberList:
    """By address; `q` is part of one, `group_id` keeps to a group's members."""
    return await auth.members.page(subject, group_id=group_id, part=q, cursor=cursor, limit=limit)


@organization_router.patch("/members/{user_id}")
async def change_member(user_id: UUID, change: MemberChange, subject: SignedInAdmin, auth: TheAuth) -> Member:
    return await auth.members.change_role(subject, user_id, change.role)


@organization_router.delete("/members/{user_id}", status_code=204)
async def remove_member(user_id: UUID, subject: SignedInMember, auth: TheAuth) -> None:
    """Owners and admins remove others; anyone may remove themselves."""
    await auth.members.remove(subject, user_id)


@organization_router.get("/groups")
async def list_groups(subject: OrganizationMember, auth: TheAuth) -> GroupList:
    """Owners and admins see all, others those that they are in."""
    return await auth.groups.list(subject)


@organization_router.post("/groups", status_code=201, response_model=Group)
async def create_group(group: GroupRequest, subject: SignedInAdmin, auth: TheAuth, once: Idempotent) -> Response:
    return await once.answer(group, lambda: auth.groups.create(subject, group.name), status=201)


@organization_router.patch("/groups/{group_id}")
async def rename_group(group_id: UUID, group: GroupRequest, subject: SignedInAdmin, auth: TheAuth) -> Group:
    return await auth.groups.rename(subject, group_id, group.name)


@organization_router.delete("/groups/{group_id}", status_code=204)
async def delete_group(group_id: UUID, subject: SignedInAdmin, auth: TheAuth) -> None:
    await auth.groups.delete(subject, group_id)


@organization_router.put("/groups/{group_id}/members/{user_id}", status_code=204)
async def add_group_member(group_id: UUID, user_id: UUID, subject: SignedInAdmin, auth: TheAuth) -> None:
    await auth.groups.add_member(subject, group_id, user_id)


@organization_router.delete("/groups/{group_id}/members/{user_id}", status_code=204)
async def remove_group_member(group_id: UUID, user_id: UUID, subject: SignedInAdmin, auth: TheAuth) -> None:
    await auth.groups.remove_member(subject, group_id, user_id)


@organization_router.post("/invitations", status_code=201)
async def invite(request: InvitationRequest, subject: SignedInAdmin, auth: TheAuth, once: Idempotent) -> Invitation:
    """Whoever has the address, known here or not; the answer alone holds the token."""
    claimed = await once.claim(request)
    if isinstance(claimed, Kept):
        return auth.invitations.with_token(Invitation.model_validate_json(claimed.value))
    try:
        invitation = await auth.invitations.create(subject, request)
    except BaseException:
        await claimed.free()
        raise
    await claimed.keep(invitation.model_dump_json())
    return auth.invitations.with_token(invitation)


@organization_router.get("/invitations", response_model_exclude=WITHOUT_TOKENS)
async def list_invitations(subject: OrganizationAdmin, auth: TheAuth) -> InvitationList:
    """The open ones."""
    return await auth.invitations.list(subject)


@organization_router.delete("/invitations/{invitation_id}", status_code=204)
async def revoke_invitation(invitation_id: UUID, subject: SignedInAdmin, auth: TheAuth) -> None:
    await auth.invitations.revoke(subject, invitation_id)
