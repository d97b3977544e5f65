import asyncio
import json

from httpx_sse import EventSource

from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import LONGEST_S

RULES = passage("Receipts must be sent within 30 days of the trip. Business class requires approval.", "Travel policy")
QUESTION = {"message": "When must receipts of a trip be sent, and what does business class require?"}


async def stream(chat, headers) -> list[tuple[str, object]]:
    async with chat.stream("POST", "/chat", json=QUESTION | {"stream": True}, headers=headers) as response:
        return [(event.event, json.loads(event.data)) async for event in EventSource(response).aiter_sse()]


async def test_the_second_request_gets_the_first_answer(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    headers = someone.headers | {"Idempotency-Key": "one"}
    first = await chat.post("/chat", json=QUESTION, headers=headers)
    second = await chat.post("/chat", json=QUESTION, headers=headers)
    assert first.json() == second.json()
    assert [one.model for one in generation.requests].count("default") == 1
    assert len(await query("SELECT 1 FROM chat.messages WHERE user_id = :id", id=someone.user_id)) == 2


async def test_a_streamed_answer_is_streamed_again(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {
        "llm": ["Receipts must be sent within 30 days of the trip. Business class requires approval."]
    }
    headers = person().headers | {"Idempotency-Key": "one"}
    first = await stream(chat, headers)
    assert [name for name, _ in first] == ["session", "sources", *["token", "citation"] * 2, "done"]
    assert await stream(chat, headers) == first
    assert [one.model for one in generation.requests].count("default") == 1


async def test_a_replayed_answer_hides_what_may_no_longer_be_read(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": ["Receipts must be sent within 30 days of the trip."]}
    headers = person().headers | {"Idempotency-Key": "one"}
    await chat.post("/chat", json=QUESTION, headers=headers)
    knowledge.unreadable = {RULES.chunk_id}
    assert "30" not in (await chat.post("/chat", json=QUESTION, headers=headers)).json()["answer"]


async def test_while_knowledge_is_away_no_answer_is_replayed(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": ["Receipts must be sent within 30 days of the trip."]}
    headers = person().headers | {"Idempotency-Key": "one"}
    first = await chat.post("/chat", json=QUESTION, headers=headers)
    knowledge.away = True
    assert (await chat.post("/chat", json=QUESTION, headers=headers)).status_code == 503
    knowledge.away = False
    assert (await chat.post("/chat", json=QUESTION, headers=headers)).json() == first.json()


async def test_another_body_is_a_mismatch_and_an_answer_under_way_a_conflict(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    go_on = asyncio.Event()
    generation.scripts = {"llm": [go_on, "Receipts must be sent within 30 days of the trip."]}
    headers = person().headers | {"Idempotency-Key": "one"}
    first = asyncio.create_task(chat.post("/chat", json=QUESTION, headers=headers))
    await asyncio.wait_for(generation.asked.wait(), LONGEST_S)
    conflict = await chat.post("/chat", json=QUESTION, headers=headers)
    assert (conflict.status_code, conflict.json()["code"]) == (409, "IDEMPOTENCY_IN_FLIGHT")
    mismatch = await chat.post("/chat", json={"message": "Other?"}, headers=headers)
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    go_on.set()
    assert (await first).status_code == 200


async def test_a_failed_request_may_be_tried_again_with_its_key(chat, knowledge, generation, person):
    knowledge.passages, knowledge.away = [RULES], True
    generation.scripts = {"llm": ["Receipts must be sent within 30 days of the trip."]}
    headers = person().headers | {"Idempotency-Key": "one"}
    assert (await chat.post("/chat", json=QUESTION, headers=headers)).status_code == 503
    knowledge.away = False
    answer = await chat.post("/chat", json=QUESTION, headers=headers)
    assert answer.json()["metadata"]["outcome"] == "answered"


async def test_a_key_belongs_to_its_user(chat, knowledge, generation, person):
    one, other = person(), person()
    key = {"Idempotency-Key": "one"}
    first = (await chat.post("/chat", json=QUESTION, headers=one.headers | key)).json()
    second = (await chat.post("/chat", json=QUESTION, headers=other.headers | key)).json()
    assert first["message_id"] != second["message_id"]
