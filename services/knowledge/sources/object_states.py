"""What each object of a source was like when it was read last, so that an unchanged one isn't read again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from libs.s3.answers import S3Object
from libs.stores.postgres import Database
from services.knowledge.sources.models import SourceObjectRow, SourceRow

FORGOTTEN_AT_ONCE = 1_000


@dataclass(frozen=True)
class ObjectState:
    """`sha256` is None where no parser reads the object."""

    etag: str
    size_bytes: int
    last_modified: datetime
    sha256: str | None

    def is_of(self, found: S3Object) -> bool:
        return (self.etag, self.size_bytes, self.last_modified) == (found.etag, found.size_bytes, found.last_modified)


class ObjectStates:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, source_id: UUID) -> dict[str, ObjectState]:
        """By key."""
        query = select(SourceObjectRow).where(SourceObjectRow.source_id == source_id)
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query))
        return {row.key: ObjectState(row.etag, row.size_bytes, row.last_modified, row.sha256) for row in rows}

    async def keep(self, source_id: UUID, found: S3Object, sha256: str | None) -> None:
        """Nothing where the source is gone meanwhile."""
        state = {
            "etag": found.etag,
            "size_bytes": found.size_bytes,
            "last_modified": found.last_modified,
            "sha256": sha256,
        }
        async with self._database.transaction() as session:
            if await session.scalar(
                select(SourceRow.id).where(SourceRow.id == source_id).with_for_update(key_share=True)
            ):
                statement = insert(SourceObjectRow).values(source_id=source_id, key=found.key, **state)
                await session.execute(statement.on_conflict_do_update(index_elements=["source_id", "key"], set_=state))

    async def forget(self, source_id: UUID, keys: Sequence[str]) -> None:
        for start in range(0, len(keys), FORGOTTEN_AT_ONCE):
            some = keys[start : start + FORGOTTEN_AT_ONCE]
            async with self._database.transaction() as session:
                await session.execute(
                    delete(SourceObjectRow).where(SourceObjectRow.source_id == source_id, SourceObjectRow.key.in_(some))
                )
