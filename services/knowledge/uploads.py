"""Taking documents in: stored, counted, then lined up for indexing."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from libs.clients.billing import BillingClient
from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAccepted, DocumentStatus
from libs.stores.blobs import BlobStore, BlobTooLargeError
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import repository
from services.knowledge.access import INHERITED, columns_of, narrower, require_own_groups
from services.knowledge.aftermath import discard_unused, give_up, kept
from services.knowledge.models import DocumentRow, RevisionRow
from services.knowledge.parsing.media_types import ACCEPTED, MediaType, detect_type
from services.knowledge.upload_rows import Stored, Upload, write_rows

log = get_logger(__name__)

QUOTA_EXCEEDED = "quota_exceeded"


class Uploads:
    """`uncounted_bytes` bounds what an organisation may send while billing is away."""

    def __init__(
        self, database: Database, blobs: BlobStore, billing: BillingClient, max_bytes: int, uncounted_bytes: int
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._billing = billing
        self._max_bytes = max_bytes
        self._uncounted_bytes = uncounted_bytes

    async def accept(self, subject: Subject, uploads: Sequence[Upload]) -> list[DocumentAccepted]:
        """Stores the contents and lines them up for indexing, all of them or none; the same external_id replaces.

        The rows that say so are written before billing is asked, so that a crash in between loses neither bytes nor
        count: the worker finishes what it finds half accepted. While billing is away uploads are accepted and wait to
        be counted before they are indexed. Raises 413, 415, 422, 403, 409, and 429 where the plan has no room.
        """
        media_types = [_media_type(upload) for upload in uploads]
        for upload in uploads:
            require_own_groups(subject, upload.attributes.access)
        _refuse_repeated_names(uploads)
        organization_id = subject.organization_id
        stored: list[Stored] = []
        try:
            for upload, media_type in zip(uploads, media_types, strict=True):
                stored.append(Stored(upload, media_type, *await self._store(organization_id, upload)))
            revisions = await self._write(subject, stored)
        except BaseException:
            await discard_unused(self._database, self._blobs, organization_id, {one.sha256 for one in stored})
            raise
        await self._count_or_wait(organization_id, revisions)
        accepted = [revision.document_id for revision in revisions]
        return [DocumentAccepted(document_id=document_id, status=DocumentStatus.PENDING) for document_id in accepted]

    async def finish(self, revision: RevisionRow) -> None:
        """Counts an upload that was stored but not counted; without room for it, it ends as failed.

        Raises what billing raises while it is away.
        """
        try:
            await self._billing.change_storage(kept(revision))
        except FootnoteError as error:
            if error.code is not ErrorCode.QUOTA_EXCEEDED:
                raise
            async with self._database.transaction() as session:
                await repository.lock_organization(session, revision.organization_id)
                await _refuse_later(session, revision)
            await discard_unused(self._database, self._blobs, revision.organization_id, {revision.sha256})
            return
        await self._line_up(revision.organization_id, [revision])

    async def _store(self, organization_id: UUID, upload: Upload) -> tuple[str, int]:
        try:
            return await self._blobs.put(organization_id, upload.content, self._max_bytes)
        except BlobTooLargeError as error:
            raise FootnoteError(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"{upload.file_name!r} is larger than {self._max_bytes:,} bytes. Split it.",
                413,
                {"max_bytes": self._max_bytes},
            ) from error

    async def _write(self, subject: Subject, stored: Sequence[Stored]) -> list[RevisionRow]:
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            for one in stored:
                # Under the lock nobody discards files: what is here now stays.
                try:
                    await self._blobs.local_path(subject.organization_id, one.sha256)
                except FileNotFoundError as error:
                    raise unavailable("knowledge") from error
            return await write_rows(session, subject, stored)

    async def _count_or_wait(self, organization_id: UUID, revisions: Sequence[RevisionRow]) -> None:
        try:
            await self._billing.change_storage(*(kept(revision) for revision in revisions))
        except FootnoteError as error:
            refused = error.code is ErrorCode.QUOTA_EXCEEDED
            if refused or await self._uncounted_passed(organization_id):
                await self._take_back(organization_id, revisions, counted=not refused)
                raise
            log.warning("storage counted later", organization_id=str(organization_id), reason=error.message)
            return
        await self._line_up(organization_id, revisions)

    async def _uncounted_passed(self, organization_id: UUID) -> bool:
        query = select(func.coalesce(func.sum(RevisionRow.size_bytes), 0)).where(
            RevisionRow.organization_id == organization_id, RevisionRow.status == "accepting"
        )
        async with self._database.transaction() as session:
            return (await session.scalar(query) or 0) > self._uncounted_bytes

    async def _line_up(self, organization_id: UUID, revisions: Sequence[RevisionRow]) -> None:
        """Who may read a document is narrowed at once to whom both its contents admit.

        The rest changes when the new one is ready.
        """
        async with self._database.transaction() as session:
            await repository.lock_organization(session, organization_id)
            narrowed = False
            documents = await repository.kept_documents(session, [one.document_id for one in revisions])
            waiting = update(RevisionRow).where(
                RevisionRow.id.in_([one.id for one in revisions]), RevisionRow.status == "accepting"
            )
            lined_up = set(await session.scalars(waiting.values(status="pending").returning(RevisionRow.id)))
            for revision in revisions:
                document = documents.get(revision.document_id)
                if revision.id not in lined_up or document is None:
                    continue
                document.status, document.error_code, document.error_message = DocumentStatus.PENDING, None, None
                former = (document.access, document.group_ids)
                document.access, document.group_ids = narrower(columns_of(document), columns_of(revision))
                # An inheriting document closes to guests by its coming content's access, not by its own columns.
                other = document.access == INHERITED and columns_of(document) != columns_of(revision)
                narrowed = narrowed or other or former != (document.access, document.group_ids)
            if narrowed:
                await repository.bump_knowledge_version(session, organization_id)

    async def _take_back(self, organization_id: UUID, revisions: Sequence[RevisionRow], *, counted: bool) -> None:
        """As if the upload had never come: what billing may have `counted` is given up, former contents stay."""
        async with self._database.transaction() as session:
            await repository.lock_organization(session, organization_id)
            if counted:
                # Or not: giving up settles that first.
                session.add_all(give_up(revision, counted=False) for revision in revisions)
            await session.execute(delete(RevisionRow).where(RevisionRow.id.in_([one.id for one in revisions])))
            await session.execute(
                delete(DocumentRow).where(
                    DocumentRow.id.in_([one.document_id for one in revisions]),
                    ~exists().where(RevisionRow.document_id == DocumentRow.id),
                )
            )
        await discard_unused(self._database, self._blobs, organization_id, {one.sha256 for one in revisions})


def _media_type(upload: Upload) -> MediaType:
    media_type = detect_type(upload.file_name, upload.head)
    if media_type is None:
        raise FootnoteError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"{upload.file_name!r} isn't of a type that can be read. Send {ACCEPTED}.",
            415,
        )
    return media_type


def _refuse_repeated_names(uploads: Sequence[Upload]) -> None:
    names = Counter(upload.attributes.external_id for upload in uploads if upload.attributes.external_id)
    repeated = [name for name, times in names.items() if times > 1]
    if repeated:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"Two documents have the external_id {repeated[0]!r}. Send each once.",
            422,
            {"fields": [{"field": "documents.external_id", "message": "named twice"}]},
        )


async def _refuse_later(session: AsyncSession, revision: RevisionRow) -> None:
    """An accepted upload for which there turned out to be no room: its document says so and keeps what it served."""
    await session.execute(delete(RevisionRow).where(RevisionRow.id == revision.id))
    await session.execute(
        update(DocumentRow)
        .where(DocumentRow.id == revision.document_id)
        .values(
            status=DocumentStatus.FAILED,
            error_code=QUOTA_EXCEEDED,
            error_message="The plan has no room for it. Delete documents or change the plan, then upload it again.",
        )
    )
