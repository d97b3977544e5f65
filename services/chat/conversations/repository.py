"""The queries of reading and keeping conversations. Each but the bin's is for one reader."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from libs.contracts.chat import ChatMessage, ChatSession
from libs.contracts.conversations import SessionChange
from libs.contracts.errors import invalid
from libs.contracts.identity import Subject
from services.chat.branches import branch
from services.chat.conversations.cursors import cursor_of, message_place, parts_of
from services.chat.conversations.ratings import given_ratings
from services.chat.conversations.words import says
from services.chat.models import Message, Session
from services.chat.repository import message_of

PURGED_AT_ONCE = 100

Which = Literal["own", "programs", "shared", "deleted"]


class ConversationRepository:
    """The queries of one transaction, for one reader."""

    def __init__(self, session: AsyncSession, subject: Subject) -> None:
        self._session = session
        self._subject = subject

    @property
    def _own(self) -> ColumnElement[bool]:
        return and_(Session.organization_id == self._subject.organization_id, Session.user_id == self._subject.user_id)

    @property
    def _live(self) -> ColumnElement[bool]:
        return and_(self._own, Session.deleted_at.is_(None))

    @property
    def _shared(self) -> ColumnElement[bool]:
        """Colleagues' that may be read."""
        return and_(
            Session.organization_id == self._subject.organization_id,
            Session.user_id != self._subject.user_id,
            Session.shared,
            Session.deleted_at.is_(None),
        )

    async def sessions(
        self, which: Which, words: str | None, limit: int, cursor: str | None
    ) -> tuple[list[ChatSession], str | None]:
        """Pinned ones first, then the latest; those in the bin by when they were deleted.

        `words` must all stand in the title, or in one of the questions.
        """
        moment = Session.deleted_at if which == "deleted" else Session.asked_at
        place: list[ColumnElement[Any] | InstrumentedAttribute[Any]] = [moment, Session.id]
        if which == "own":
            place.insert(0, Session.pinned)
        query = select(Session).where(
            {
                "own": and_(self._live, Session.by_program.is_(False)),
                "programs": and_(self._live, Session.by_program),
                "shared": self._shared,
                "deleted": and_(self._own, Session.deleted_at.is_not(None)),
            }[which]
        )
        if words:
            asked = Message.organization_id == self._subject.organization_id
            if which != "shared":
                asked = and_(asked, Message.user_id == self._subject.user_id)
            query = query.where(says(words, asked, shown_alone=which == "shared"))
        if cursor:
            query = query.where(tuple_(*place) < tuple_(*_session_place(cursor, which)))
        query = query.order_by(*(column.desc() for column in place)).limit(limit + 1)
        rows = (await self._session.scalars(query)).all()
        more = len(rows) > limit
        items = [self._shown(row) for row in rows[:limit]]
        return items, _session_cursor(rows[limit - 1], which) if more else None

    async def readable(self, session_id: UUID) -> Session | None:
        """The reader's own, or a colleague's that is shared."""
        return await self._session.scalar(
            select(Session).where(Session.id == session_id, or_(self._live, self._shared))
        )

    async def session(self, session_id: UUID) -> ChatSession | None:
        row = await self.readable(session_id)
        return row and self._shown(row)

    async def change(self, session_id: UUID, change: SessionChange) -> ChatSession | None:
        """None where it isn't the reader's own. Raises 422 for a message that isn't in it."""
        values: dict[str, Any] = change.model_dump(exclude={"current_message_id"}, exclude_none=True)
        if change.current_message_id is not None:
            values["leaf_id"] = await self._latest_below(session_id, change.current_message_id)
        row = await self._session.scalar(
            update(Session)
            .where(Session.id == session_id, self._live)
            .values(**values or {"title": Session.title})
            .returning(Session)
        )
        return row and self._shown(row)

    async def _latest_below(self, session_id: UUID, message_id: UUID) -> UUID:
        in_order = select(Message.id, Message.parent_id).where(
            Message.session_id == session_id,
            Message.user_id == self._subject.user_id,
            Message.organization_id == self._subject.organization_id,
        )
        # Not as a recursive query: for a table without statistics PostgreSQL reads it all once a generation.
        below: set[UUID] = set()
        latest: UUID | None = None
        for row in await self._session.execute(in_order.order_by(Message.position)):
            if row.id == message_id or row.parent_id in below:
                below.add(row.id)
                latest = row.id
        if latest is None:
            raise invalid("current_message_id", "names no message of this session")
        return latest

    async def delete(self, session_id: UUID) -> bool:
        """Into the bin; an answer that is being written to it is wanted no more."""
        deleted = await self._session.scalar(
            update(Session)
            .where(Session.id == session_id, self._live)
            .values(deleted_at=func.now(), shared=False)
            .returning(Session.id)
        )
        if deleted is None:
            return False
        await self._session.execute(
            update(Message)
            .where(Message.session_id == session_id, Message.status == "generating")
            .values(stop_asked=True)
        )
        return True

    async def restore(self, session_id: UUID) -> ChatSession | None:
        row = await self._session.scalar(
            update(Session)
            .where(Session.id == session_id, self._own, Session.deleted_at.is_not(None))
            .values(deleted_at=None)
            .returning(Session)
        )
        return row and self._shown(row)

    async def purge(self, session_id: UUID) -> bool:
        purged = await self._session.scalar(
            delete(Session).where(Session.id == session_id, self._own).returning(Session.id)
        )
        return purged is not None

    async def messages(self, row: Session, limit: int, cursor: str | None) -> tuple[list[ChatMessage], str | None]:
        """Those of the branch that is shown, the oldest first."""
        if row.leaf_id is None:
            return [], None
        path = branch(row.leaf_id)
        query = select(Message).join(path, Message.id == path.c.id).where(Message.session_id == row.id)
        return await self._page(query, row, limit, cursor)

    async def every_message(self, row: Session, limit: int, cursor: str | None) -> tuple[list[ChatMessage], str | None]:
        """Those of all branches, each after the one it follows."""
        return await self._page(select(Message).where(Message.session_id == row.id), row, limit, cursor)

    async def _page(
        self, query: Select[Message], row: Session, limit: int, cursor: str | None
    ) -> tuple[list[ChatMessage], str | None]:
        if cursor:
            query = query.where(Message.position > message_place(cursor))
        rows = (await self._session.scalars(query.order_by(Message.position).limit(limit + 1))).all()
        page = rows[:limit]
        versions = await self._versions(row.id, {message.parent_id for message in page})
        given = await given_ratings(self._session, [message.id for message in page]) if self._owns(row) else {}
        items = [
            message_of(message).model_copy(
                update={"versions": versions[message.parent_id], "feedback": given.get(message.id)}
            )
            for message in page
        ]
        return items, str(rows[limit - 1].position) if len(rows) > limit else None

    async def _versions(self, session_id: UUID, parents: Collection[UUID | None]) -> dict[UUID | None, list[UUID]]:
        """The messages that follow each of `parents`, in order."""
        places = Message.parent_id.in_([one for one in parents if one])
        # Asked for no more often than needed: no index finds a session's first messages without all the others.
        query = select(Message.id, Message.parent_id).where(
            Message.session_id == session_id, or_(places, Message.parent_id.is_(None)) if None in parents else places
        )
        found: dict[UUID | None, list[UUID]] = {}
        for row in await self._session.execute(query.order_by(Message.position)):
            found.setdefault(row.parent_id, []).append(row.id)
        return found

    async def add(self, session: ChatSession, messages: Sequence[ChatMessage], leaf_id: UUID | None) -> None:
        """A conversation from outside."""
        owner = {"organization_id": self._subject.organization_id, "user_id": self._subject.user_id}
        await self._session.execute(
            insert(Session).values(
                id=session.id,
                title=session.title,
                imported=True,
                leaf_id=leaf_id,
                created_at=session.created_at,
                **owner,
            )
        )
        for message in messages:  # one by one: rows of one statement are numbered in no particular order
            await self._session.execute(
                insert(Message).values(
                    id=message.id,
                    session_id=session.id,
                    parent_id=message.parent_id,
                    role=message.role,
                    status=message.status,
                    content=message.content,
                    citations=[citation.model_dump(mode="json") for citation in message.citations],
                    sources=[source.model_dump(mode="json") for source in message.sources],
                    metadata_=message.metadata and message.metadata.model_dump(mode="json"),
                    created_at=message.created_at,
                    **owner,
                )
            )

    def _owns(self, row: Session) -> bool:
        return row.user_id == self._subject.user_id

    def _shown(self, row: Session) -> ChatSession:
        return ChatSession(
            id=row.id,
            title=row.title,
            created_at=row.created_at,
            updated_at=row.asked_at,
            pinned=row.pinned and self._owns(row),
            shared=row.shared,
            owned=self._owns(row),
            imported=row.imported,
            by_program=row.by_program,
            deleted_at=row.deleted_at,
        )


async def purge_deleted(session: AsyncSession, older_than: timedelta) -> int:
    """Empties the bin of what has lain in it for so long, some at a time; returns how many. For all users."""
    old = (
        select(Session.id)
        .where(Session.deleted_at < func.now() - older_than)
        .limit(PURGED_AT_ONCE)
        .with_for_update(skip_locked=True)  # else one that is just being restored would go
    )
    purged = await session.scalars(delete(Session).where(Session.id.in_(old)).returning(Session.id))
    return len(purged.all())


def _session_cursor(row: Session, which: Which) -> str:
    moment = row.deleted_at if which == "deleted" and row.deleted_at else row.asked_at
    place = [moment.isoformat(), str(row.id)]
    return cursor_of(row.pinned, *place) if which == "own" else cursor_of(*place)


def _session_place(cursor: str, which: Which) -> tuple[Any, ...]:
    *pinned, moment, session_id = parts_of(cursor, 3 if which == "own" else 2)
    return *map(bool, pinned), moment, session_id
