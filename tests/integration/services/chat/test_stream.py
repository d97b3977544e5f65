import asyncio
import json
from collections.abc import AsyncIterator

import httpx
from httpx_sse import EventSource, ServerSentEvent
from sqlalchemy import text

from services.chat.repository import ChatRepository
from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import LONGEST_S, until

RULES = passage(
    "Receipts must be sent within 30 days of the trip. Business class requires approval by a director. "
    "Wine is never reimbursed.",
    "Travel policy",
)
QUESTION = {"message": "When must receipts of a trip be sent, and what does business class require?", "stream": True}
FIRST, SECOND, THIRD = (sentence + "." for sentence in RULES.content.rstrip(".").split(". "))


def events_of(response: httpx.Response) -> AsyncIterator[ServerSentEvent]:
    return EventSource(response).aiter_sse()


async def read(chat: httpx.AsyncClient, headers: dict[str, str], **body: object) -> list[tuple[str, dict[str, object]]]:
    async with chat.stream("POST", "/chat", json=QUESTION | body, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        return [(event.event, json.loads(event.data)) async for event in events_of(response)]


async def stopped(query, someone) -> dict[str, object]:
    """The stopped answer, once it is stored."""
    statement = "SELECT * FROM chat.messages WHERE user_id = :id AND status = 'stopped'"
    [row] = await until(lambda: query(statement, id=someone.user_id))
    return row


async def test_a_stream_says_the_same_as_the_answer_it_ends_with(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{FIRST} The moon is cheese. ", SECOND]}
    events = await read(chat, person().headers)
    assert [name for name, _ in events] == [
        "session", "sources", "token", "citation", "token", "citation", "done",
    ]  # fmt: skip
    session, sources, *_, done = (data for _, data in events)
    assert {key: done[key] for key in session} == session
    assert sources["sources"] == done["sources"]
    assert "".join(data["text"] for name, data in events if name == "token") == done["answer"]
    assert [data for name, data in events if name == "citation"] == done["citations"]
    assert "cheese" not in str(events)


async def test_a_sentence_goes_out_as_soon_as_it_is_checked(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    go_on = asyncio.Event()
    generation.scripts = {"llm": [f"{FIRST} Business", go_on, " class requires approval by a director."]}
    async with chat.stream("POST", "/chat", json=QUESTION, headers=person().headers) as response:
        names = []
        async for event in events_of(response):
            names.append(event.event)
            if event.event == "citation":
                go_on.set()
    assert names == ["session", "sources", "token", "citation", "token", "citation", "done"]


async def test_a_stream_ends_once_its_answer_is_stored_though_the_connection_broke(
    chat, knowledge, generation, person, query, monkeypatch
):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [FIRST]}
    finish = ChatRepository.finish
    broken: list[bool] = []

    async def breaks_once(repository: ChatRepository, *stored) -> None:
        await finish(repository, *stored)
        if not broken:
            broken.append(True)
            await repository._session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(ChatRepository, "finish", breaks_once)
    *_, (name, done) = await read(chat, person().headers)
    assert (name, broken) == ("done", [True])
    [row] = await query("SELECT status, content FROM chat.messages WHERE id = :id", id=done["message_id"])
    assert row == {"status": "completed", "content": done["answer"]}


async def test_errors_before_the_first_event_have_their_own_status(chat, knowledge, person):
    knowledge.away = True
    response = await chat.post("/chat", json=QUESTION, headers=person().headers)
    assert (response.status_code, response.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert response.json()["details"] == {"service": "knowledge"}


async def test_a_failure_on_the_way_is_an_error_event(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [RuntimeError]}
    *_, (name, data) = await read(chat, person().headers)
    assert (name, data["code"]) == ("error", "UPSTREAM_UNAVAILABLE")
    assert data["request_id"]


async def test_a_silent_stream_has_heartbeats(serve_chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    go_on = asyncio.Event()
    generation.scripts = {"llm": [go_on, FIRST]}
    async with (
        serve_chat(heartbeat_s=0.05) as chat,
        chat.stream("POST", "/chat", json=QUESTION, headers=person().headers) as response,
    ):
        heartbeats = 0
        async for line in response.aiter_lines():
            heartbeats += line.startswith(":")
            if heartbeats == 3:
                go_on.set()
        assert heartbeats >= 3


async def test_leaving_cancels_the_generation_and_keeps_what_was_said(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{FIRST} Business", asyncio.Event()]}
    someone = person()
    async with chat.stream("POST", "/chat", json=QUESTION, headers=someone.headers) as response:
        async for event in events_of(response):
            if event.event == "citation":
                break
    await asyncio.wait_for(generation.cancelled.wait(), LONGEST_S)
    row = await stopped(query, someone)
    assert row["content"] == f"{FIRST} [1]"
    assert row["metadata"]["finish_reason"] == "stopped"
    assert row["metadata"]["tokens_used"] > 0
    assert await query("SELECT 1 FROM chat.traces WHERE message_id = :id", id=row["id"])


async def test_leaving_before_anything_was_said_costs_nothing(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [asyncio.Event()]}
    someone = person()
    async with chat.stream("POST", "/chat", json=QUESTION, headers=someone.headers) as response:
        await anext(events_of(response))
    row = await stopped(query, someone)
    assert (row["content"], row["metadata"]) == ("", None)
    waiting = "SELECT 1 FROM chat.outbox WHERE payload->>'reservation_id' = :id"

    async def delivered() -> bool:
        return not await query(waiting, id=str(row["reservation_id"]))

    await until(delivered)


async def test_leaving_a_request_without_stream_stops_it_too(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{FIRST} Business", asyncio.Event()]}
    someone = person()
    asking = asyncio.create_task(chat.post("/chat", json=QUESTION | {"stream": False}, headers=someone.headers))
    await asyncio.wait_for(generation.asked.wait(), LONGEST_S)
    asking.cancel()
    await asyncio.wait_for(generation.cancelled.wait(), LONGEST_S)
    await stopped(query, someone)


async def test_the_deadline_ends_an_answer_with_what_was_said(serve_chat, knowledge, generation, person, monkeypatch):
    knowledge.passages = [RULES]
    # The extractive answer hangs too, and the first sentence waits so long for it.
    monkeypatch.setattr("services.chat.floor.LONGEST_WAIT_S", 0.1)
    generation.scripts = {"llm": [f"{FIRST} Business", asyncio.Event()], "extractive": [asyncio.Event()]}
    # Time enough for the first sentence on a busy machine.
    async with serve_chat(answer_deadline_s=6) as chat:
        *_, (name, done) = await read(chat, person().headers, model="llm")
        assert (name, done["answer"]) == ("done", f"{FIRST} [1]")
        assert done["metadata"]["finish_reason"] == "deadline"
    generation.scripts = {"llm": [asyncio.Event()], "extractive": [asyncio.Event()]}
    async with serve_chat(answer_deadline_s=2) as chat:
        response = await chat.post("/chat", json=QUESTION | {"stream": False}, headers=person().headers)
        assert (response.status_code, response.json()["code"]) == (504, "DEADLINE_EXCEEDED")


async def test_stopping_the_service_stores_what_was_said(serve_chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{FIRST} Business", asyncio.Event()]}
    someone = person()
    async with serve_chat() as chat:
        stream = chat.stream("POST", "/chat", json=QUESTION, headers=someone.headers)
        response = await stream.__aenter__()
        async for event in events_of(response):
            if event.event == "citation":
                break
    [row] = await query(
        "SELECT status, content FROM chat.messages WHERE user_id = :id AND role = 'assistant'", id=someone.user_id
    )
    assert row == {"status": "stopped", "content": f"{FIRST} [1]"}
    await response.aclose()
