"""The Model Context Protocol's own requests, as a client that knows no better may send them."""

import asyncio

import pytest

from tests.integration.services.chat.test_sessions import QUESTION, RULES
from tests.integration.services.chat.waiting import until

SENTENCE = "Receipts must be sent within 30 days of the trip."
ACCEPT = {"Accept": "application/json, text/event-stream"}


def call(tool: str, **arguments: object) -> dict:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_no_stream_to_open_and_no_session_to_end(chat, person, method):
    headers = person().headers | ACCEPT
    assert (await chat.request(method, "/mcp", headers=headers)).status_code == 405


async def test_a_client_that_leaves_ends_the_answer(chat, person, knowledge, generation, query):
    someone = person()
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [f"{SENTENCE} ", asyncio.Event()]}
    asking = asyncio.create_task(
        chat.post("/mcp", json=call("ask", question=QUESTION), headers=someone.headers | ACCEPT)
    )
    await generation.asked.wait()
    asking.cancel()
    await asyncio.wait_for(generation.cancelled.wait(), 10)

    async def stored() -> list | None:
        return await query(
            "SELECT status FROM chat.messages WHERE user_id = :id AND role <> 'user' AND status <> 'generating'",
            id=someone.user_id,
        )

    assert await until(stored) == [{"status": "stopped"}]


@pytest.mark.parametrize("question", ["", "  ", "\x00"], ids=["empty", "blank", "NUL"])
async def test_a_question_without_words_is_refused_by_name(chat, person, question):
    answered = await chat.post("/mcp", json=call("ask", question=question), headers=person().headers | ACCEPT)
    result = answered.json()["result"]
    assert result["isError"] is True
    assert "question" in result["content"][0]["text"]


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 10_000, '[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]'])
async def test_what_isnt_one_call_is_refused(chat, person, body):
    headers = person().headers | ACCEPT | {"Content-Type": "application/json"}
    refused = await chat.post("/mcp", content=body, headers=headers)
    assert (refused.status_code, "error" in refused.json()) == (400, True)
