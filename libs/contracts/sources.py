"""Where documents come from besides an upload: what a client compares its files with, web addresses, sources."""

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Discriminator, Field, SecretStr, Tag

from libs.contracts.knowledge import (
    Access,
    DocumentFailure,
    DocumentStatus,
    GivenExternalId,
    Progress,
    UploadFields,
    Waiting,
)
from libs.contracts.values import Metadata, MetadataValue, StoredText, Tags

STATES_MAX = 1_000
BUCKET_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$"
REGION_PATTERN = r"^[a-z0-9-]{1,40}$"

IntervalHours = Annotated[int | None, Field(ge=1, le=8_760)]
Endings = Annotated[list[Annotated[StoredText, Field(min_length=1, max_length=50)]], Field(max_length=50)]


class InventoryItem(BaseModel):
    """A document as a synchronising client needs it: `sha256` is of its newest bytes, None where none are kept."""

    document_id: UUID
    external_id: str | None
    sha256: str | None
    status: DocumentStatus
    error: DocumentFailure | None
    warnings: list[str] = Field(default_factory=list[str])
    chunk_count: int
    progress: Progress | None = None
    waiting: Waiting | None = None


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

    external_id: GivenExternalId


class WebDocument(UploadFields):
    """`POST /documents/web`: a page to fetch; without an external_id its address is that, as far as it is free."""

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


class NewWebSource(BaseModel):
    """Web pages to fetch again and again: one, or with `depth` those linked from it, below its own path."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["web"] = "web"
    address: str = Field(min_length=1, max_length=2_000)
    depth: int = Field(default=0, ge=0, le=5)
    interval_hours: IntervalHours = None
    attributes: SourceAttributes = Field(default_factory=SourceAttributes)


class S3Credentials(BaseModel):
    """An access key that may list the bucket and read its objects; no answer ever holds it."""

    model_config = ConfigDict(extra="forbid")

    access_key_id: str = Field(pattern=r"^[!-~]{1,200}$")
    secret_access_key: SecretStr = Field(min_length=1, max_length=500)


class S3Place(BaseModel):
    """Which objects are documents: those below `prefix` whose keys end as said, in upper or lower case.

    Without `include` every ending is wanted; `exclude` wins. Without an `endpoint`, the bucket is Amazon's.
    """

    model_config = ConfigDict(extra="forbid")

    bucket: str = Field(pattern=BUCKET_PATTERN)
    prefix: StoredText = Field(default="", max_length=1_000)
    endpoint: str | None = Field(default=None, min_length=1, max_length=500)
    region: str = Field(default="us-east-1", pattern=REGION_PATTERN)
    include: Endings = Field(default_factory=list[str])
    exclude: Endings = Field(default_factory=list[str])


class NewS3Source(S3Place):
    """Objects to read again and again; without `credentials` from a bucket that the operator lists."""

    kind: Literal["s3"]
    credentials: S3Credentials | None = None
    interval_hours: IntervalHours = None
    attributes: SourceAttributes = Field(default_factory=SourceAttributes)


def _kind(source: object) -> str:
    """Sources that don't say it are web pages."""
    if isinstance(source, dict):
        return str(cast("dict[str, object]", source).get("kind", "web"))
    return str(getattr(source, "kind", ""))


NewSource = Annotated[
    Annotated[NewWebSource, Tag("web")] | Annotated[NewS3Source, Tag("s3")],
    Discriminator(_kind, custom_error_type="source_kind", custom_error_message="kind is 'web' or 's3'"),
]


class SourceChange(BaseModel):
    """What is said replaces; `credentials`, `include` and `exclude` are an S3 source's only."""

    model_config = ConfigDict(extra="forbid")

    interval_hours: IntervalHours = None
    credentials: S3Credentials | None = None
    include: Endings | None = None
    exclude: Endings | None = None


class SourceFailure(BaseModel):
    address: str
    reason: str


class SourceRun(BaseModel):
    """`error` says why a run couldn't be finished; `failures` are at most 100 of the pages or objects that `failed`.

    `moved` have new names for the same content; `skipped` counts, by their ending, objects that no parser reads.
    """

    run_id: UUID
    started_at: datetime
    finished_at: datetime
    added: int
    updated: int
    unchanged: int
    moved: int
    deleted: int
    skipped: dict[str, int]
    failed: int
    failures: list[SourceFailure]
    error: str | None


class Source(BaseModel):
    """`s3` is of an S3 source only, whose address is `s3://bucket/prefix`."""

    source_id: UUID
    kind: str
    address: str
    depth: int
    s3: S3Place | None
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
