"""The embedded passage index: LanceDB, a table per organisation and embedding model, BM25 and vectors."""

# pyarrow has no types; what leaves this file is typed.
# pyright: reportUnknownVariableType=false

import asyncio
import shutil
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import lancedb
import numpy as np
from lancedb.index import BTree
from numpy.typing import NDArray

from services.knowledge.adapters.lancedb_conditions import condition, literal, one_of
from services.knowledge.adapters.lancedb_folder import LOCK_SUFFIX, IndexFolder, InUse, table_name
from services.knowledge.adapters.lancedb_rows import (
    RESULT_COLUMNS,
    TEXT_COLUMN,
    TOKENS_COLUMN,
    VECTOR_COLUMN,
    Rows,
    add_columns,
    changes,
    lacks_columns,
    passage_of,
    schema,
    scored,
    table_of,
    values,
)
from services.knowledge.adapters.lancedb_structures import VECTOR_INDEX, full_text, hnsw, lacks_places, structure_named
from services.knowledge.adapters.lancedb_words import with_every, with_some
from services.knowledge.adapters.table_lock import locked
from services.knowledge.ports import FoundPassage, IndexedPassage, PassageAttributes, Scope, Served

# A reader may still be using an older version of a table; none does for this long.
KEEP_VERSIONS = timedelta(minutes=5)
LOOKUP_COLUMNS = ("chunk_id", "version")
# Of HNSW's search: how many candidates it keeps in view.
MIN_EF = 150
# An open table holds some memory.
OPEN_TABLES = 200


class LanceDbIndex:
    """Vectors are compared exactly below `exact_below` passages and through HNSW from there on.

    With `in_use` every method raises IndexAwayError where the folder isn't the index's.
    """

    def __init__(
        self,
        folder: Path | IndexFolder,
        exact_below: int,
        in_use: InUse | None = None,
        *,
        number: int = 0,
        others: "dict[int, LanceDbIndex] | None" = None,
    ) -> None:
        self._folder = folder if isinstance(folder, IndexFolder) else IndexFolder(folder, in_use)
        self._exact_below = exact_below
        self._number = number
        self._others = {} if others is None else others
        self._others[number] = self
        self._connection: lancedb.AsyncConnection | None = None
        self._tables: OrderedDict[UUID, lancedb.AsyncTable] = OrderedDict()

    def numbered(self, number: int) -> "LanceDbIndex":
        return self._others.get(number) or LanceDbIndex(
            self._folder, self._exact_below, number=number, others=self._others
        )

    async def check(self) -> None:
        await self._folder.check()

    async def numbers(self, organization_id: UUID) -> set[int]:
        return await self._folder.numbers(organization_id)

    async def model_revision(self, organization_id: UUID) -> str | None:
        table = await self._table(organization_id)
        if table is None:
            return None
        rows: Rows = await table.query().select(["model_revision"]).limit(1).to_list()
        return str(rows[0]["model_revision"]) if rows else ""

    async def add(self, organization_id: UUID, passages: Sequence[IndexedPassage]) -> None:
        if not passages:
            return
        columns = schema(passages[0].vector.size)
        rows: Any = await asyncio.to_thread(table_of, passages, columns)
        async with self._writing(organization_id):
            table = await self._complete(organization_id, columns)
            await table.add(rows)

    async def add_absent(self, organization_id: UUID, passages: Sequence[IndexedPassage], served: Served) -> None:
        if not passages:
            return
        columns = schema(passages[0].vector.size)
        async with self._writing(organization_id):
            table = await self._complete(organization_id, columns)
            where = one_of("chunk_id", [one.chunk_id for one in passages])
            rows: Rows = await table.query().where(where).select(["chunk_id", "version"]).to_list()
            there = {(row["chunk_id"], row["version"]) for row in rows}
            still = await served({one.version for one in passages})
            new = [
                one for one in passages if one.version in still and (str(one.chunk_id), str(one.version)) not in there
            ]
            if new:
                await table.add(await asyncio.to_thread(table_of, new, columns))

    async def lexical(self, scope: Scope, query: str, limit: int, *, every: bool = False) -> list[FoundPassage]:
        table = await self._table(scope.organization_id)
        if table is None:
            return []
        return await (with_every if every else with_some)(table, condition(scope), query, limit)

    async def similar(self, scope: Scope, vector: NDArray[np.float32], limit: int) -> list[FoundPassage]:
        table = await self._table(scope.organization_id)
        if table is None:
            return []
        search = table.query().where(condition(scope)).nearest_to(vector).column(VECTOR_COLUMN)
        search = search.distance_type("cosine").ef(max(MIN_EF, 2 * limit)).limit(limit)
        found: Any = await search.select([*RESULT_COLUMNS, VECTOR_COLUMN, "_distance"]).to_arrow()
        return scored(found, [1.0 - distance for distance in values(found, "_distance")])

    async def of_document(
        self, organization_id: UUID, document_id: UUID, version: UUID, offset: int, limit: int
    ) -> list[FoundPassage]:
        where = (
            f"document_id = '{document_id}' AND version = '{version}' "
            f"AND position >= {offset} AND position < {offset + limit}"
        )
        found = await self._where(organization_id, where, RESULT_COLUMNS)
        return sorted(found, key=lambda passage: passage.position)

    async def by_ids(self, organization_id: UUID, chunk_ids: Sequence[UUID]) -> list[FoundPassage]:
        return await self._where(organization_id, one_of("chunk_id", chunk_ids)) if chunk_ids else []

    async def tokens(
        self, organization_id: UUID, chunk_ids: Sequence[UUID], model_revision: str
    ) -> dict[tuple[UUID, UUID], bytes]:
        table = await self._table(organization_id)
        if table is None or not chunk_ids:
            return {}
        where = f"{one_of('chunk_id', chunk_ids)} AND model_revision = {literal(model_revision)}"
        found: Any = await table.query().where(where).select(["chunk_id", "version", TOKENS_COLUMN]).to_arrow()
        columns = (values(found, name) for name in ("chunk_id", "version", TOKENS_COLUMN))
        return {(UUID(chunk), UUID(version)): tokens for chunk, version, tokens in zip(*columns, strict=True)}

    async def versions(self, organization_id: UUID) -> set[UUID]:
        return set(await self.counts(organization_id))

    async def counts(self, organization_id: UUID) -> Counter[UUID]:
        table = await self._table(organization_id)
        counts: Counter[UUID] = Counter()
        if table is None:
            return counts
        batches: Any = await table.query().select(["version"]).to_batches()
        async for batch in batches:
            different: Any = batch.column("version").value_counts()
            for one in cast("Rows", different.to_pylist()):
                counts[UUID(one["values"])] += one["counts"]
        return counts

    async def remove(self, organization_id: UUID, versions: Sequence[UUID]) -> None:
        table = await self._table(organization_id)
        if table is None or not versions:
            return
        async with self._writing(organization_id):
            await table.delete(one_of("version", versions))

    async def maintain(self, organization_id: UUID) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            await table.optimize(cleanup_older_than=KEEP_VERSIONS)
            indexes = await table.list_indices()
            for index in filter(lacks_places, indexes):
                await table.create_index(TEXT_COLUMN, config=full_text(), name=index.name, replace=True)
            names = {index.name for index in indexes}
            if VECTOR_INDEX not in names and await table.count_rows() >= max(self._exact_below, 1):
                await table.create_index(VECTOR_COLUMN, config=hnsw(), name=VECTOR_INDEX)

    async def update(self, organization_id: UUID, version: UUID, title: str, attributes: PassageAttributes) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            await table.update(updates_sql=changes(title, attributes), where=f"version = '{version}'")

    async def rewrite(self, organization_id: UUID) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            some: Rows = await table.query().select(["chunk_id", "version"]).limit(1).to_list()
            if some:
                # Compaction drops deleted rows for certain only where it joins fragments: this makes a second one.
                where = f"chunk_id = '{some[0]['chunk_id']}' AND version = '{some[0]['version']}'"
                await table.update(updates_sql={"position": "position"}, where=where)
            # What an index was built from stays in it until it is built again; and only fragments of which all indexes
            # know are joined.
            for index in await table.list_indices():
                await table.create_index(
                    index.columns[0], config=structure_named(index.name), name=index.name, replace=True
                )
            await table.optimize(cleanup_older_than=KEEP_VERSIONS)

    async def forget(self, organization_id: UUID, older_than: timedelta) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            await table.optimize(cleanup_older_than=older_than, delete_unverified=True)

    async def drop(self, organization_id: UUID) -> None:
        async with self._writing(organization_id):
            self._tables.pop(organization_id, None)
            table = self._folder.table(organization_id, self._number)
            await asyncio.to_thread(shutil.rmtree, table, ignore_errors=True)
            # No writer comes after: no other index has its number.
            table.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)

    @asynccontextmanager
    async def _writing(self, organization_id: UUID) -> AsyncGenerator[None]:
        """One writer to a table, of all processes: none undoes another's commit; files that nothing names are old."""
        await self._folder.require()
        async with locked(self._folder.table(organization_id, self._number, LOCK_SUFFIX)):
            yield

    async def _where(
        self, organization_id: UUID, where: str, columns: list[str] = RESULT_COLUMNS
    ) -> list[FoundPassage]:
        table = await self._table(organization_id)
        if table is None:
            return []
        rows: Rows = await table.query().where(where).select(columns).to_list()
        return [passage_of(row) for row in rows]

    async def _table(self, organization_id: UUID, *, locked: bool = False) -> lancedb.AsyncTable | None:
        """The organisation's table, None before its first passage; `locked` where the caller is its writer already."""
        if not await self._folder.holds(organization_id, self._number):
            self._tables.pop(organization_id, None)
            return None
        known = self._tables.get(organization_id)
        if known is None:
            known = await (await self._connect()).open_table(table_name(organization_id, self._number))
            if await lacks_columns(known):
                async with nullcontext() if locked else self._writing(organization_id):
                    await add_columns(known)
            self._keep(organization_id, known)
        self._tables.move_to_end(organization_id)
        return known

    async def _complete(self, organization_id: UUID, columns: Any) -> lancedb.AsyncTable:
        """The organisation's table with its indexes, made where a first writer didn't come to it or didn't finish."""
        table = await self._table(organization_id, locked=True)
        if table is None:
            name = table_name(organization_id, self._number)
            table = await (await self._connect()).create_table(name, schema=columns, exist_ok=True)
        indexed = {column for index in await table.list_indices() for column in index.columns}
        if TEXT_COLUMN not in indexed:
            await table.create_index(TEXT_COLUMN, config=full_text())
        for column in LOOKUP_COLUMNS:
            if column not in indexed:
                await table.create_index(column, config=BTree())
        self._keep(organization_id, table)
        return table

    def _keep(self, organization_id: UUID, table: lancedb.AsyncTable) -> None:
        self._tables[organization_id] = table
        if len(self._tables) > OPEN_TABLES:
            self._tables.popitem(last=False)

    async def _connect(self) -> lancedb.AsyncConnection:
        if self._connection is None:
            self._folder.path.mkdir(parents=True, exist_ok=True)
            # Another process writes: zero means that each read looks for the newest version.
            self._connection = await lancedb.connect_async(self._folder.path, read_consistency_interval=timedelta(0))
        return self._connection
