"""The embedded passage index: LanceDB, a table per organisation, BM25 and vectors."""

# pyarrow has no types; what leaves this file is typed.
# pyright: reportUnknownVariableType=false

import asyncio
import fcntl
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import FTS, BTree, HnswSq
from lancedb.query import MatchQuery
from numpy.typing import NDArray

from libs.contracts.knowledge import SearchFilters
from services.knowledge.ports import FoundPassage, IndexedPassage, PassageAttributes, Scope

TEXT_COLUMN = "search_text"
VECTOR_COLUMN = "vector"
TOKENS_COLUMN = "tokens"
VECTOR_INDEX = "vector_idx"
RESULT_COLUMNS = [
    "chunk_id", "document_id", "version", "position", "content", "heading_path", "page", "start", "end", "token_count",
]  # fmt: skip
# A reader may still be using an older version of a table; none does for this long.
KEEP_VERSIONS = timedelta(minutes=5)
LOCK_POLL_S = 0.01
QUERY_MAX_WORDS = 100
LOOKUP_COLUMNS = ("chunk_id", "version")
# Of HNSW's search: how many candidates it keeps in view.
MIN_EF = 150
# An open table holds some memory.
OPEN_TABLES = 200

Rows = list[dict[str, Any]]


class LanceDbIndex:
    """Vectors are compared exactly below `exact_below` passages and through HNSW from there on."""

    def __init__(self, folder: Path, exact_below: int) -> None:
        self._folder = folder
        self._exact_below = exact_below
        self._connection: lancedb.AsyncConnection | None = None
        self._tables: OrderedDict[UUID, lancedb.AsyncTable] = OrderedDict()

    async def add(self, organization_id: UUID, passages: Sequence[IndexedPassage]) -> None:
        if not passages:
            return
        schema = _schema(passages[0].vector.size)
        rows: Any = await asyncio.to_thread(_table_of, passages, schema)
        async with self._writing(organization_id):
            table = await self._complete(organization_id, schema)
            await table.add(rows)

    async def lexical(self, scope: Scope, query: str, limit: int) -> list[FoundPassage]:
        table = await self._table(scope.organization_id)
        if table is None:
            return []
        search = table.query().where(_condition(scope)).nearest_to_text(_match(_searchable(query)))
        found: Any = await search.select([*RESULT_COLUMNS, VECTOR_COLUMN, "_score"]).limit(limit).to_arrow()
        return _scored(found, _values(found, "_score"))

    async def similar(self, scope: Scope, vector: NDArray[np.float32], limit: int) -> list[FoundPassage]:
        table = await self._table(scope.organization_id)
        if table is None:
            return []
        search = table.query().where(_condition(scope)).nearest_to(vector).column(VECTOR_COLUMN)
        search = search.distance_type("cosine").ef(max(MIN_EF, 2 * limit)).limit(limit)
        found: Any = await search.select([*RESULT_COLUMNS, VECTOR_COLUMN, "_distance"]).to_arrow()
        return _scored(found, [1.0 - distance for distance in _values(found, "_distance")])

    async def of_document(
        self, organization_id: UUID, document_id: UUID, version: UUID, offset: int, limit: int
    ) -> list[FoundPassage]:
        condition = (
            f"document_id = '{document_id}' AND version = '{version}' "
            f"AND position >= {offset} AND position < {offset + limit}"
        )
        found = await self._where(organization_id, condition)
        return sorted(found, key=lambda passage: passage.position)

    async def by_ids(self, organization_id: UUID, chunk_ids: Sequence[UUID]) -> list[FoundPassage]:
        return await self._where(organization_id, f"chunk_id IN ({_quoted(chunk_ids)})") if chunk_ids else []

    async def tokens(
        self, organization_id: UUID, chunk_ids: Sequence[UUID], model_revision: str
    ) -> dict[tuple[UUID, UUID], bytes]:
        table = await self._table(organization_id)
        if table is None or not chunk_ids:
            return {}
        condition = f"chunk_id IN ({_quoted(chunk_ids)}) AND model_revision = {_literal(model_revision)}"
        found: Any = await table.query().where(condition).select(["chunk_id", "version", TOKENS_COLUMN]).to_arrow()
        columns = (_values(found, name) for name in ("chunk_id", "version", TOKENS_COLUMN))
        return {(UUID(chunk), UUID(version)): tokens for chunk, version, tokens in zip(*columns, strict=True)}

    async def versions(self, organization_id: UUID) -> set[UUID]:
        table = await self._table(organization_id)
        if table is None:
            return set()
        listed: Any = await table.query().select(["version"]).to_arrow()
        return {UUID(version) for version in set(_values(listed, "version"))}

    async def remove(self, organization_id: UUID, versions: Sequence[UUID]) -> None:
        table = await self._table(organization_id)
        if table is None or not versions:
            return
        async with self._writing(organization_id):
            await table.delete(f"version IN ({_quoted(versions)})")

    async def maintain(self, organization_id: UUID) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            await table.optimize(cleanup_older_than=KEEP_VERSIONS)
            names = {index.name for index in await table.list_indices()}
            if VECTOR_INDEX not in names and await table.count_rows() >= max(self._exact_below, 1):
                await table.create_index(VECTOR_COLUMN, config=_hnsw(), name=VECTOR_INDEX)

    async def update(self, organization_id: UUID, version: UUID, attributes: PassageAttributes) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        values = {
            "readers": _array(attributes.readers),
            "category": "NULL" if attributes.category is None else _literal(attributes.category),
            "tags": _array(attributes.tags),
            TEXT_COLUMN: _search_text(attributes.title),
        }
        async with self._writing(organization_id):
            await table.update(updates_sql=values, where=f"version = '{version}'")

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
                await table.create_index(index.columns[0], config=_config(index.name), name=index.name, replace=True)
            await table.optimize(cleanup_older_than=KEEP_VERSIONS)

    async def forget(self, organization_id: UUID, older_than: timedelta) -> None:
        table = await self._table(organization_id)
        if table is None:
            return
        async with self._writing(organization_id):
            await table.optimize(cleanup_older_than=older_than, delete_unverified=True)

    @asynccontextmanager
    async def _writing(self, organization_id: UUID) -> AsyncGenerator[None]:
        """One writer to a table, of all processes: none undoes another's commit, and files that nothing names are old.

        The system frees the lock when its holder dies.
        """
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        with (self._folder / f"{_name(organization_id)}.lock").open("w") as file:
            while not _locked(file):  # noqa: ASYNC110 - another process frees it
                await asyncio.sleep(LOCK_POLL_S)
            yield

    async def _where(self, organization_id: UUID, condition: str) -> list[FoundPassage]:
        table = await self._table(organization_id)
        if table is None:
            return []
        rows: Rows = await table.query().where(condition).select(RESULT_COLUMNS).to_list()
        return [_found(row) for row in rows]

    async def _table(self, organization_id: UUID) -> lancedb.AsyncTable | None:
        """The organisation's table, None before its first passage."""
        known = self._tables.get(organization_id)
        if known is None:
            if not (self._folder / f"{_name(organization_id)}.lance").exists():
                return None
            known = await (await self._connect()).open_table(_name(organization_id))
            self._keep(organization_id, known)
        self._tables.move_to_end(organization_id)
        return known

    async def _complete(self, organization_id: UUID, schema: Any) -> lancedb.AsyncTable:
        """The organisation's table with its indexes, made where a first writer didn't come to it or didn't finish."""
        table = await self._table(organization_id)
        if table is None:
            table = await (await self._connect()).create_table(_name(organization_id), schema=schema, exist_ok=True)
        indexed = {column for index in await table.list_indices() for column in index.columns}
        if TEXT_COLUMN not in indexed:
            await table.create_index(TEXT_COLUMN, config=_full_text())
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
            self._folder.mkdir(parents=True, exist_ok=True)
            # Another process writes: zero means that each read looks for the newest version.
            self._connection = await lancedb.connect_async(self._folder, read_consistency_interval=timedelta(0))
        return self._connection


def _schema(dimension: int) -> Any:
    return pa.schema(
        [
            pa.field("chunk_id", pa.string()),
            pa.field("document_id", pa.string()),
            pa.field("version", pa.string()),
            pa.field("position", pa.int32()),
            pa.field(TEXT_COLUMN, pa.string()),
            pa.field("content", pa.string()),
            pa.field("heading_path", pa.list_(pa.string())),
            pa.field("page", pa.int32()),
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
            pa.field("token_count", pa.int32()),
            pa.field("readers", pa.list_(pa.string())),
            pa.field("category", pa.string()),
            pa.field("tags", pa.list_(pa.string())),
            pa.field("created_at", pa.timestamp("us", tz="UTC")),
            pa.field(VECTOR_COLUMN, pa.list_(pa.float32(), dimension)),
            pa.field(TOKENS_COLUMN, pa.binary()),
            pa.field("model_revision", pa.string()),
        ]
    )


def _full_text() -> FTS:
    return FTS(language="English", stem=True, ascii_folding=True)


def _hnsw() -> HnswSq:
    return HnswSq(distance_type="cosine")


def _config(index_name: str) -> FTS | HnswSq | BTree:
    """How an index of that name was made."""
    if index_name == VECTOR_INDEX:
        return _hnsw()
    return _full_text() if index_name.startswith(TEXT_COLUMN) else BTree()


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _match(words: str) -> MatchQuery:
    return MatchQuery(words, TEXT_COLUMN)  # pyright: ignore[reportCallIssue] - the others have defaults at run time


def _searchable(query: str) -> str:
    """At most `QUERY_MAX_WORDS` different words of a query; the rest would cost time and rank little."""
    words = dict.fromkeys(query.encode(errors="replace").decode().replace("\x00", " ").split())
    return " ".join(islice(words, QUERY_MAX_WORDS))


def _table_of(passages: Sequence[IndexedPassage], schema: Any) -> Any:
    return pa.Table.from_pylist([_row(passage) for passage in passages], schema=schema)


def _row(passage: IndexedPassage) -> dict[str, Any]:
    return {
        "chunk_id": str(passage.chunk_id),
        "document_id": str(passage.document_id),
        "version": str(passage.version),
        "position": passage.position,
        TEXT_COLUMN: f"{passage.header}\n{passage.content}",
        "content": passage.content,
        "heading_path": list(passage.heading_path),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "token_count": passage.token_count,
        "readers": list(passage.readers),
        "category": passage.category,
        "tags": list(passage.tags),
        "created_at": passage.created_at,
        VECTOR_COLUMN: passage.vector,
        TOKENS_COLUMN: passage.tokens,
        "model_revision": passage.model_revision,
    }


def _values(found: Any, column: str) -> list[Any]:
    return list(found[column].to_pylist())


def _scored(found: Any, scores: list[float]) -> list[FoundPassage]:
    """The rows of a search as they were ranked."""
    rows: Rows = found.select(RESULT_COLUMNS).to_pylist()
    if not rows:
        return []
    values: NDArray[np.float32] = found[VECTOR_COLUMN].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = values.reshape(len(rows), -1)
    return [_found(row, score, vectors[number]) for number, (row, score) in enumerate(zip(rows, scores, strict=True))]


def _found(row: dict[str, Any], score: float = 0.0, vector: NDArray[np.float32] | None = None) -> FoundPassage:
    return FoundPassage(
        chunk_id=UUID(row["chunk_id"]),
        document_id=UUID(row["document_id"]),
        version=UUID(row["version"]),
        position=row["position"],
        content=row["content"],
        heading_path=tuple(row["heading_path"]),
        page=row["page"],
        start=row["start"],
        end=row["end"],
        token_count=row["token_count"],
        score=score,
        vector=vector,
    )


def _condition(scope: Scope) -> str:
    """Access and filters as one SQL condition that LanceDB applies before it ranks."""
    readers = ", ".join(_literal(reader) for reader in scope.readers)
    conditions = [f"array_has_any(readers, [{readers}])", *_filter_conditions(scope.filters or SearchFilters())]
    return " AND ".join(conditions)


def _filter_conditions(filters: SearchFilters) -> list[str]:
    conditions: list[str] = []
    if filters.category is not None:
        conditions.append(f"category = {_literal(filters.category)}")
    if filters.tags:
        tags = ", ".join(_literal(tag) for tag in filters.tags)
        conditions.append(f"array_has_any(tags, [{tags}])")
    if filters.date_from is not None:
        conditions.append(f"created_at >= {_instant(datetime.combine(filters.date_from, time.min, UTC))}")
    if filters.date_to is not None:
        next_day = datetime.combine(filters.date_to + timedelta(days=1), time.min, UTC)
        conditions.append(f"created_at < {_instant(next_day)}")
    return conditions


def _literal(value: str) -> str:
    """A SQL string literal; a quote inside is doubled, and the dialect has no other escape."""
    return "'" + value.replace("\x00", "").replace("'", "''") + "'"


def _array(values: Sequence[str]) -> str:
    return f"make_array({', '.join(_literal(value) for value in values)})"


def _search_text(title: str) -> str:
    """The header under a new title, then the content, as `IndexedPassage` has them."""
    name = _literal(title)
    headings = f"array_remove_all(heading_path, {name})"
    header = f"CASE WHEN cardinality({headings}) > 0 THEN concat_ws(' › ', {name}, array_to_string({headings}, ' › '))"
    return f"concat({header} ELSE {name} END, '\n', content)"


def _instant(value: datetime) -> str:
    return f"timestamp '{value.strftime('%Y-%m-%dT%H:%M:%S')}Z'"


def _quoted(ids: Sequence[UUID]) -> str:
    return ", ".join(f"'{value}'" for value in ids)


def _name(organization_id: UUID) -> str:
    return f"org_{organization_id.hex}"
