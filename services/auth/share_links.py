"""Share links: an organisation's public documents for whoever holds one, without an account."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid4

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.errors import ErrorCode, FootnoteError, not_found, unauthenticated
from libs.contracts.identity import AccessToken, Subject
from libs.contracts.sharing import ShareLink, ShareLinkList, ShareLinkRequest
from libs.security.tokens import UserTokenSigner
from services.auth import models
from services.auth.audit import audit_by
from services.auth.credentials import ShareLinkTokens, hash_of
from services.auth.names import display_name, invalid
from services.auth.repository import AuthStore
from services.auth.roles import hold_admin
from services.auth.sessions import Clock
from services.auth.subjects import LINK_ENDED

SHARE_LINKS_PER_ORGANIZATION = 100
LONGEST_LIFE = timedelta(days=3650)


class ShareLinks:
    """Made by owners and admins; a link ends with its maker's membership, as an invitation does."""

    def __init__(
        self,
        store: AuthStore,
        tokens: ShareLinkTokens,
        signer: UserTokenSigner,
        knowledge: KnowledgeClient,
        clock: Clock,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._signer = signer
        self._knowledge = knowledge
        self._clock = clock

    async def create(self, subject: Subject, request: ShareLinkRequest) -> ShareLink:
        """The link, without its token. Raises 403; 409 where there are 100; 422 for a time or collection that can't be.

        503 where collections are named and knowledge can't be asked for them.
        """
        organization_id, now = subject.organization_id, self._clock()
        if request.expires_at is not None and not now < request.expires_at <= now + LONGEST_LIFE:
            raise invalid("expires_at", "must lie in the future, within ten years")
        name = None if request.name is None else display_name(request.name, "name")
        await self._require_collections(request.collections or ())
        link = models.ShareLink(
            id=uuid4(),
            organization_id=organization_id,
            name=name,
            collections=request.collections,
            created_by=subject.user_id,
            created_at=now,
            expires_at=request.expires_at,
        )
        link.hash = hash_of(self._tokens.of(link.id))
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            await repository.share_links.clear(organization_id, now)
            if await repository.share_links.count(organization_id) >= SHARE_LINKS_PER_ORGANIZATION:
                raise FootnoteError(
                    ErrorCode.CONFLICT,
                    f"The organization has {SHARE_LINKS_PER_ORGANIZATION} share links already. Revoke one of them.",
                    409,
                )
            await repository.share_links.add(link)
        audit_by(subject, "share_link.created", share_link_id=link.id)
        return _shown(link)

    def with_token(self, link: ShareLink) -> ShareLink:
        """The link as its maker sees it, once."""
        return link.model_copy(update={"token": self._tokens.of(link.id)})

    async def list(self, subject: Subject) -> ShareLinkList:
        """The living ones, the newest first, without their tokens."""
        async with self._store.step() as repository:
            links = await repository.share_links.living(subject.organization_id, self._clock())
        return ShareLinkList(items=[_shown(link) for link in links])

    async def revoke(self, subject: Subject, link_id: UUID) -> None:
        """Ends a link, for all who hold it, within a second. Raises 403, 404."""
        async with self._store.step() as repository:
            await hold_admin(repository, subject)
            if not await repository.share_links.delete(subject.organization_id, link_id):
                raise not_found("share link", link_id)
        audit_by(subject, "share_link.revoked", share_link_id=link_id)

    async def exchange(self, token: str) -> AccessToken:
        """A short-lived access token for the guest. Raises 401 where the link has ended, or never was."""
        async with self._store.step() as repository:
            claims = await repository.share_links.use(hash_of(token), self._clock())
        if claims is None:
            raise unauthenticated(LINK_ENDED)
        return AccessToken(access_token=self._signer.sign(claims), expires_in=self._signer.life_s)

    async def _require_collections(self, collections: Iterable[UUID]) -> None:
        for collection_id in collections:
            try:
                await self._knowledge.collection(collection_id)
            except FootnoteError as error:
                if error.code is not ErrorCode.NOT_FOUND:
                    raise
                raise invalid("collections", f"there is no collection {str(collection_id)!r} of yours") from error


def _shown(link: models.ShareLink) -> ShareLink:
    return ShareLink(
        id=link.id,
        name=link.name,
        collections=link.collections,
        created_by=link.created_by,
        created_at=link.created_at,
        expires_at=link.expires_at,
        last_used_at=link.last_used_at,
    )
