"""What waits for an admin's review, and what they decide."""

from uuid import UUID

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.errors import not_found
from libs.contracts.evaluation import NewSetQuestion, Question
from libs.contracts.identity import Subject
from libs.contracts.reviews import Review, ReviewDecided, ReviewDecision, ReviewList
from libs.stores.postgres import Database
from services.chat.conversations.cursors import cursor_of
from services.chat.history import readable_if_known, with_readable_only
from services.chat.review.repository import ReviewRepository, Waiting


class Reviews:
    """Who hasn't rated an answer shows it to nobody: of others' questions an admin sees what several people asked."""

    def __init__(self, database: Database, knowledge: KnowledgeClient) -> None:
        self._database = database
        self._knowledge = knowledge

    async def waiting(self, admin: Subject, limit: int, cursor: str | None) -> ReviewList:
        """The latest first. Sources that the admin may not read are blanked."""
        async with self._database.transaction() as session:
            found = await ReviewRepository(session, admin).waiting(limit, cursor)
        page = found[:limit]
        readable = await readable_if_known(
            self._knowledge, (source.chunk_id for one in page if one.answer for source in one.answer.sources)
        )
        last = page[-1] if len(found) > limit else None
        return ReviewList(
            items=[_shown(one, readable) for one in page],
            next_cursor=cursor_of(last.last_at.isoformat(), str(last.message_id)) if last else None,
        )

    async def decide(self, admin: Subject, message_id: UUID, decision: ReviewDecision) -> ReviewDecided:
        """404 where nothing waits under that id.

        knowledge is told first: the same decision once more replaces the same question, so a crash in between costs
        nothing but asking again.
        """
        async with self._database.transaction() as session:
            one = await ReviewRepository(session, admin).one(message_id)
        if one is None:
            raise not_found("review", message_id)
        decided = ReviewDecided(message_id=message_id, decision=decision.decision)
        if decision.decision == "make_question":
            question = Question(
                query=decision.query or one.question,
                answerable=decision.answerable,
                relevant=decision.relevant,
                answers=decision.answers or None,
            )
            made = await self._knowledge.add_question(
                NewSetQuestion(set_name=decision.set_name or "", question=question)
            )
            decided.set_id, decided.question_id = made.set_id, question.name
        async with self._database.transaction() as session:
            await ReviewRepository(session, admin).decide(one.subject, decision.decision, decided.set_id)
        return decided


def _shown(one: Waiting, readable: set[UUID] | None) -> Review:
    answer = one.answer and with_readable_only(one.answer, readable)
    said = answer.metadata if answer else None
    return Review(
        message_id=one.message_id,
        reasons=one.reasons,
        question=one.question,
        asked=one.asked,
        people=one.people,
        last_at=one.last_at,
        feedback=one.feedback,
        answer=answer.content if answer else None,
        sources=answer.sources if answer else [],
        outcome=said.outcome if said else None,
        confidence=said.confidence if said else None,
        owned=one.owned,
    )
