"""Share links over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from libs.contracts.sharing import ShareLink, ShareLinkList, ShareLinkRequest
from libs.service.idempotency import Idempotent, Kept
from services.auth.callers import OrganizationAdmin, SignedInAdmin
from services.auth.routes import TheAuth

router = APIRouter(prefix="/organizations/{organization_id}/share-links", tags=["organizations"])


@router.post("", status_code=201)
async def create_share_link(
    request: ShareLinkRequest, subject: SignedInAdmin, auth: TheAuth, once: Idempotent
) -> ShareLink:
    """For whoever shall read the public documents without an account; the answer alone holds the token."""
    claimed = await once.claim(request)
    if isinstance(claimed, Kept):
        return auth.share_links.with_token(ShareLink.model_validate_json(claimed.value))
    try:
        link = await auth.share_links.create(subject, request)
    except BaseException:
        await claimed.free()
        raise
    await claimed.keep(link.model_dump_json())
    return auth.share_links.with_token(link)


@router.get("", response_model_exclude={"items": {"__all__": {"token"}}})
async def list_share_links(subject: OrganizationAdmin, auth: TheAuth) -> ShareLinkList:
    """The living ones."""
    return await auth.share_links.list(subject)


@router.delete("/{link_id}", status_code=204)
async def revoke_share_link(link_id: UUID, subject: SignedInAdmin, auth: TheAuth) -> None:
    """Ends the link for all who hold it."""
    await auth.share_links.revoke(subject, link_id)
