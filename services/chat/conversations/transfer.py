"""Conversations as files: handed out, and taken in again."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from libs.clients.knowledge import KnowledgeClient
from libs.contracts.chat import ChatMessage, ChatSession, Source
from libs.contracts.conversations import ConversationFile
from libs.contracts.errors import not_found
from libs.contracts.identity import Subject
from libs.contracts.knowledge import ReadableRequest, ServedPassage
from libs.stores.postgres import Database
from services.chat.conversations import markdown
from services.chat.conversations.repository import ConversationRepository
from services.chat.history import READABLE_AT_ONCE, blanked, readable_now, with_readable_only
from services.chat.models import Session
from services.chat.policies.repository import PolicyRepository
from services.chat.safety.keeping import kept_message, kept_text

MESSAGES_AT_ONCE = 200
ENDED = frozenset({"completed", "stopped", "failed", "interrupted"})
IMPORTED = "imported"

Form = Literal["json", "markdown"]


class Transfers:
    """What a file says isn't believed: its passages are read anew, and its answers no longer count as grounded."""

    def __init__(self, database: Database, knowledge: KnowledgeClient, phone_regions: Sequence[str] = ()) -> None:
        self._database = database
        self._phone_regions = phone_regions
        self._knowledge = knowledge

    async def handed_out(self, subject: Subject, session_id: UUID, form: Form) -> AsyncGenerator[str]:
        """The file, piece by piece, with what the reader may see of its sources now.

        Raises 404, and 503 while knowledge can't say what that is, before the first piece.
        """
        async with self._database.transaction() as session:
            row = await ConversationRepository(session, subject).readable(session_id)
        if row is None:
            raise not_found("session", session_id)
        # As JSON of a colleague's, the branch that is shared; of one's own, every branch.
        every = form == "json" and row.user_id == subject.user_id
        messages = await _begun(self._messages(subject, row, every=every))
        return _as_json(row, messages) if form == "json" else _as_markdown(row, messages)

    async def _messages(self, subject: Subject, row: Session, *, every: bool) -> AsyncGenerator[ChatMessage]:
        cursor: str | None = None
        while True:
            async with self._database.transaction() as session:
                repository = ConversationRepository(session, subject)
                read = repository.every_message if every else repository.messages
                page, cursor = await read(row, MESSAGES_AT_ONCE, cursor)
            readable = await readable_now(
                self._knowledge, (source.chunk_id for message in page for source in message.sources)
            )
            for message in page:
                yield with_readable_only(message, readable)
            if cursor is None:
                return

    async def taken_in(self, subject: Subject, file: ConversationFile) -> ChatSession:
        """The file's conversation as a new session of the caller's."""
        found = await self._passages([source for message in file.messages for source in message.sources])
        ids = {message.id: uuid4() for message in file.messages}
        messages = [_renewed(message, ids, found) for message in file.messages]
        last = file.current_message_id or (file.messages[-1].id if file.messages else None)
        title = " ".join(file.title.replace("\x00", "").split()) or "Imported"
        async with self._database.transaction() as session:
            policy = await PolicyRepository(session, subject).policy()
            title = kept_text(title, policy, self._phone_regions)
            messages = [kept_message(message, policy, self._phone_regions) for message in messages]
            created = ChatSession(
                id=uuid4(), title=title, created_at=file.created_at, updated_at=datetime.now(UTC), imported=True
            )
            await ConversationRepository(session, subject).add(created, messages, last and ids[last])
        return created

    async def _passages(self, sources: Sequence[Source]) -> dict[UUID, ServedPassage]:
        """Those of the passages that the caller may read."""
        wanted = list(dict.fromkeys(source.chunk_id for source in sources))
        found: dict[UUID, ServedPassage] = {}
        for start in range(0, len(wanted), READABLE_AT_ONCE):
            request = ReadableRequest(chunk_ids=wanted[start : start + READABLE_AT_ONCE])
            found |= {one.chunk_id: one for one in (await self._knowledge.passages(request)).passages}
        return found


async def _begun(messages: AsyncGenerator[ChatMessage]) -> AsyncGenerator[ChatMessage]:
    """The same messages, once the first is there: what goes wrong before it is raised here."""
    first = await anext(messages, None)

    async def all_of_them() -> AsyncGenerator[ChatMessage]:
        if first:
            yield first
        async for message in messages:
            yield message

    return all_of_them()


async def _as_json(row: Session, messages: AsyncGenerator[ChatMessage]) -> AsyncGenerator[str]:
    head = ConversationFile(title=row.title, created_at=row.created_at, messages=[]).model_dump_json(
        exclude={"messages", "current_message_id"}
    )
    leaf = "null" if row.leaf_id is None else f'"{row.leaf_id}"'
    yield f'{head[:-1]},"current_message_id":{leaf},"messages":['
    apart = ""
    async for message in messages:
        yield apart + message.model_dump_json(exclude={"versions"})
        apart = ",\n"
    yield "]}\n"


async def _as_markdown(row: Session, messages: AsyncGenerator[ChatMessage]) -> AsyncGenerator[str]:
    yield markdown.head(row.title, row.created_at)
    async for message in messages:
        yield markdown.written(message)


def _renewed(message: ChatMessage, ids: Mapping[UUID, UUID], found: Mapping[UUID, ServedPassage]) -> ChatMessage:
    """The message under a new id, with what is true of it here."""
    sources = [_confirmed(source, found.get(source.chunk_id)) for source in message.sources]
    spans = {source.n for source, said in zip(sources, message.sources, strict=True) if source.excerpt == said.excerpt}
    citations = [
        citation if citation.n in spans else citation.model_copy(update={"spans": []}) for citation in message.citations
    ]
    metadata = message.metadata
    if metadata:
        degraded = list(dict.fromkeys([*metadata.degraded, IMPORTED]))
        metadata = metadata.model_copy(update={"grounded": False, "degraded": degraded})
    return message.model_copy(
        update={
            "id": ids[message.id],
            "parent_id": message.parent_id and ids[message.parent_id],
            "content": message.content.replace("\x00", ""),
            "status": message.status if message.status in ENDED else "interrupted",
            "sources": sources,
            "citations": citations,
            "metadata": metadata,
        }
    )


def _confirmed(source: Source, passage: ServedPassage | None) -> Source:
    """The source as knowledge has it; blanked where it has another text or place, or none to read."""
    if passage is None or (passage.document_id, passage.content) != (source.document_id, source.excerpt):
        return blanked(source)
    real = {"title": passage.title, "external_id": passage.external_id, "location": passage.location}
    return source.model_copy(update=real)
