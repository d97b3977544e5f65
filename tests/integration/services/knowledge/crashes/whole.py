"""What must hold of an organisation once everything has come to rest, whatever was killed before."""

import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import lancedb
from sqlalchemy import text

from libs.config.settings import Settings
from libs.stores.postgres import Database
from tests.integration.services.knowledge.conftest import until

SHORT_LEASE_S = 2.0
# As short as they can be, in the process that is killed and in the one that comes after.
CONSTANTS = {
    "services.knowledge.worker:SWEEP_EVERY_S": 0.2,
    "services.knowledge.worker:PURGE_EVERY_S": 0.2,
    "services.knowledge.worker:BIN_EVERY_S": 0.2,
    "services.knowledge.worker:SOURCES_IDLE_S": 0.2,
    "services.knowledge.worker:FILES_EVERY_S": 0.2,
    "services.knowledge.purge:HALF_ACCEPTED_AFTER": 0.2,
    "services.knowledge.purge:READERS_FINISH": 0.3,
    "services.knowledge.leftover_files:SETTLED_AFTER": 5.0,
    "services.knowledge.worker:SWITCH_IDLE_S": 0.05,
    "services.knowledge.embedding_switch.served_models:KNOWN_FOR_S": 0.2,
    "services.knowledge.embedding_switch.switcher:TURN_PASSAGES": 3,
    "services.knowledge.embedding_switch.switcher:BEHIND_UPLOADS_S": 0.2,
    "services.knowledge.embedding_switch.former:READERS_FINISH": 0.3,
    "services.knowledge.documents:RELAY_AFTER": 0.0,
    "services.knowledge.changes:RELAY_AFTER": 0.0,
}
WAITING = {"accepting", "pending", "processing"}
INDEXED_COLUMNS = {"search_text", "chunk_id", "version"}


def remove_files_of_others(home: Path) -> None:
    """The originals that earlier tests left, whose rows are gone.

    A worker under these constants would give up each of them and sweep each one's organisation before the test's own,
    which takes longer the more tests this process has run.
    """
    shutil.rmtree(home / "blobs", ignore_errors=True)


def table_name(organization_id: UUID, number: int) -> str:
    return f"org_{organization_id.hex}" + (f"_{number}" if number else "")


@dataclass(frozen=True)
class Installation:
    """The stores behind the services, looked at directly."""

    settings: Settings
    knowledge: Database
    billing: Database

    async def rows(self, query: str, organization_id: UUID) -> list[dict[str, Any]]:
        async with self.knowledge.transaction() as session:
            found = await session.execute(text(query), {"id": organization_id})
            return [dict(row) for row in found.mappings()]

    async def counted_bytes(self, organization_id: UUID) -> int:
        """What billing counts."""
        query = text(
            "SELECT coalesce(sum(quantity), 0) FROM billing.usage_records "
            "WHERE organization_id = :id AND resource = 'storage_bytes'"
        )
        async with self.billing.transaction() as session:
            return int(await session.scalar(query, {"id": organization_id}) or 0)

    async def indexes(self, organization_id: UUID) -> dict[int, bool]:
        """The numbers of an organisation's indexes, and whether each is the one that is searched."""
        query = "SELECT number, serving FROM knowledge.indexes WHERE organization_id = :id"
        rows = await self.rows(query, organization_id)
        return {row["number"]: row["serving"] for row in rows}

    def stored(self, organization_id: UUID) -> set[str]:
        """The names of the organisation's tables."""
        return {path.stem for path in (self.settings.home / "knowledge").glob(f"org_{organization_id.hex}*.lance")}

    async def indexed(self, organization_id: UUID, number: int) -> tuple[Counter[UUID], set[str]]:
        """How many passages an index holds of each version, and the columns that lack an index."""
        name = table_name(organization_id, number)
        folder = self.settings.home / "knowledge"
        if not (folder / f"{name}.lance").exists():
            return Counter(), set()
        try:
            table = await (await lancedb.connect_async(folder)).open_table(name)
        except ValueError:  # its folder is there, and it isn't yet
            return Counter(), INDEXED_COLUMNS
        versions = (await table.query().select(["version"]).to_arrow())["version"].to_pylist()
        columns = {column for index in await table.list_indices() for column in index.columns}
        return Counter(UUID(str(version)) for version in versions), INDEXED_COLUMNS - columns

    def files(self, organization_id: UUID) -> set[str]:
        """Every file that is kept for it, by name."""
        folders = [self.settings.home / name / str(organization_id) for name in ("blobs", "partial-uploads")]
        return {path.name for folder in folders for path in folder.rglob("*") if path.is_file()}

    async def leftovers(self, organization_id: UUID) -> dict[str, Any]:
        """Whatever isn't as it must be at rest; nothing where all is."""
        documents = await self.rows(
            "SELECT id, status, served_version, served_revision, chunk_count, purged_at, deleted_at "
            "FROM knowledge.documents WHERE organization_id = :id",
            organization_id,
        )
        revisions = await self.rows(
            "SELECT id, document_id, sha256, size_bytes, status, lease FROM knowledge.revisions "
            "WHERE organization_id = :id",
            organization_id,
        )
        exports = await self.rows(
            "SELECT sha256, status, lease FROM knowledge.exports WHERE organization_id = :id", organization_id
        )
        sources = await self.rows("SELECT lease FROM knowledge.sources WHERE organization_id = :id", organization_id)
        outbox = await self.rows(
            "SELECT topic FROM knowledge.outbox WHERE strpos(payload::text, cast(cast(:id AS uuid) AS text)) > 0",
            organization_id,
        )
        parts = await self.rows(
            "SELECT id FROM knowledge.partial_uploads WHERE organization_id = :id AND document_id IS NULL",
            organization_id,
        )
        served = {one["served_version"]: one["chunk_count"] for one in documents if one["served_version"]}
        named = {one["sha256"] for one in (*revisions, *exports) if one["sha256"]}
        files = self.files(organization_id)
        numbers = await self.indexes(organization_id)
        searched = next((number for number, serving in numbers.items() if serving), 0)
        indexed, unindexed = await self.indexed(organization_id, searched)
        former = {number: await self.indexed(organization_id, number) for number in numbers if number != searched}
        sizes = sum(one["size_bytes"] for one in revisions)
        counted = await self.counted_bytes(organization_id)
        found = {
            "documents not at rest": [
                one for one in documents if one["status"] in WAITING or (one["purged_at"] is not None)
            ],
            "revisions not at rest": [one for one in revisions if one["status"] in WAITING or one["lease"]],
            "documents with several revisions": [
                one for one, times in Counter(row["document_id"] for row in revisions).items() if times > 1
            ],
            "exports not at rest": [one for one in exports if one["status"] != "ready"],
            "sources not at rest": [one for one in sources if one["lease"]],
            "undelivered": outbox,
            "uploads that never end": parts,
            "passages of nothing": {str(one): n for one, n in indexed.items() if one not in served},
            "passages missing or twice": {
                str(one): (indexed[one], n) for one, n in served.items() if indexed[one] != n
            },
            "columns without an index": unindexed,
            "passages of nothing in another index": {
                number: str(version)
                for number, (counts, _) in former.items()
                for version, count in counts.items()
                if version not in served or count > served[version]
            },
            "indexes of nothing": self.stored(organization_id)
            - {table_name(organization_id, number) for number in {searched, *numbers}},
            "files of nothing": files - named,
            "files missing": named - files,
            "bytes counted and kept": (counted, sizes) if counted != sizes else (),
        }
        return {name: value for name, value in found.items() if value}

    async def at_rest(self, organization_id: UUID) -> None:
        """Waits until nothing is left over; says what stays where something does."""
        left: dict[str, Any] = {}

        async def look() -> dict[str, Any]:
            nonlocal left
            left = await self.leftovers(organization_id)
            return left

        try:
            await until(look, found=lambda found: not found)
        except TimeoutError:
            raise AssertionError(f"left over: {left}") from None
