"""The glossary's tables."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, SmallInteger, String, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.knowledge.models import Base


class GlossaryEntryRow(Base):
    """`folded_term` is what makes two terms one: an organisation has an entry of each once."""

    __tablename__ = "glossary_entries"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    term: Mapped[str]
    folded_term: Mapped[str]
    means: Mapped[list[str]] = mapped_column(ARRAY(String))
    note: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GlossaryPhraseRow(Base):
    """Under which keys an entry is found: its term's at place 0, those of what it means after it."""

    __tablename__ = "glossary_phrases"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("glossary_entries.id"), primary_key=True)
