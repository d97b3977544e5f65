"""How often documents and passages are found and cited."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field


class CitedPassage(BaseModel):
    document_id: UUID
    chunk_id: UUID


class CitedAnswer(BaseModel):
    """Chat to knowledge: what an answer cites. Told twice, it counts once; it names no one and no words."""

    message_id: UUID
    organization_id: UUID
    day: date
    passages: list[CitedPassage] = Field(min_length=1, max_length=100)


class Use(BaseModel):
    """`found` counts searches with it among their results, `cited` answers that cite it."""

    found: int
    cited: int


class DayUse(Use):
    """A day in UTC."""

    day: date


class PassageUse(Use):
    chunk_id: UUID


class DocumentUse(Use):
    """Since `since`: by day, those without use left out, and the passages that were used most."""

    document_id: UUID
    since: date
    days: list[DayUse]
    passages: list[PassageUse]


class UsedDocument(Use):
    document_id: UUID
    external_id: str | None
    title: str
    created_at: datetime


class UsedDocumentList(BaseModel):
    since: date
    items: list[UsedDocument]
    next_cursor: str | None


class UseOrder(StrEnum):
    MOST_FOUND = "most_found"
    LEAST_FOUND = "least_found"
    MOST_CITED = "most_cited"
    LEAST_CITED = "least_cited"
