"""The rows of a passage table: its columns, a passage as a row, and back."""

# pyarrow has no types; what leaves this file is typed.
# pyright: reportUnknownVariableType=false

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from lancedb import AsyncTable
from numpy.typing import NDArray

from libs.text.unspaced import UNSPACED, spaced
from services.knowledge.adapters.lancedb_conditions import array, instant, literal
from services.knowledge.ports import FoundPassage, IndexedPassage, PassageAttributes

TEXT_COLUMN = "search_text"
VECTOR_COLUMN = "vector"
TOKENS_COLUMN = "tokens"
RESULT_COLUMNS = [
    "chunk_id", "document_id", "version", "position", "content", "heading_path", "table_header", "page", "start", "end",
    "token_count",
]  # fmt: skip


Rows = list[dict[str, Any]]

_TEXTS = pa.list_(pa.string())
_INSTANT = pa.timestamp("us", tz="UTC")
# Tables from before these columns get them when they are opened. `created_at` stays there: until the last process of
# the former kind has ended, it is read.
_LATER_COLUMNS = {
    "dated_at": _INSTANT,
    "language": pa.string(),
    "source": pa.string(),
    "collection_id": pa.string(),
    "media_type": pa.string(),
    "facts": _TEXTS,
    "table_header": pa.string(),
}
_TAKEN_FROM = {"dated_at": "created_at"}


def schema(dimension: int) -> Any:
    return pa.schema(
        [
            pa.field("chunk_id", pa.string()),
            pa.field("document_id", pa.string()),
            pa.field("version", pa.string()),
            pa.field("position", pa.int32()),
            pa.field(TEXT_COLUMN, pa.string()),
            pa.field("content", pa.string()),
            pa.field("heading_path", _TEXTS),
            pa.field("page", pa.int32()),
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
            pa.field("token_count", pa.int32()),
            pa.field("readers", _TEXTS),
            pa.field("category", pa.string()),
            pa.field("tags", _TEXTS),
            *(pa.field(name, kind) for name, kind in _LATER_COLUMNS.items()),
            pa.field(VECTOR_COLUMN, pa.list_(pa.float32(), dimension)),
            pa.field(TOKENS_COLUMN, pa.binary()),
            pa.field("model_revision", pa.string()),
        ]
    )


def _missing(found: Any) -> tuple[dict[str, str], Any]:
    """The columns that a table of that schema lacks: from what to fill them, and those that begin empty."""
    present: list[str] = list(found.names)
    names = [name for name in _LATER_COLUMNS if name not in present]
    filled = {name: _TAKEN_FROM[name] for name in names if _TAKEN_FROM.get(name) in present}
    return filled, pa.schema([pa.field(name, _LATER_COLUMNS[name]) for name in names if name not in filled])


async def lacks_columns(table: AsyncTable) -> bool:
    filled, empty = _missing(await table.schema())
    return bool(filled) or len(empty) > 0


async def add_columns(table: AsyncTable) -> None:
    """What the table lacks, added without reading a passage again; whoever waited for the lock finds it done.

    Killed in between it leaves a table that still lacks some.
    """
    filled, empty = _missing(await table.schema())
    if filled:
        await table.add_columns(filled)
    if len(empty):
        await table.add_columns(empty)


def table_of(passages: Sequence[IndexedPassage], columns: Any) -> Any:
    return pa.Table.from_pylist([_row(passage) for passage in passages], schema=columns)


def _row(passage: IndexedPassage) -> dict[str, Any]:
    said = passage.attributes
    return {
        "chunk_id": str(passage.chunk_id),
        "document_id": str(passage.document_id),
        "version": str(passage.version),
        "position": passage.position,
        TEXT_COLUMN: spaced("\n".join(filter(None, [passage.header, passage.table_header, passage.content]))),
        "content": passage.content,
        "heading_path": list(passage.heading_path),
        "page": passage.page,
        "start": passage.start,
        "end": passage.end,
        "token_count": passage.token_count,
        "readers": list(said.readers),
        "category": said.category,
        "tags": list(said.tags),
        "dated_at": said.dated_at,
        "language": said.language,
        "source": said.source,
        "collection_id": str(said.collection_id) if said.collection_id else None,
        "media_type": said.media_type,
        "facts": list(said.facts),
        "table_header": passage.table_header,
        VECTOR_COLUMN: passage.vector,
        TOKENS_COLUMN: passage.tokens,
        "model_revision": passage.model_revision,
    }


def changes(title: str, said: PassageAttributes) -> dict[str, str]:
    """The columns that say something of a document, each with its new value as a SQL expression."""
    return {
        "readers": array(said.readers),
        "category": _or_null(said.category),
        "tags": array(said.tags),
        "dated_at": instant(said.dated_at),
        "language": _or_null(said.language),
        "source": _or_null(said.source),
        "collection_id": _or_null(said.collection_id),
        "media_type": literal(said.media_type),
        "facts": array(said.facts),
        TEXT_COLUMN: _search_text(title),
    }


def _or_null(value: str | UUID | None) -> str:
    return "NULL" if value is None else literal(str(value))


def _search_text(title: str) -> str:
    """The header under a new title, a table's own, then the content, as `IndexedPassage` has them."""
    name = literal(title)
    headings = f"array_remove_all(heading_path, {name})"
    header = f"CASE WHEN cardinality({headings}) > 0 THEN concat_ws(' › ', {name}, array_to_string({headings}, ' › '))"
    whole = f"concat_ws('\n', {header} ELSE {name} END, table_header, content)"
    return f"regexp_replace({whole}, '([{UNSPACED}])', ' \\1 ', 'g')"


def values(found: Any, column: str) -> list[Any]:
    return list(found[column].to_pylist())


def scored(found: Any, scores: list[float]) -> list[FoundPassage]:
    """The rows of a search as they were ranked."""
    rows: Rows = found.select(RESULT_COLUMNS).to_pylist()
    if not rows:
        return []
    flat: NDArray[np.float32] = found[VECTOR_COLUMN].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.reshape(len(rows), -1)
    return [
        passage_of(row, score, vectors[number]) for number, (row, score) in enumerate(zip(rows, scores, strict=True))
    ]


def passage_of(row: Mapping[str, Any], score: float = 0.0, vector: NDArray[np.float32] | None = None) -> FoundPassage:
    return FoundPassage(
        chunk_id=UUID(row["chunk_id"]),
        document_id=UUID(row["document_id"]),
        version=UUID(row["version"]),
        position=row["position"],
        content=row["content"],
        heading_path=tuple(row["heading_path"]),
        table_header=row["table_header"],
        page=row["page"],
        start=row["start"],
        end=row["end"],
        token_count=row["token_count"],
        score=score,
        vector=vector,
    )
