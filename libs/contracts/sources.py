"""Where documents come from besides an upload: what a client compares its files with, web addresses, sources."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from libs.contracts.knowledge import DocumentFailure, DocumentStatus, UploadFields

STATES_MAX = 1_000


class InventoryItem(BaseModel):
    """A document as a synchronising client needs it: `sha256` is of its newest bytes, None where none are kept."""

    document_id: UUID
    external_id: str | None
    sha256: str | None
    status: DocumentStatus
    error: DocumentFailure | None
    chunk_count: int


class Inventory(BaseModel):
    items: list[InventoryItem]
    next_cursor: str | None


class StatesRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document_ids: list[UUID] = Field(min_length=1, max_length=STATES_MAX)


class States(BaseModel):
    """In no order; a document that is gone is missing."""

    items: list[InventoryItem]


class NewExternalId(BaseModel):
    model_config = ConfigDict(extra="forbid")

    external_id: str = Field(min_length=1, max_length=500)

    @field_validator("external_id")
    @classmethod
    def _storable(cls, value: str) -> str:
        if "\x00" in value:
            raise ValueError("a NUL character can't be stored")
        return value


class WebDocument(UploadFields):
    """`POST /documents/web`: a page to fetch; without an external_id its address is that."""

    url: str = Field(min_length=1, max_length=2_000)


class Formats(BaseModel):
    """Endings of file names that are read; a name without an ending is judged by its content."""

    extensions: list[str]
