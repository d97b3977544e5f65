"""The structures that LanceDB builds over a passage table's columns."""

from lancedb.index import FTS, BTree, HnswSq, IndexConfig

from services.knowledge.adapters.lancedb_rows import TEXT_COLUMN

VECTOR_INDEX = "vector_idx"


def full_text() -> FTS:
    return FTS(language="English", stem=True, ascii_folding=True, with_position=True)


def lacks_places(index: IndexConfig) -> bool:
    """Whether it is of a text's words alone, as they were indexed before phrases were looked for."""
    return index.columns == [TEXT_COLUMN] and (index.index_details or {}).get("with_position") is False


def hnsw() -> HnswSq:
    return HnswSq(distance_type="cosine")


def structure_named(name: str) -> FTS | HnswSq | BTree:
    """How a structure of that name was made."""
    if name == VECTOR_INDEX:
        return hnsw()
    return full_text() if name.startswith(TEXT_COLUMN) else BTree()
