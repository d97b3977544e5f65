"""The queries of what was said before: a branch's last turns, and the summaries of what came before those."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.identity import Subject
from services.chat.branches import branch
from services.chat.memory.summary import Summary, folded
from services.chat.memory.turns import RECENT_MESSAGES, Conversation, Turn
from services.chat.models import Message, SummaryRow

# So many messages lie between two stored summaries of a branch.
SUMMARISED_EVERY = 8
# Behind the recent messages, as far as an answer looks for a summary: one that wasn't stored is made up for.
LOOKBACK = 2 * SUMMARISED_EVERY
# The same after an answer, where nobody waits: what an imported conversation's first summary covers.
LONG_LOOKBACK = 400


@dataclass(frozen=True)
class Remembered:
    """A conversation, and where its summary ends: the message it goes up to, and how many it adds to a stored one."""

    conversation: Conversation
    up_to: UUID | None = None
    added: int = 0


class MemoryRepository:
    """The queries of one transaction, for one user."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    async def remembered(self, leaf_id: UUID | None, lookback: int = LOOKBACK) -> Remembered:
        """The branch that ends in `leaf_id`; its length doesn't matter.

        A stored summary belongs to a message and tells of the way to it, so it holds for every branch through there.
        """
        if leaf_id is None:
            return Remembered(Conversation())
        path = branch(leaf_id, RECENT_MESSAGES + lookback)
        # Of the older messages only what the person wrote is summarised.
        wanted = or_(path.c.depth <= RECENT_MESSAGES, Message.role == "user")
        found = await self._session.execute(
            select(
                Message.id,
                Message.role,
                case((wanted, Message.content), else_="").label("content"),
                Message.metadata_["outcome"].astext.label("outcome"),
                SummaryRow.topic,
                SummaryRow.phrases,
            )
            .join(path, Message.id == path.c.id)
            .outerjoin(SummaryRow, SummaryRow.message_id == Message.id)
            .where(self._own(Message))
            .order_by(path.c.depth)
        )
        messages = found.all()
        recent, older = messages[:RECENT_MESSAGES], messages[RECENT_MESSAGES:]
        turns = [Turn(row.role, row.content, row.outcome) for row in reversed(recent)]
        stored = next((place for place, row in enumerate(older) if row.topic is not None), None)
        since = older if stored is None else older[:stored]
        known = Summary() if stored is None else Summary(older[stored].topic, tuple(older[stored].phrases))
        summary = folded(known, [row.content for row in reversed(since) if row.role == "user"])
        return Remembered(Conversation(turns, summary), older[0].id if older else None, len(since))

    async def summarise(self, leaf_id: UUID) -> None:
        """Stores the summary of what lies behind the branch's recent messages, once there is enough of it."""
        found = await self.remembered(leaf_id)
        if found.added >= LOOKBACK:
            found = await self.remembered(leaf_id, LONG_LOOKBACK)
        if found.up_to is not None and found.added >= SUMMARISED_EVERY:
            await self._keep(found.up_to, found.conversation.summary)

    async def _keep(self, message_id: UUID, summary: Summary) -> None:
        # Of two that store the same one, the first.
        await self._session.execute(
            upsert(SummaryRow)
            .values(
                message_id=message_id,
                organization_id=self._subject.organization_id,
                user_id=self._subject.user_id,
                topic=summary.topic,
                phrases=list(summary.phrases),
            )
            .on_conflict_do_nothing()
        )

    def _own(self, table: type[Message]) -> ColumnElement[bool]:
        return and_(table.organization_id == self._subject.organization_id, table.user_id == self._subject.user_id)
