"""Filters as conditions on documents in the system of record."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Text, cast, or_
from sqlalchemy.dialects.postgresql import ARRAY

from libs.contracts.knowledge import SearchFilters
from services.knowledge.metadata import same
from services.knowledge.models import DocumentRow


def matching(filters: SearchFilters | None) -> list[ColumnElement[bool]]:
    """What a document must fulfil to match; the index applies the same to its rows."""
    if filters is None:
        return []
    row = DocumentRow
    conditions = [
        column == value
        for column, value in (
            (row.category, filters.category),
            (row.language, filters.language),
            (row.source, filters.source),
            (row.collection_id, filters.collection_id),
            (row.media_type, filters.media_type),
        )
        if value is not None
    ]
    if filters.tags:
        conditions.append(row.tags.overlap(cast(filters.tags, ARRAY(Text))))
    if filters.document_ids:
        conditions.append(row.id.in_(filters.document_ids))
    if filters.external_ids:
        conditions.append(row.external_id.in_(filters.external_ids))
    for key, value in (filters.metadata or {}).items():
        conditions.append(or_(*(row.custom.contains({key: one}) for one in same(value))))
    begin, end = period(filters)
    if begin:
        conditions.append(row.dated_at >= begin)
    if end:
        conditions.append(row.dated_at < end)
    return conditions


def period(filters: SearchFilters) -> tuple[datetime | None, datetime | None]:
    """From when, and before when; None where it is open."""
    begin = _midnight(filters.date_from) if filters.date_from else None
    if filters.date_to in (None, date.max):
        return begin, None
    return begin, _midnight(filters.date_to + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
