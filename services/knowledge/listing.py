"""Filters as a listing's query parameters."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from libs.contracts.knowledge import SearchFilters

METADATA_PREFIX = "metadata."

Tag = Annotated[list[str] | None, Query(alias="tags", description="Several times for any of several tags.")]
Collection = Annotated[str | None, Query(alias="collection_id", json_schema_extra={"format": "uuid"})]
Begin = Annotated[str | None, Query(alias="date_from", json_schema_extra={"format": "date"})]
End = Annotated[str | None, Query(alias="date_to", json_schema_extra={"format": "date"})]


async def filters(
    request: Request,
    category: str | None = None,
    tags: Tag = None,
    language: str | None = None,
    source: str | None = None,
    collection_id: Collection = None,
    media_type: str | None = None,
    date_from: Begin = None,
    date_to: End = None,
) -> SearchFilters:
    """As a search's filters, and `metadata.KEY` for any of the free metadata. Raises 422 naming the parameter."""
    asked: dict[str, Any] = {
        "category": category,
        "tags": tags,
        "language": language,
        "source": source,
        "collection_id": collection_id,
        "media_type": media_type,
        "date_from": date_from,
        "date_to": date_to,
        "metadata": _metadata(request),
    }
    try:
        return SearchFilters.model_validate(asked)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in errors]) from error


def _metadata(request: Request) -> dict[str, str]:
    metadata: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if not name.startswith(METADATA_PREFIX):
            continue
        key = name.removeprefix(METADATA_PREFIX)
        if key in metadata:
            raise RequestValidationError([{"loc": ("query", name), "msg": "is given twice", "type": "value_error"}])
        metadata[key] = value
    return metadata


ListingFilters = Annotated[SearchFilters, Depends(filters)]
