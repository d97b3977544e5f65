"""Finding sessions by their words."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, cast, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY

from services.chat.models import Message, Session


def says(words: str, asked: ColumnElement[bool], *, shown_alone: bool) -> ColumnElement[bool]:
    """Whether title or a question has the words; with `shown_alone` a question of the branch that is shown.

    A title is also looked through letter by letter: a sign such as an emoji is no word, and not every language puts
    spaces between its words.

    `asked` is whose questions are read. Without it the planner may look through everybody's for those sessions'.
    """
    query = _begun(func.websearch_to_tsquery("simple", words))
    has_them = exists().where(
        asked,
        Message.session_id == Session.id,
        Message.role == "user",
        func.to_tsvector(literal_column("'simple'"), Message.content).op("@@")(query),
    )
    if shown_alone:
        has_them = has_them.where(Message.id.in_(_shown_ids()))
    return or_(
        func.to_tsvector(literal_column("'simple'"), Session.title).op("@@")(query),
        func.strpos(func.lower(Session.title), func.lower(words)) > 0,
        has_them,
    )


def _shown_ids() -> Select[UUID]:
    """The messages of the branch that the session of the surrounding query shows."""
    last = select(Message.id, Message.parent_id).where(Message.id == Session.leaf_id).correlate(Session)
    shown = last.cte("shown", recursive=True, nesting=True)
    before = select(Message.id, Message.parent_id).join(shown, Message.id == shown.c.parent_id)
    return select(shown.union_all(before).c.id)


def _begun(query: ColumnElement[Any]) -> ColumnElement[Any]:
    """The query with its last word taken as the beginning of one: whoever searches may still be typing it."""
    text = cast(query, Text)
    return case((text.like("%'"), cast(text + ":*", TSQUERY)), else_=query)
