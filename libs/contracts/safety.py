"""What an organisation's admins learn of attempts on its answers. Never what anybody wrote."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel


class SecurityEventKind(StrEnum):
    INJECTED_INSTRUCTIONS = "injected_instructions"
    PERSONAL_DATA_REFUSED = "personal_data_refused"
    QUESTION_FLAGGED = "question_flagged"
    ANSWER_FLAGGED = "answer_flagged"


class SecurityEvent(BaseModel):
    """`times` counts how often a day the same passage was met; `message_id` and `last_at` are the last time's.

    `details` names rules, kinds or categories.
    """

    id: UUID
    kind: SecurityEventKind
    user_id: UUID
    message_id: UUID
    document_id: UUID | None = None
    chunk_id: UUID | None = None
    times: int
    first_at: datetime
    last_at: datetime
    details: dict[str, Any]


class SecurityEventList(BaseModel):
    items: list[SecurityEvent]
    next_cursor: str | None
