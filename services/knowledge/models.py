"""knowledge's tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, String, Uuid, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.contracts.values import MetadataValue
from libs.events.outbox import OutboxMixin


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), str: String()}  # noqa: RUF012 - SQLAlchemy's own form


class OrganizationRow(Base):
    """`knowledge_version` moves on with every change that a reader could notice; `next_index` numbers its indexes."""

    __tablename__ = "organizations"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    knowledge_version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    next_index: Mapped[int] = mapped_column(server_default="0")
    last_claimed_at: Mapped[datetime] = mapped_column(server_default="-infinity")


class CollectionRow(Base):
    """Documents under one name; those whose access is `inherited` are open to whom the collection is open."""

    __tablename__ = "collections"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    name: Mapped[str]
    access: Mapped[str]
    group_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class DocumentRow(Base):
    """What is served: passages whose version is `served_version`, none while that is null.

    Made from `served_revision`'s bytes. `language` and `dated_at` are what holds: as stated, else the content's.
    `warnings` say what of the served content couldn't be read, or embedded by the newest model.
    `deleted_at`: in the bin. `purged_at`: gone for ever, the row only says what is still to be erased.
    """

    __tablename__ = "documents"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    external_id: Mapped[str | None]
    title: Mapped[str]
    category: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    collection_id: Mapped[UUID | None]
    access: Mapped[str]
    group_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    status: Mapped[str]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    warnings: Mapped[list[str]] = mapped_column(ARRAY(String), default=list)
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    chunk_count: Mapped[int] = mapped_column(server_default="0")
    served_version: Mapped[UUID | None]
    served_revision: Mapped[UUID | None]
    custom: Mapped[dict[str, MetadataValue]] = mapped_column("metadata", JSONB, default=dict)
    language: Mapped[str | None]
    dated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    source: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]


class RevisionRow(Base):
    """One content of a document: the one that is served, the newest one that failed, and those that wait.

    The rows that wait are the queue. `accepting`: the bytes are stored, billing hasn't counted them yet; every other
    row is counted. `lease` fences off a worker given up for dead. `waits_for`: what was missing when it was tried.
    `again`: it was indexed before and gives way to what is new. `language` and `dated_at` are as they were stated;
    `content_language` and `content_date` as the file tells, the date until then when these bytes first came.
    """

    __tablename__ = "revisions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"))
    organization_id: Mapped[UUID]
    number: Mapped[int]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    file_name: Mapped[str]
    media_type: Mapped[str]
    title: Mapped[str | None]
    category: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(String))
    collection_id: Mapped[UUID | None]
    access: Mapped[str]
    group_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    custom: Mapped[dict[str, MetadataValue]] = mapped_column("metadata", JSONB, default=dict)
    source: Mapped[str | None]
    language: Mapped[str | None]
    dated_at: Mapped[datetime | None]
    content_language: Mapped[str | None]
    content_date: Mapped[datetime] = mapped_column(server_default=func.now())
    status: Mapped[str]
    again: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(server_default="0")
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    waits_for: Mapped[str | None]
    passages_done: Mapped[int] = mapped_column(default=0)
    passages_total: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TextRow(Base):
    """The served content's text, which passages' places refer to."""

    __tablename__ = "texts"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    content: Mapped[str]


class OutboxRow(OutboxMixin, Base):
    """What follows from a change here: storage given back to billing, files that nothing names any more."""


class ExportRow(Base):
    """A member's documents as one file: asked for, packed under a lease, kept for a day as a blob.

    `subject` is who asked, as they were then.
    """

    __tablename__ = "exports"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    user_id: Mapped[UUID]
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB)
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    status: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    document_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    sha256: Mapped[str | None]
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
