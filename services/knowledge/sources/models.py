"""Tables of what is still arriving and of what is fetched again and again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.knowledge.models import Base


class PartialUploadRow(Base):
    """A file that arrives in parts; its bytes so far are in a file of its id. `document_id`: it has become that."""

    __tablename__ = "partial_uploads"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    length: Mapped[int] = mapped_column(BigInteger)
    file_name: Mapped[str]
    title: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str | None]
    document_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]


class SourceRow(Base):
    """`next_run_at` is when it is due, none where it only runs when told to; `lease` fences off a dead worker.

    `options` are what its kind asks for, `secret` its own credentials, encrypted. A deleted source stays until a worker
    has deleted its documents.
    """

    __tablename__ = "sources"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    owner_id: Mapped[UUID]
    kind: Mapped[str]
    address: Mapped[str]
    depth: Mapped[int]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    secret: Mapped[bytes | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    interval_hours: Mapped[int | None]
    next_run_at: Mapped[datetime | None]
    lease: Mapped[UUID | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    deleted_at: Mapped[datetime | None]


class SourceRunRow(Base):
    """What one run changed; `error` where it couldn't be finished, `failures` a few of what failed in it."""

    __tablename__ = "source_runs"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("sources.id"))
    organization_id: Mapped[UUID]
    added: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    moved: Mapped[int]
    deleted: Mapped[int]
    skipped: Mapped[dict[str, int]] = mapped_column(JSONB)
    failed: Mapped[int]
    failures: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    error: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SourceObjectRow(Base):
    """An object as it was read last; `sha256` is of its bytes, none where no parser reads them."""

    __tablename__ = "source_objects"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    etag: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    last_modified: Mapped[datetime]
    sha256: Mapped[str | None]


class SourceExclusionRow(Base):
    """A document of the source that somebody deleted: its page or object stays out until it is restored."""

    __tablename__ = "source_exclusions"

    source_id: Mapped[UUID] = mapped_column(ForeignKey("sources.id"), primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
