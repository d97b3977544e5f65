"""Documents, passages and search."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from libs.contracts.values import Day, Instant, Language, Metadata, MetadataValue, StoredText, Tags

FILTER_IDS_MAX = 100
# What the external_id of each document of a source begins with.
SOURCE_PREFIX = "source:"


class DocumentStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class GroupAccess(BaseModel):
    model_config = ConfigDict(extra="forbid")

    groups: list[UUID] = Field(min_length=1, max_length=100)


Access = Literal["private", "organization", "public"] | GroupAccess


class DocumentAttributes(BaseModel):
    """What may be said of a document besides its title, however its content arrives.

    Where `access` isn't said, the collection's holds, and outside of a collection the whole organisation may read it.
    Without a `language` or a `date` the file's own stand.
    """

    model_config = ConfigDict(extra="forbid")

    category: StoredText | None = Field(default=None, min_length=1, max_length=120)
    tags: Tags = Field(default_factory=list[str])
    collection_id: UUID | None = None
    access: Access | None = None
    external_id: StoredText | None = Field(default=None, min_length=1, max_length=500)
    metadata: Metadata = Field(default_factory=dict[str, MetadataValue])
    source: StoredText | None = Field(default=None, min_length=1, max_length=500)
    language: Language | None = None
    date: Instant | None = None


# What the external_id of a person's own page begins with; nobody else may take such a name before them.
_OWN_PAGE = re.compile(r"web:[0-9a-f]{8}-[0-9a-f-]{27}:")


def _unreserved(external_id: str) -> str:
    if external_id.startswith(SOURCE_PREFIX):
        raise ValueError(f"names that begin with {SOURCE_PREFIX!r} are those of a source's own documents")
    if _OWN_PAGE.match(external_id):
        raise ValueError("names that begin with 'web:' and a user id are those of that person's own web pages")
    return external_id


GivenExternalId = Annotated[StoredText, Field(min_length=1, max_length=500), AfterValidator(_unreserved)]


class UploadFields(DocumentAttributes):
    """The fields beside a multipart `file`; without a title, the file's own or its name stands."""

    title: StoredText | None = Field(default=None, min_length=1, max_length=500)
    external_id: GivenExternalId | None = None


class TextDocument(DocumentAttributes):
    """`POST /documents` as JSON: the text itself, read as Markdown."""

    title: StoredText = Field(min_length=1, max_length=500)
    external_id: GivenExternalId | None = None
    text: str


class DocumentBatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    documents: list[TextDocument] = Field(min_length=1, max_length=500)


class DocumentAccepted(BaseModel):
    document_id: UUID
    status: DocumentStatus


class DocumentBatchAccepted(BaseModel):
    items: list[DocumentAccepted]


class DocumentFailure(BaseModel):
    code: str
    message: str


class Progress(BaseModel):
    """Passages indexed, of all that a document has."""

    done: int
    total: int


class Waiting(BaseModel):
    """Why a document isn't read yet, and when that is tried again; without `until` as soon as it can be."""

    code: str
    message: str
    until: datetime | None


class Document(BaseModel):
    """`access` is the one that holds; `inherits_access` where it isn't the document's own.

    `warnings` say what of a document that was read was left out. `progress` tells how far a long one is while it is
    `processing`. `waiting` is there while something holds up a document that is `pending` or `processing`. `purge_at`
    says until when a document in the bin can be restored. `date` is how old its content is: as it was stated, else as
    the file says, else when it came.
    """

    document_id: UUID
    external_id: str | None
    title: str
    status: DocumentStatus
    error: DocumentFailure | None
    warnings: list[str] = Field(default_factory=list[str])
    progress: Progress | None
    waiting: Waiting | None = None
    chunk_count: int
    size_bytes: int
    media_type: str
    category: str | None
    tags: list[str]
    collection_id: UUID | None
    access: Access
    inherits_access: bool
    metadata: dict[str, MetadataValue]
    language: str | None
    source: str | None
    date: datetime
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    purge_at: datetime | None


class DocumentList(BaseModel):
    items: list[Document]
    next_cursor: str | None


class Location(BaseModel):
    """A passage's place: page from 1 where the format has pages; start, end are characters of the document's text.

    `table_header` is the first row of the table in whose later rows the passage begins.
    """

    page: int | None = None
    heading_path: list[str] = Field(default_factory=list[str])
    table_header: str | None = None
    start: int
    end: int


class Passage(BaseModel):
    chunk_id: UUID
    document_id: UUID
    content: str
    location: Location


class PassageList(BaseModel):
    items: list[Passage]
    next_cursor: str | None


class ServedPassage(Passage):
    """A passage with what its document is called."""

    title: str
    external_id: str | None


class PassageInContext(ServedPassage):
    """A passage with the text just before and after it in its document."""

    before: str
    after: str


ExternalId = Annotated[StoredText, Field(min_length=1, max_length=500)]


class SearchFilters(BaseModel):
    """What a document must be: each given field, at least one of `tags` and of the ids, all of `metadata`.

    `date_from` and `date_to` are days in UTC, both included. Metadata are compared as they are written: 7, 7.0 and "7"
    are the same.
    """

    model_config = ConfigDict(extra="forbid")

    category: StoredText | None = Field(default=None, max_length=120)
    tags: Tags | None = None
    language: Language | None = None
    source: StoredText | None = Field(default=None, max_length=500)
    collection_id: UUID | None = None
    media_type: StoredText | None = Field(default=None, max_length=200)
    document_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=FILTER_IDS_MAX)
    external_ids: list[ExternalId] | None = Field(default=None, min_length=1, max_length=FILTER_IDS_MAX)
    metadata: Metadata | None = None
    date_from: Day | None = None
    date_to: Day | None = None

    @field_validator("date_to")
    @classmethod
    def _ends_after_it_begins(cls, value: Day | None, info: ValidationInfo) -> Day | None:
        begin = info.data.get("date_from")
        if value and begin and begin > value:
            raise ValueError(f"{value} is before date_from, {begin}")
        return value


Strategy = Literal["auto", "lexical", "vector", "hybrid"]
# `conversational` says nothing that a document could answer; `complex` compares, explains, or has parts.
QueryKind = Literal["keyword", "factual", "complex", "conversational"]


class SearchRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=100_000)
    strategy: Strategy = "auto"
    top_k: int = Field(default=10, ge=1, le=100)
    filters: SearchFilters | None = None
    rerank: bool = True
    group_by: Literal["passage", "document"] = "passage"
    explain: bool = False

    @field_validator("query")
    @classmethod
    def _has_text(cls, value: str) -> str:
        text = value.replace("\x00", " ")
        if not text.strip():
            raise ValueError("the query is empty; write what to look for")
        return text


class SearchScores(BaseModel):
    """With `explain`: rank from 1 and score in each list that named the passage."""

    lexical_rank: int | None = None
    lexical_score: float | None = None
    vector_rank: int | None = None
    vector_score: float | None = None
    late_rank: int | None = None
    fused: float


class SearchResult(BaseModel):
    document_id: UUID
    external_id: str | None
    chunk_id: UUID
    title: str
    content: str
    score: float
    location: Location
    scores: SearchScores | None = None


class Expansion(BaseModel):
    """Words of a query that the organisation's glossary knows, and the other ways to say them."""

    said: str
    ways: list[str]


class SearchResponse(BaseModel):
    """`expansions` names what was also looked for in other words."""

    results: list[SearchResult]
    strategy_used: str
    degraded: list[str]
    expansions: list[Expansion] = Field(default_factory=list[Expansion])


class RetrievalRequest(BaseModel):
    """Chat to knowledge: a search whose answer carries its trace and the passages' token counts.

    Without `top_k` the question's kind decides how many passages it gets. `unsaid` are parts of the query that are
    searched for by words alone: no embedding model reads them.
    """

    query: str
    top_k: int | None = Field(default=None, ge=1, le=100)
    filters: SearchFilters | None = None
    unsaid: list[str] = []


class RetrievedPassage(SearchResult):
    """`similarity` is the cosine between query and passage, None when vectors weren't available.

    `date` is its document's; `authority` is the number of that name among the document's metadata.
    """

    token_count: int
    similarity: float | None = None
    date: datetime | None = None
    authority: float | None = None


class RetrievalResponse(BaseModel):
    """`knowledge_version` changes whenever any passage of the organisation may read differently."""

    passages: list[RetrievedPassage]
    strategy_used: str
    degraded: list[str]
    knowledge_version: int
    trace: list[dict[str, Any]]
    expansions: list[Expansion] = Field(default_factory=list[Expansion])


class Standing(BaseModel):
    """What an answer depends on besides its question, as it is for the caller now.

    `knowledge_version` is as in `RetrievalResponse`. Callers of one organisation with the same `access_key` at the same
    version may read exactly the same documents. `readable` are those of the passages asked about that the caller may
    see now.
    """

    knowledge_version: int
    access_key: str = Field(min_length=1, max_length=200)
    readable: list[UUID] = Field(default_factory=list[UUID])


class ReadableRequest(BaseModel):
    """Chat to knowledge: which of these passages may the caller still see, or what do they say."""

    chunk_ids: list[UUID] = Field(max_length=1_000)

    @model_validator(mode="after")
    def _unique(self) -> "ReadableRequest":
        self.chunk_ids = list(dict.fromkeys(self.chunk_ids))
        return self


class ReadableResponse(BaseModel):
    chunk_ids: list[UUID]


class ServedPassages(BaseModel):
    passages: list[ServedPassage]
