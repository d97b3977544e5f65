"""Runs a source: what is there now against its documents, which are added, replaced, moved, left or deleted.

Killed at any point it leaves a lease that ends; the next run finds by content hash what was done already.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

from libs.contracts.errors import FootnoteError
from libs.contracts.identity import Role, Subject
from libs.fetch.errors import FetchError
from libs.s3.errors import S3Error
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge.sources import schedule
from services.knowledge.sources.models import SourceRow, SourceRunRow
from services.knowledge.sources.report import ENDINGS_SHOWN, Report
from services.knowledge.sources.source_documents import SourceDocuments

log = get_logger(__name__)

LEASE_S = 60.0
RENEWALS = 3
RUN_MAX_S = 3600.0
FAILURES_SHOWN = 100


class Sync(Protocol):
    """How the documents of one kind of source are brought in step with it."""

    async def bring_in_step(self, row: SourceRow, subject: Subject, report: Report) -> None:
        """Writes to `report` as it goes, so that what was done before an error is told too."""
        ...


class SourceRunner:
    def __init__(
        self,
        database: Database,
        documents: SourceDocuments,
        syncs: Mapping[str, Sync],
        *,
        lease_s: float = LEASE_S,
    ) -> None:
        self._database = database
        self._documents = documents
        self._syncs = syncs
        self._lease_s = lease_s

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
                await self._syncs[row.kind].bring_in_step(row, _acting_for(row), report)
        except (FetchError, S3Error) as error:
            report.error = str(error)
        except FootnoteError as error:
            report.error = error.message
        except TimeoutError:
            report.error = f"It took longer than {RUN_MAX_S:g} s. What was taken in stays; name a smaller part."
        run = SourceRunRow(
            id=uuid4(),
            source_id=row.id,
            organization_id=row.organization_id,
            added=report.added,
            updated=report.updated,
            unchanged=report.unchanged,
            moved=report.moved,
            deleted=report.deleted,
            skipped=dict(report.skipped.most_common(ENDINGS_SHOWN)),
            failed=len(report.failures),
            failures=[{"address": address, "reason": reason} for address, reason in report.failures[:FAILURES_SHOWN]],
            error=report.error,
            started_at=started,
        )
        async with self._database.transaction() as session:
            await schedule.finish(session, row, run)

    async def _forget(self, row: SourceRow, lease: UUID) -> None:
        subject = _acting_for(row)
        for item in (await self._documents.known(subject, row.id)).values():
            await self._documents.delete(subject, item.document_id)
        async with self._database.transaction() as session:
            await schedule.forget(session, lease)

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


def _acting_for(row: SourceRow) -> Subject:
    """The source's documents belong to whoever named it, and are the organisation's to change: only admins name one."""
    return Subject(user_id=row.owner_id, organization_id=row.organization_id, session_id=row.id, role=Role.ADMIN)
