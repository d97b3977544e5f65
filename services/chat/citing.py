"""What an answer cites, told to knowledge: stored with the answer, delivered afterwards, counted once."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import Citation, Source
from libs.contracts.identity import Subject
from libs.contracts.usage import CitedAnswer, CitedPassage
from libs.events.outbox import Deliver
from services.chat.repository import OutboxEntry

CITED = "cited"


def cited(
    subject: Subject, message_id: UUID, citations: Sequence[Citation], sources: Sequence[Source], day: date
) -> list[OutboxEntry]:
    """The message to knowledge; none where the answer cites nothing."""
    numbers = {citation.n for citation in citations}
    passages = [
        CitedPassage(document_id=source.document_id, chunk_id=source.chunk_id)
        for source in sources
        if source.n in numbers
    ]
    if not passages:
        return []
    told = CitedAnswer(message_id=message_id, organization_id=subject.organization_id, day=day, passages=passages)
    return [OutboxEntry(uuid4(), CITED, told.model_dump(mode="json"))]


def deliveries(knowledge: KnowledgeClient) -> dict[str, Deliver]:
    async def deliver(payload: dict[str, Any]) -> None:
        await knowledge.count_citations(CitedAnswer.model_validate(payload))

    return {CITED: deliver}
