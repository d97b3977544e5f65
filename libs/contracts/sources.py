"""Where documents come from besides an upload: what a client compares its files with, web addresses, sources."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.knowledge import (
    Access,
    DocumentFailure,
    DocumentStatus,
    UploadFields,
)
from libs.contracts.values import Metadata, MetadataValue, StoredText, Tags

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

    external_id: StoredText = Field(min_length=1, max_length=500)


class WebDocument(UploadFields):
    """`POST /documents/web`: a page to fetch; without an external_id its address is that."""

    url: str = Field(min_length=1, max_length=2_000)


class PartialUpload(BaseModel):
    """A resumable upload; `offset` bytes of `length` have come."""

    upload_id: UUID
    file_name: str
    external_id: str
    length: int
    offset: int
    sha256: str | None
    expires_at: datetime


class PartialUploads(BaseModel):
    items: list[PartialUpload]


class Formats(BaseModel):
    """Endings of file names that are read; a name without an ending is judged by its content."""

    extensions: list[str]


class SourceAttributes(BaseModel):
    """What each document of a source gets."""

    model_config = ConfigDict(extra="forbid")

    category: StoredText | None = Field(default=None, min_length=1, max_length=120)
    tags: Tags = Field(default_factory=list[str])
    collection_id: UUID | None = None
    access: Access | None = None
    metadata: Metadata = Field(default_factory=dict[str, MetadataValue])


class NewSource(BaseModel):
    """Web pages to fetch again and again: one, or with `depth` those linked from it, below its own path."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["web"] = "web"
    address: str = Field(min_length=1, max_length=2_000)
    depth: int = Field(default=0, ge=0, le=5)
    interval_hours: int | None = Field(default=None, ge=1, le=8_760)
    attributes: SourceAttributes = Field(default_factory=SourceAttributes)


class SourceFailure(BaseModel):
    address: str
    reason: str


class SourceRun(BaseModel):
    """`error` says why a run couldn't be finished; `failures` are at most 100 of the pages that `failed`."""

    run_id: UUID
    started_at: datetime
    finished_at: datetime
    added: int
    updated: int
    unchanged: int
    deleted: int
    failed: int
    failures: list[SourceFailure]
    error: str | None


class Source(BaseModel):
    source_id: UUID
    kind: str
    address: str
    depth: int
    interval_hours: int | None
    attributes: SourceAttributes
    next_run_at: datetime | None
    running: bool
    last_run: SourceRun | None
    created_at: datetime


class SourceList(BaseModel):
    items: list[Source]


class SourceRunList(BaseModel):
    items: list[SourceRun]
