"""An organisation's indexes in the system of record."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Float
from sqlalchemy.orm import Mapped, mapped_column

from services.knowledge.models import Base


class IndexRow(Base):
    """One index of an organisation; all its vectors are of one `space`. Searches use the one that is `serving`.

    `number` is never given twice. `former_since`: when it stopped serving, null while it serves or never did.
    `unwanted`: an operator said that it isn't kept for switching back. `passages_done` of `passages_total` are
    embedded, `passages_cut` of them only in part, for they are longer than the model reads. `holder` works on it until
    `held_until`. Until `uploads_wait_until` nothing new of the organisation is indexed.
    """

    __tablename__ = "indexes"

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    space: Mapped[str]
    serving: Mapped[bool]
    created_at: Mapped[datetime]
    former_since: Mapped[datetime | None]
    unwanted: Mapped[bool]
    passages_done: Mapped[int] = mapped_column(BigInteger)
    passages_total: Mapped[int] = mapped_column(BigInteger)
    passages_cut: Mapped[int] = mapped_column(BigInteger)
    passages_a_second: Mapped[float | None] = mapped_column(Float)
    worked_at: Mapped[datetime]
    holder: Mapped[UUID | None]
    held_until: Mapped[datetime | None]
    uploads_wait_until: Mapped[datetime | None]
