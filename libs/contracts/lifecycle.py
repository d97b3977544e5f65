"""What happens to documents after they are in: changes, collections, re-indexing, export."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.knowledge import Access, SearchFilters
from libs.contracts.values import Instant, Language, Metadata, StoredText, Tags


class DocumentChanges(BaseModel):
    """`PATCH /documents/{id}`: what is named changes, null clears it; the content stays.

    Without an access of its own a document has its collection's, and outside of one the organisation reads it; without
    a language or a date of its own its file's.
    """

    model_config = ConfigDict(extra="forbid")

    title: StoredText = Field(default="", min_length=1, max_length=500)
    category: StoredText | None = Field(default=None, min_length=1, max_length=120)
    tags: Tags | None = None
    collection_id: UUID | None = None
    access: Access | None = None
    metadata: Metadata | None = None
    source: StoredText | None = Field(default=None, min_length=1, max_length=500)
    language: Language | None = None
    date: Instant | None = None


class CollectionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: StoredText = Field(min_length=1, max_length=120)
    access: Access = "organization"


class CollectionChanges(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: StoredText = Field(default="", min_length=1, max_length=120)
    access: Access = "organization"


class Collection(BaseModel):
    """`documents` counts those that the caller may read, the bin left out."""

    collection_id: UUID
    name: str
    access: Access
    documents: int
    created_at: datetime
    updated_at: datetime


class CollectionList(BaseModel):
    items: list[Collection]


class ReindexRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filters: SearchFilters = SearchFilters()


class ReindexAccepted(BaseModel):
    documents: int


class ExportRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filters: SearchFilters = SearchFilters()


class ExportStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class ExportAccepted(BaseModel):
    export_id: UUID
    status: ExportStatus


class Export(ExportAccepted):
    """`documents` and `bytes` (of the ZIP file) are 0 until it is ready."""

    documents: int
    bytes: int
    download_url: str | None
    created_at: datetime
    expires_at: datetime | None
