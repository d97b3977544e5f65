"""What a crash between two lines leaves behind, and who puts it right."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Role, Subject
from libs.contracts.safety import SecurityEventKind
from libs.events.outbox import OutboxRelay
from services.chat import finishing
from services.chat.conversations.repository import ConversationRepository
from services.chat.finishing import finished
from services.chat.quota import RELEASE, Usage, settlement
from services.chat.repository import ChatRepository, ChatStore, FinishedAnswer
from services.chat.safety.events import Noted


@pytest.fixture(autouse=True)
def nothing_is_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service that other tests use runs beside these, and delivers what it finds in the outbox."""

    async def nothing_due(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(OutboxRelay, "_claim", nothing_due)


@pytest.fixture
def store(database) -> ChatStore:
    return ChatStore(database)


@pytest.fixture
def subject() -> Subject:
    return Subject(user_id=uuid4(), organization_id=uuid4(), session_id=uuid4(), role=Role.MEMBER)


async def opened(store: ChatStore, subject: Subject):
    """A question whose process died before it was answered."""
    session_id, question_id, answer_id, reservation_id = uuid4(), uuid4(), uuid4(), uuid4()
    async with store.step(subject) as repository:
        await repository.add_session(session_id, "Title", answer_id)
        await repository.add_question(question_id, session_id, None, "Question?", {})
        await repository.add_answer(answer_id, session_id, question_id, reservation_id)
    return session_id, answer_id, reservation_id


async def test_an_abandoned_answer_is_interrupted_and_its_room_given_back_once(clean_database, store, subject, query):
    _, answer_id, reservation_id = await opened(store, subject)
    assert await store.interrupt_abandoned(timedelta(minutes=3), RELEASE) == 0
    taken = await asyncio.gather(*(store.interrupt_abandoned(timedelta(0), RELEASE) for _ in range(4)))
    assert sum(taken) == 1
    [message] = await query("SELECT status FROM chat.messages WHERE id = :id", id=answer_id)
    assert message["status"] == "interrupted"
    rows = await query("SELECT topic, payload FROM chat.outbox")
    assert rows == [{"topic": "release", "payload": {"reservation_id": str(reservation_id)}}]


async def test_an_answer_its_trace_and_its_settlement_are_stored_together_or_not_at_all(
    clean_database, store, subject, query
):
    _, answer_id, reservation_id = await opened(store, subject)
    ended = FinishedAnswer(answer_id, "completed", content="Yes.", question="Question?", steps=[{"step": "x"}])
    entry = settlement(subject, reservation_id, Usage(1, 2, "m"), datetime.now(UTC))

    class CrashError(Exception):
        pass

    async def crash() -> None:
        async with store.step(subject) as repository:
            await repository.finish(ended, entry)
            raise CrashError

    with pytest.raises(CrashError):
        await crash()
    counts = "SELECT (SELECT count(*) FROM chat.traces) AS traces, (SELECT count(*) FROM chat.outbox) AS outbox"
    assert await query(counts) == [{"traces": 0, "outbox": 0}]
    async with store.step(subject) as repository:
        await repository.finish(ended, entry)
    assert await query(counts) == [{"traces": 1, "outbox": 1}]


async def test_an_answer_whose_session_was_purged_meanwhile_is_still_charged(
    clean_database, database, store, subject, query
):
    session_id, answer_id, reservation_id = await opened(store, subject)
    async with database.transaction() as session:
        assert await ConversationRepository(session, subject).purge(session_id)
    async with store.step(subject) as repository:
        entry = settlement(subject, reservation_id, Usage(1, 2, "m"), datetime.now(UTC))
        await repository.finish(FinishedAnswer(answer_id, "completed", content="Yes."), entry)
    assert [row["topic"] for row in await query("SELECT topic FROM chat.outbox")] == ["settle"]
    assert await query("SELECT 1 FROM chat.traces") == []


async def test_one_user_cannot_finish_another_users_answer(clean_database, store, subject, query):
    _, answer_id, _ = await opened(store, subject)
    other = subject.model_copy(update={"user_id": uuid4()})
    async with store.step(other) as repository:
        await repository.finish(FinishedAnswer(answer_id, "completed", content="Mine."))
    [row] = await query("SELECT status, content FROM chat.messages WHERE id = :id", id=answer_id)
    assert row == {"status": "generating", "content": ""}


@pytest.mark.parametrize("moment", ["while it is written", "after it is committed"])
async def test_an_answer_is_stored_once_where_the_connection_breaks(
    clean_database, store, subject, query, monkeypatch, moment
):
    _, answer_id, reservation_id = await opened(store, subject)
    finish = ChatRepository.finish
    tries = 0

    async def breaks_once(repository: ChatRepository, *stored) -> None:
        nonlocal tries
        tries += 1
        await finish(repository, *stored)
        if tries > 1:
            return
        session = repository._session
        if moment == "after it is committed":
            await session.commit()
            raise unavailable("database")
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(ChatRepository, "finish", breaks_once)
    noted = [Noted(SecurityEventKind.QUESTION_FLAGGED, {})]
    answer = FinishedAnswer(answer_id, "completed", content="Yes.", steps=[{"step": "x"}], noted=noted)
    entry = settlement(subject, reservation_id, Usage(1, 2, "m"), datetime.now(UTC))
    await finished(store, subject, answer, entry, longest_s=60)
    assert tries == 2
    [message] = await query("SELECT status, content FROM chat.messages WHERE id = :id", id=answer_id)
    assert message == {"status": "completed", "content": "Yes."}
    counts = (
        "SELECT (SELECT count(*) FROM chat.traces) AS traces, (SELECT count(*) FROM chat.outbox) AS outbox, "
        "(SELECT count(*) FROM chat.security_events WHERE message_id = :id) AS events"
    )
    assert await query(counts, id=answer_id) == [{"traces": 1, "outbox": 1, "events": 1}]


async def test_an_answer_is_stored_by_another_connection_where_one_is_dead(
    clean_database, store, subject, query, monkeypatch
):
    _, answer_id, _ = await opened(store, subject)
    finish = ChatRepository.finish
    monkeypatch.setattr(finishing, "LONGEST_TRY_S", 0.0)

    async def hangs_once(repository: ChatRepository, *stored) -> None:
        if finishing.LONGEST_TRY_S == 0:
            monkeypatch.setattr(finishing, "LONGEST_TRY_S", 60.0)
            await repository._session.execute(text("SELECT pg_sleep(60)"))
        await finish(repository, *stored)

    monkeypatch.setattr(ChatRepository, "finish", hangs_once)
    await finished(store, subject, FinishedAnswer(answer_id, "completed", content="Yes."), longest_s=60)
    [message] = await query("SELECT status, content FROM chat.messages WHERE id = :id", id=answer_id)
    assert message == {"status": "completed", "content": "Yes."}


async def test_a_database_that_stays_away_is_given_up(store, subject, monkeypatch):
    async def away(*_: object) -> None:
        raise unavailable("database")

    monkeypatch.setattr(ChatRepository, "finish", away)
    with pytest.raises(FootnoteError) as given_up:
        await finished(store, subject, FinishedAnswer(uuid4(), "completed"), longest_s=0)
    assert given_up.value.code == ErrorCode.UPSTREAM_UNAVAILABLE
