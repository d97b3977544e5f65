"""What happens to documents after they are in: changes, collections, re-indexing, export."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.knowledge import Access, Metadata, StoredText, Tags


class DocumentChanges(BaseModel):
    """`PATCH /documents/{id}`: what is named changes, null clears it; the content stays.

    Without an access of its own a document has its collection's, and outside of one the organisation reads it.
    """

    model_config = ConfigDict(extra="forbid")

    title: StoredText = Field(default="", min_length=1, max_length=500)
    category: StoredText | None = Field(default=None, min_length=1, max_length=120)
    tags: Tags | None = None
    collection_id: UUID | None = None
    access: Access | None = None
    metadata: Metadata | None = None
    source: StoredText | None = Field(default=None, min_length=1, max_length=500)


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


class DocumentFilters(BaseModel):
    """Documents that match each given field, and at least one of `tags`; empty means all."""

    model_config = ConfigDict(extra="forbid")

    category: StoredText | None = Field(default=None, max_length=120)
    tags: Tags | None = None
    collection_id: UUID | None = None


class ReindexRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filters: DocumentFilters = DocumentFilters()


class ReindexAccepted(BaseModel):
    documents: int


class ExportRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    filters: DocumentFilters = DocumentFilters()


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
