from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from libs.contracts.knowledge import SearchFilters
from libs.contracts.values import Instant


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"language": "english"}, "language"),
        ({"language": "xx"}, "language"),
        ({"collection_id": "here"}, "collection_id"),
        ({"document_ids": []}, "document_ids"),
        ({"document_ids": ["x"]}, "document_ids.0"),
        ({"external_ids": ["x"] * 101}, "external_ids"),
        ({"external_ids": [""]}, "external_ids.0"),
        ({"tags": "a"}, "tags"),
        ({"tags": ["a\x00"]}, "tags.0"),
        ({"category": 5}, "category"),
        ({"source": "x" * 501}, "source"),
        ({"source": "\ud83d"}, "source"),
        ({"metadata": {"'; --": 1}}, "metadata.'; --.[key]"),
        ({"metadata": {"a": None}}, "metadata.a"),
        ({"metadata": {"a": {"$gt": 1}}}, "metadata.a"),
        ({"metadata": {f"k{n}": n for n in range(21)}}, "metadata"),
        ({"date_from": "yesterday"}, "date_from"),
        ({"date_from": "2026-02-30"}, "date_from"),
        ({"date_from": 20260131}, "date_from"),
        ({"date_from": "1700000000"}, "date_from"),
        ({"date_to": True}, "date_to"),
        ({"date_from": "2026-02-01", "date_to": "2026-01-31"}, "date_to"),
    ],
)
def test_a_wrong_filter_is_named(filters: dict[str, Any], field: str):
    with pytest.raises(ValidationError) as caught:
        SearchFilters.model_validate(filters)
    assert [".".join(map(str, error["loc"])) for error in caught.value.errors()] == [field]


def test_dates_of_a_filter_are_days():
    filters = SearchFilters.model_validate({"date_from": "2026-01-31", "date_to": "2026-01-31"})
    assert filters.date_from == filters.date_to == date(2026, 1, 31)


@pytest.mark.parametrize(
    ("stated", "instant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:00:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00+02:00", datetime(2026, 1, 31, 8, tzinfo=UTC)),
        ("1848-02-21", datetime(1848, 2, 21, tzinfo=UTC)),
    ],
)
def test_a_stated_date_is_an_instant(stated: str, instant: datetime):
    assert TypeAdapter(Instant).validate_python(stated) == instant


@pytest.mark.parametrize("stated", ["", "soon", "31.01.2026", "2026-13-01", 1700000000, True, "0001-01-01T00:00+14:00"])
def test_what_is_no_date_is_refused(stated: object):
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python(stated)
