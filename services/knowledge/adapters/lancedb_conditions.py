"""Access and filters as LanceDB's SQL, which has no parameters: every value in it is a literal made here."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from libs.contracts.knowledge import SearchFilters
from services.knowledge.filtering import period
from services.knowledge.metadata import facts
from services.knowledge.ports import Scope


def condition(scope: Scope) -> str:
    """One condition that LanceDB applies before it ranks."""
    conditions = [f"array_has_any(readers, {_list(scope.readers)})", *_of_filters(scope.filters or SearchFilters())]
    if scope.named is not None:
        conditions.append(one_of("document_id", scope.named))
    if scope.unserved:
        conditions.append(f"NOT ({one_of('version', scope.unserved)})")
    return " AND ".join(conditions)


def _of_filters(filters: SearchFilters) -> list[str]:
    equal = {
        "category": filters.category,
        "language": filters.language,
        "source": filters.source,
        "collection_id": filters.collection_id,
        "media_type": filters.media_type,
    }
    conditions = [f"{column} = {literal(str(value))}" for column, value in equal.items() if value is not None]
    if filters.tags:
        conditions.append(f"array_has_any(tags, {_list(filters.tags)})")
    if filters.document_ids:
        conditions.append(one_of("document_id", filters.document_ids))
    if filters.metadata:
        conditions.append(f"array_has_all(facts, {_list(facts(filters.metadata))})")
    begin, end = period(filters)
    if begin:
        conditions.append(f"dated_at >= {instant(begin)}")
    if end:
        conditions.append(f"dated_at < {instant(end)}")
    return conditions


def one_of(column: str, ids: Iterable[UUID]) -> str:
    listed = ", ".join(f"'{value}'" for value in ids)
    return f"{column} IN ({listed})" if listed else "FALSE"


def literal(value: str) -> str:
    """A SQL string literal; a quote inside is doubled, and the dialect has no other escape."""
    return "'" + value.replace("\x00", "").replace("'", "''") + "'"


def array(values: Iterable[str]) -> str:
    """An expression for a new value of a column."""
    return f"make_array({', '.join(map(literal, values))})"


def _list(values: Iterable[str]) -> str:
    """A list to compare with."""
    return f"[{', '.join(map(literal, values))}]"


def instant(value: datetime) -> str:
    return f"timestamp '{value.astimezone(UTC).isoformat()}'"
