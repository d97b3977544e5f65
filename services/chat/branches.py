"""The way back through a session's tree of messages."""

from uuid import UUID

from sqlalchemy import CTE, literal, select

from services.chat.models import Message


def branch(leaf_id: UUID, length: int | None = None) -> CTE:
    """The ids of the messages from `leaf_id` back to the first, or of the last `length`. Check whose they are."""
    start = select(Message.id, Message.parent_id, literal(1).label("depth")).where(Message.id == leaf_id)
    path = start.cte("path", recursive=True)
    before = select(Message.id, Message.parent_id, path.c.depth + 1).join(path, Message.id == path.c.parent_id)
    return path.union_all(before if length is None else before.where(path.c.depth < length))
