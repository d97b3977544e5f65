"""Runs a source: its pages now against its documents, which are added, replaced, left or deleted.

Killed at any point it leaves a lease that ends; the next run finds by content hash what was done already.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import DocumentAttributes
from libs.contracts.sources import InventoryItem
from libs.fetch.errors import FetchError
from libs.fetch.fetcher import Fetcher
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.documents import Documents
from services.knowledge.sources import schedule
from services.knowledge.sources.crawl import CutShort, Missing, Page, crawl
from services.knowledge.sources.inventory import Inventories
from services.knowledge.sources.models import SourceRow, SourceRunRow
from services.knowledge.sources.pages import external_id_of, stored_sha256, upload_of
from services.knowledge.uploads import Uploads

log = get_logger(__name__)

LEASE_S = 60.0
RENEWALS = 3
RUN_MAX_S = 3600.0
PAUSE_S = 0.5
PAGE = 1_000
FAILURES_SHOWN = 100


@dataclass
class Report:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    error: str | None = None


class SourceRunner:
    def __init__(
        self,
        database: Database,
        fetcher: Fetcher,
        uploads: Uploads,
        documents: Documents,
        max_bytes: int,
        *,
        lease_s: float = LEASE_S,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._database = database
        self._fetcher = fetcher
        self._uploads = uploads
        self._max_bytes = max_bytes
        self._lease_s = lease_s
        self._pause_s = pause_s
        self._inventories = Inventories(database)
        self._documents = documents

    async def turn(self) -> bool:
        """Runs the source that has been due for longest; false where none is."""
        async with self._database.transaction() as session:
            row = await schedule.claim(session, self._lease_s)
        if row is None or row.lease is None:
            return False
        try:
            if not await self._while_leased(row, row.lease):
                log.warning("source taken by another worker", source_id=str(row.id))
        except BaseException:
            # This process is being stopped, or the database is away: another run begins anew.
            with suppress(FootnoteError):
                await asyncio.shield(self._release(row.lease))
            raise
        return True

    async def _while_leased(self, row: SourceRow, lease: UUID) -> bool:
        """False where the lease was lost, which stops the work."""
        work = asyncio.create_task(self._forget(row, lease) if row.deleted_at else self._run(row))
        renewing = asyncio.create_task(self._renew(lease))
        try:
            await asyncio.wait({work, renewing}, return_when=asyncio.FIRST_COMPLETED)
            done = work.done()
        finally:
            work.cancel()
            renewing.cancel()
            await asyncio.gather(work, renewing, return_exceptions=True)
        if done:
            work.result()
        return done

    async def _run(self, row: SourceRow) -> None:
        started = datetime.now(UTC)
        report = Report()
        try:
            async with asyncio.timeout(RUN_MAX_S):
                await self._bring_in_step(row, report)
        except FetchError as error:
            report.error = str(error)
        except FootnoteError as error:
            report.error = error.message
        except TimeoutError:
            report.error = f"It took longer than {RUN_MAX_S:g} s. Name a smaller part of the site."
        run = SourceRunRow(
            id=uuid4(),
            source_id=row.id,
            organization_id=row.organization_id,
            added=report.added,
            updated=report.updated,
            unchanged=report.unchanged,
            deleted=report.deleted,
            failed=len(report.failures),
            failures=[{"address": address, "reason": reason} for address, reason in report.failures[:FAILURES_SHOWN]],
            error=report.error,
            started_at=started,
        )
        async with self._database.transaction() as session:
            await schedule.finish(session, row, run)

    async def _bring_in_step(self, row: SourceRow, report: Report) -> None:
        """Deletes what the site says is gone, and what nothing leads to only after a visit that saw everything."""
        subject = _acting_for(row)
        prefix = _prefix(row.id)
        known = await self._known(subject, prefix)
        kept: set[str] = set()
        whole = True
        async for found in crawl(self._fetcher, row.address, row.depth, self._max_bytes, self._pause_s):
            if isinstance(found, CutShort):
                whole = False
                report.failures.append((row.address, "there are more pages than one visit takes; the rest is left out"))
            elif isinstance(found, Missing):
                if not found.gone:
                    whole = False
                    report.failures.append((found.address, found.reason))
            else:
                external_id = external_id_of(found.address, prefix)
                kept.add(external_id)
                whole = await self._take_in(row, subject, found, external_id, known.get(external_id), report) and whole
        for external_id, item in known.items():
            if whole and external_id not in kept:
                report.deleted += await self._delete(subject, item.document_id)

    async def _take_in(
        self,
        row: SourceRow,
        subject: Subject,
        page: Page,
        external_id: str,
        known: InventoryItem | None,
        report: Report,
    ) -> bool:
        """False where the page was refused; raises where the plan has no room or a service is away."""
        if known and known.sha256 == await stored_sha256(page.fetched, page.file):
            report.unchanged += 1
            return True
        attributes = DocumentAttributes.model_validate(
            row.attributes | {"external_id": external_id, "source": external_id_of(page.address)}
        )
        try:
            await self._uploads.accept(subject, [await upload_of(page.fetched, page.file, attributes, None)])
        except FootnoteError as error:
            if error.code not in {ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.PAYLOAD_TOO_LARGE}:
                raise
            report.failures.append((page.address, error.message))
            return False
        if known:
            report.updated += 1
        else:
            report.added += 1
        return True

    async def _known(self, subject: Subject, prefix: str) -> dict[str, InventoryItem]:
        known: dict[str, InventoryItem] = {}
        cursor: str | None = None
        while True:
            page = await self._inventories.page(subject, prefix, cursor, PAGE)
            known |= {item.external_id: item for item in page.items if item.external_id}
            cursor = page.next_cursor
            if cursor is None:
                return known

    async def _forget(self, row: SourceRow, lease: UUID) -> None:
        subject = _acting_for(row)
        for item in (await self._known(subject, _prefix(row.id))).values():
            await self._delete(subject, item.document_id)
        async with self._database.transaction() as session:
            await schedule.forget(session, lease)

    async def _delete(self, subject: Subject, document_id: UUID) -> bool:
        """False where somebody has deleted it meanwhile."""
        try:
            await self._documents.delete(subject, document_id)
        except FootnoteError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            return False
        return True

    async def _release(self, lease: UUID) -> None:
        async with self._database.transaction() as session:
            await schedule.release(session, lease)

    async def _renew(self, lease: UUID) -> None:
        """Until the lease is lost."""
        held = True
        while held:
            await asyncio.sleep(self._lease_s / RENEWALS)
            with suppress(FootnoteError):
                async with self._database.transaction() as session:
                    held = await schedule.extend(session, lease, self._lease_s)


def _prefix(source_id: UUID) -> str:
    return f"source:{source_id}:"


def _acting_for(row: SourceRow) -> Subject:
    """The source's documents belong to whoever named it, and are the organisation's to change: only admins name one."""
    return Subject(user_id=row.owner_id, organization_id=row.organization_id, session_id=row.id, role=Role.ADMIN)
