"""Conversations, as their owners keep them and their readers see them."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import ChatMessageList, ChatSession, ChatSessionList, Feedback
from libs.contracts.conversations import GivenFeedback, GivenFeedbackList, SessionChange
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.chat.conversations.ratings import RatingRepository
from services.chat.conversations.repository import ConversationRepository, Which, purge_deleted
from services.chat.history import readable_if_known, with_readable_only
from services.chat.policies.repository import PolicyRepository
from services.chat.purging import purged_in_batches
from services.chat.safety.keeping import kept_text

log = get_logger(__name__)

BIN_INTERVAL_S = 60.0


class Conversations:
    """Whoever reads a message sees only what they may read of its sources now, the owner too.

    `phone_regions` are whose phone numbers are personal data without a country code.
    """

    def __init__(
        self, database: Database, knowledge: KnowledgeClient, bin_life: timedelta, phone_regions: Sequence[str] = ()
    ) -> None:
        self._database = database
        self._knowledge = knowledge
        self._bin_life = bin_life
        self._phone_regions = phone_regions

    async def listed(
        self, subject: Subject, which: Which, words: str | None, limit: int, cursor: str | None
    ) -> ChatSessionList:
        async with self._database.transaction() as session:
            items, next_cursor = await ConversationRepository(session, subject).sessions(which, words, limit, cursor)
        return ChatSessionList(items=items, next_cursor=next_cursor)

    async def session(self, subject: Subject, session_id: UUID) -> ChatSession:
        async with self._database.transaction() as session:
            found = await ConversationRepository(session, subject).session(session_id)
        return _there(found, session_id)

    async def change(self, subject: Subject, session_id: UUID, change: SessionChange) -> ChatSession:
        async with self._database.transaction() as session:
            if change.title:
                policy = await PolicyRepository(session, subject).policy()
                title = kept_text(change.title, policy, self._phone_regions)
                change = change.model_copy(update={"title": title})
            changed = await ConversationRepository(session, subject).change(session_id, change)
        return _there(changed, session_id)

    async def delete(self, subject: Subject, session_id: UUID, *, purge: bool) -> None:
        """Into the bin, or with `purge` for good."""
        async with self._database.transaction() as session:
            repository = ConversationRepository(session, subject)
            gone = await (repository.purge(session_id) if purge else repository.delete(session_id))
        if not gone:
            raise not_found("session", session_id)

    async def restore(self, subject: Subject, session_id: UUID) -> ChatSession:
        async with self._database.transaction() as session:
            restored = await ConversationRepository(session, subject).restore(session_id)
        return _there(restored, session_id)

    async def empty_bin(self) -> int:
        """Purges, of all users, what has been in the bin for its life; some at a time, and returns how many."""
        async with self._database.transaction() as session:
            return await purge_deleted(session, self._bin_life)

    async def messages(self, subject: Subject, session_id: UUID, limit: int, cursor: str | None) -> ChatMessageList:
        async with self._database.transaction() as session:
            repository = ConversationRepository(session, subject)
            row = await repository.readable(session_id)
            if row is None:
                raise not_found("session", session_id)
            items, next_cursor = await repository.messages(row, limit, cursor)
        readable = await readable_if_known(
            self._knowledge, (source.chunk_id for message in items for source in message.sources)
        )
        return ChatMessageList(
            items=[with_readable_only(message, readable) for message in items], next_cursor=next_cursor
        )

    async def rate(self, subject: Subject, message_id: UUID, feedback: Feedback) -> None:
        async with self._database.transaction() as session:
            policy = await PolicyRepository(session, subject).policy()
            comment = kept_text(feedback.comment, policy, self._phone_regions)
            feedback = feedback.model_copy(update={"comment": comment})
            if not await RatingRepository(session, subject).rate(message_id, feedback):
                raise not_found("message", message_id)

    async def unrate(self, subject: Subject, message_id: UUID) -> None:
        async with self._database.transaction() as session:
            if not await RatingRepository(session, subject).unrate(message_id):
                raise not_found("message", message_id)

    async def feedback(self, admin: Subject, most: int, limit: int, cursor: str | None) -> GivenFeedbackList:
        """The organisation's answers that were rated `most` or worse, as the admin may read them."""
        async with self._database.transaction() as session:
            rated, next_cursor = await RatingRepository(session, admin).rated(most, limit, cursor)
        readable = await readable_if_known(
            self._knowledge, (source.chunk_id for one in rated for source in one.answer.sources)
        )
        items: list[GivenFeedback] = []
        for one in rated:
            answer = with_readable_only(one.answer, readable)
            said = answer.metadata
            items.append(
                GivenFeedback(
                    message_id=answer.id,
                    user_id=one.user_id,
                    feedback=one.feedback,
                    given_at=one.given_at,
                    question=one.question,
                    answer=answer.content,
                    sources=answer.sources,
                    outcome=said.outcome if said else None,
                    model_used=said.model_used if said else None,
                )
            )
        return GivenFeedbackList(items=items, next_cursor=next_cursor)


async def empty_bins(conversations: Conversations) -> None:
    """Purges what has been in the bin for its life, now and then, until cancelled."""
    while True:
        try:
            purged = await purged_in_batches(conversations.empty_bin)
        except Exception as error:  # noqa: BLE001 - this outlives a database that is away
            log.warning("can't empty the bin", error=str(error))
        else:
            if purged:
                log.info("conversations purged", count=purged)
        await asyncio.sleep(BIN_INTERVAL_S)


def _there(found: ChatSession | None, session_id: UUID) -> ChatSession:
    if found is None:
        raise not_found("session", session_id)
    return found
