"""Tables of use: one row a day for each document and passage that was used at all."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from services.knowledge.models import Base


class DocumentUseRow(Base):
    """Not the sum of its passages: a search that finds three of them finds the document once."""

    __tablename__ = "document_use"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    found: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cited: Mapped[int] = mapped_column(BigInteger, server_default="0")


class PassageUseRow(Base):
    __tablename__ = "passage_use"

    document_id: Mapped[UUID] = mapped_column(ForeignKey("documents.id"), primary_key=True)
    chunk_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    found: Mapped[int] = mapped_column(BigInteger, server_default="0")
    cited: Mapped[int] = mapped_column(BigInteger, server_default="0")


class CountedAnswerRow(Base):
    __tablename__ = "counted_answers"

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    counted_at: Mapped[datetime] = mapped_column(server_default=func.now())
