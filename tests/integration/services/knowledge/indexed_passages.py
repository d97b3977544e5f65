"""Passages as a passage index is given them, and who searches it."""

from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from libs.contracts.knowledge import SearchFilters
from services.knowledge.ports import IndexedPassage, PassageAttributes, Scope

DIMENSION = 8
ORGANIZATION = UUID(int=1)
EVERYONE = ("organization",)
SAID = PassageAttributes(EVERYONE, datetime(2026, 3, 5, 12, tzinfo=UTC), "text/markdown")


def vector(axis: int) -> np.ndarray:
    row = np.full(DIMENSION, 0.1, np.float32)
    row[axis] = 1
    return row / np.linalg.norm(row)


def passage(content: str, axis: int = 0, **changes: Any) -> IndexedPassage:
    """`changes` are of the passage or of its attributes."""
    one = IndexedPassage(
        chunk_id=uuid4(),
        document_id=uuid4(),
        version=uuid4(),
        position=0,
        header="Header",
        table_header=None,
        content=content,
        heading_path=("Header",),
        page=None,
        start=0,
        end=len(content),
        token_count=5,
        attributes=SAID,
        vector=vector(axis),
        tokens=bytes([axis]),
        model_revision="r1",
    )
    named = {field.name for field in fields(PassageAttributes)}
    said = replace(SAID, **{name: value for name, value in changes.items() if name in named})
    return replace(one, attributes=said, **{name: value for name, value in changes.items() if name not in named})


def scope(readers: tuple[str, ...] = EVERYONE, **filters: object) -> Scope:
    return Scope(ORGANIZATION, readers, SearchFilters(**filters) if filters else None)


def said(title: str = "Header", readers: tuple[str, ...] = EVERYONE, **changes: Any) -> tuple[str, PassageAttributes]:
    return title, replace(SAID, readers=readers, **changes)
