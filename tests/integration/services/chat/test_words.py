"""What searching one's own conversations for words reads."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from libs.config.settings import Settings
from libs.contracts.identity import Role, Subject
from services.chat.conversations.repository import ConversationRepository, Which

OWN = 300
OTHERS = 3_000

CONVERSATIONS = text(
    """
    WITH conversations AS (
        INSERT INTO chat.sessions (id, organization_id, user_id, title, shared)
        SELECT gen_random_uuid(), :organization_id, :user_id, 'A talk', :shared FROM generate_series(1, :count)
        RETURNING id
    ), questions AS (
        INSERT INTO chat.messages (id, session_id, organization_id, user_id, role, status, content)
        SELECT gen_random_uuid(), id, :organization_id, :user_id, 'user', 'completed', :content FROM conversations
        RETURNING id, session_id
    )
    SELECT 1 FROM questions
    """
)
LEAVES = text(
    "UPDATE chat.sessions AS session SET leaf_id = message.id FROM chat.messages AS message "
    "WHERE message.session_id = session.id AND session.title = 'A talk'"
)
READ = text(
    "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables "
    "WHERE schemaname = 'chat' AND relname = 'messages'"
)


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """One whose statements are all undone."""
    engine = create_async_engine(
        settings.postgres_dsn("postgres"), connect_args={"server_settings": {"search_path": "chat"}}
    )
    async with engine.connect() as opened:
        yield opened
        await opened.rollback()
    await engine.dispose()


async def _ask(
    connection: AsyncConnection, someone: Subject, count: int, content: str, *, shared: bool = False
) -> None:
    owner = {"organization_id": someone.organization_id, "user_id": someone.user_id}
    await connection.execute(CONVERSATIONS, {**owner, "count": count, "content": content, "shared": shared})


def _person(organization_id: UUID | None = None) -> Subject:
    return Subject(user_id=uuid4(), organization_id=organization_id or uuid4(), session_id=uuid4(), role=Role.MEMBER)


@pytest.mark.parametrize("words", ["parking rules", "par", '"parking rules"'])
@pytest.mark.parametrize("which", ["own", "shared"])
async def test_searching_for_words_reads_nobody_elses_questions(connection: AsyncConnection, which: Which, words: str):
    reader = _person()
    asker = reader if which == "own" else _person(reader.organization_id)
    await _ask(connection, asker, OWN, "Where are the receipts?", shared=True)
    await _ask(connection, asker, 1, "What are the parking rules?", shared=True)
    for _ in range(3):
        await _ask(connection, _person(), OTHERS // 3, "What are the parking rules?", shared=True)
    await connection.execute(LEAVES)
    await connection.execute(text("ANALYZE chat.sessions, chat.messages"))
    async with AsyncSession(connection) as session:
        before = await session.scalar(READ)
        found, _ = await ConversationRepository(session, reader).sessions(which, words, 50, None)
        read = (await session.scalar(READ) or 0) - (before or 0)
    assert len(found) == 1
    assert read <= 2 * (OWN + 1)
