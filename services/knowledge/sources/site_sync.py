"""Brings a web source's documents in step with its pages."""

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAttributes
from libs.contracts.sources import InventoryItem
from libs.fetch.fetcher import Fetcher
from services.knowledge.sources.crawl import CutShort, Page, crawl
from services.knowledge.sources.models import SourceRow
from services.knowledge.sources.pages import external_id_of, stored_sha256, upload_of
from services.knowledge.sources.report import Report
from services.knowledge.sources.source_documents import SourceDocuments, prefix_of

PAUSE_S = 0.5
_OF_THE_PAGE = frozenset(
    {ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.PAYLOAD_TOO_LARGE, ErrorCode.FORBIDDEN, ErrorCode.CONFLICT}
)
_HELD = (
    "Documents that nothing led to were kept, since the visit didn't see every page; how many: {count:,}. They are "
    "deleted when one does, or when their own address answers 404 or 410."
)


class SiteSync:
    def __init__(
        self, fetcher: Fetcher, documents: SourceDocuments, max_bytes: int, *, pause_s: float = PAUSE_S
    ) -> None:
        self._fetcher = fetcher
        self._documents = documents
        self._max_bytes = max_bytes
        self._pause_s = pause_s

    async def bring_in_step(self, row: SourceRow, subject: Subject, report: Report) -> None:
        """Deletes what the site says is gone, and what nothing leads to only after a visit that saw everything.

        What is closed to us and was never a document led to none, so that without it a visit is still whole.
        """
        prefix = prefix_of(row.id)
        known = await self._documents.known(subject, row.id)
        excluded = await self._documents.excluded(row.id)
        kept: set[str] = set()
        gone: set[str] = set()
        whole = True
        async for found in crawl(self._fetcher, row.address, row.depth, self._max_bytes, self._pause_s):
            if isinstance(found, CutShort):
                whole = False
                report.failures.append((row.address, "there are more pages than one visit takes; the rest is left out"))
                continue
            external_id = external_id_of(found.address, prefix)
            if isinstance(found, Page) and external_id in excluded:
                continue
            if isinstance(found, Page):
                kept.add(external_id)
                await self._take_in(row, subject, found, external_id, known.get(external_id), report)
            elif found.gone:
                gone.add(external_id)
            else:
                whole = whole and found.closed and known.keys().isdisjoint(_answering_for(external_id))
                report.failures.append((found.address, found.reason))
        held = 0
        for external_id, item in known.items():
            if external_id in kept:
                continue
            if whole or external_id in gone:
                report.deleted += await self._documents.delete(subject, item.document_id)
            else:
                held += 1
        if held:
            # First, since only so many failures are shown.
            report.failures.insert(0, (row.address, _HELD.format(count=held)))

    async def _take_in(
        self,
        row: SourceRow,
        subject: Subject,
        page: Page,
        external_id: str,
        known: InventoryItem | None,
        report: Report,
    ) -> None:
        """Raises where the plan has no room or a service is away."""
        if known and known.sha256 == await stored_sha256(page.fetched, page.file):
            report.unchanged += 1
            return
        # Of a page that is known already only what follows from its content: the rest may have been changed since.
        stated = {} if known else row.attributes
        attributes = DocumentAttributes.model_validate(
            stated | {"external_id": external_id, "source": external_id_of(page.address)}
        )
        try:
            upload = await upload_of(page.fetched, page.file, attributes, None)
            if not await self._documents.accept(subject, upload):
                return
        except FootnoteError as error:
            if error.code not in _OF_THE_PAGE:
                raise
            report.failures.append((page.address, error.message))
            return
        if known:
            report.updated += 1
        else:
            report.added += 1


def _answering_for(external_id: str) -> set[str]:
    """The names that a page asked for by this one may have: a folder's address often leads to itself with a slash."""
    return {external_id, external_id + "/", external_id.removesuffix("/")}
