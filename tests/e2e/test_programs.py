"""Other programs at Footnote's door, with an API key: OpenAI's client, and one of the Model Context Protocol."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import openai
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.stack import Member, Stack

LIGHTHOUSE = "The lighthouse at Skerry Point was lit in 1887. Its lamp turns once every 15 seconds."
QUESTION = "When was the lighthouse at Skerry Point lit?"


@pytest.fixture
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        await member.add(LIGHTHOUSE, "Harbour rules")
        yield member


@pytest.fixture(scope="module")
async def caller_key(stack: Stack) -> AsyncIterator[str]:
    """The API key of somebody whose programs only ever ask wrongly."""
    async with stack.member() as member:
        yield await api_key(member)


async def api_key(member: Member) -> str:
    made = await member.http.post("/users/me/api-keys", json={"name": "program"})
    return made.raise_for_status().json()["key"]


@asynccontextmanager
async def openai_client(stack: Stack, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{stack.url}/v1", max_retries=0) as client:
        yield client


@asynccontextmanager
async def mcp_client(stack: Stack, key: str) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        transport = streamable_http_client(f"{stack.url}/mcp", http_client=http)
        async with Client(transport) as client:
            yield client


async def test_openais_client_holds_a_cited_conversation(stack: Stack, member: Member) -> None:
    async with openai_client(stack, await api_key(member)) as client:
        assert (await client.models.list()).data[0].id == "footnote"
        assert (await client.models.retrieve("footnote")).id == "footnote"
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")
        messages = [
            {"role": "system", "content": "Talk like a pirate."},
            {"role": "user", "content": QUESTION},
        ]
        answer = await client.chat.completions.create(model="footnote", messages=messages, temperature=2, user="me")
        said = answer.choices[0].message
        assert "1887" in said.content
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
        cited = said.annotations[0].url_citation
        assert "1887" in said.content[cited.start_index : cited.end_index]
        passage = await member.http.get(f"/documents/{cited.document_id}/passages/{cited.chunk_id}")
        assert passage.json()["content"] == LIGHTHOUSE
        messages += [
            {"role": "assistant", "content": said.content},
            {"role": "user", "content": [{"type": "text", "text": "How often does the lamp of the lighthouse turn?"}]},
        ]
        stream = await client.chat.completions.create(
            model="extractive", messages=messages, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert "15 seconds" in text
        annotations = [
            one
            for chunk in chunks
            if chunk.choices
            for one in getattr(chunk.choices[0].delta, "annotations", None) or []
        ]
        assert annotations
        assert chunks[-1].usage.total_tokens > 0
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert chunks[-2].footnote["grounded"] is True


async def test_openais_client_is_told_that_nothing_is_known(stack: Stack, member: Member) -> None:
    async with openai_client(stack, await api_key(member)) as client:
        question = [{"role": "user", "content": "Who won the chess world championship in 1972?"}]
        answer = await client.chat.completions.create(model="footnote", messages=question)
        assert answer.choices[0].message.annotations == []
        assert answer.footnote["outcome"] == "abstained"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"messages": []}, 400, openai.BadRequestError),
        ({"messages": [{"role": "assistant", "content": "No."}]}, 400, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": " "}]}, 400, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": "x" * 32_001}]}, 400, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": QUESTION}], "n": 2}, 400, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": QUESTION}], "temperature": "hot"}, 400, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": QUESTION}], "model": "gpt-9"}, 404, openai.NotFoundError),
    ],
    ids=["no message", "no question", "empty", "long", "n", "type", "model"],
)
async def test_openais_client_meets_its_own_errors(
    stack: Stack, caller_key: str, body: dict, status: int, error: type[openai.APIStatusError]
) -> None:
    async with openai_client(stack, caller_key) as client:
        with pytest.raises(error) as refused:
            await client.chat.completions.create(**({"model": "footnote"} | body))
        assert refused.value.status_code == status
        assert set(refused.value.body) == {"message", "type", "param", "code"}


async def test_an_asked_completion_is_charged_once(stack: Stack, member: Member) -> None:
    body = {"model": "footnote", "messages": [{"role": "user", "content": QUESTION}]}
    headers = {"Idempotency-Key": "the-same"}
    first, second = [
        (await member.http.post("/v1/chat/completions", json=body, headers=headers)).raise_for_status().json()
        for _ in range(2)
    ]
    assert first["id"] == second["id"]
    assert first["choices"] == second["choices"]
    assert await member.messages_used() == 1


async def test_an_mcp_client_holds_a_cited_conversation(stack: Stack, member: Member) -> None:
    async with mcp_client(stack, await api_key(member)) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert tools == {"search", "ask", "get_passage"}
        found = (await client.call_tool("search", {"query": "lighthouse"})).structured_content
        assert found["results"][0]["content"] == LIGHTHOUSE
        answer = (await client.call_tool("ask", {"question": QUESTION})).structured_content
        assert "1887" in answer["answer"]
        (source,) = [one for one in answer["sources"] if one["n"] == answer["citations"][0]["n"]]
        place = {"document_id": source["document_id"], "chunk_id": source["chunk_id"]}
        passage = (await client.call_tool("get_passage", place)).structured_content
        assert passage["content"] == LIGHTHOUSE
    # What was asked stands among what the person's programs asked.
    listed = (await member.http.get("/chat/sessions", params={"which": "programs"})).json()["items"]
    assert [one["title"] for one in listed] == [QUESTION]
    assert (await member.http.get("/chat/sessions")).json()["items"] == []


async def test_an_mcp_client_sees_only_what_its_person_may(stack: Stack, member: Member) -> None:
    found = (await member.http.post("/search", json={"query": "lighthouse"})).json()["results"][0]
    async with stack.member() as stranger, mcp_client(stack, await api_key(stranger)) as client:
        assert (await client.call_tool("search", {"query": "lighthouse"})).structured_content["results"] == []
        place = {"document_id": found["document_id"], "chunk_id": found["chunk_id"]}
        refused = await client.call_tool("get_passage", place)
        assert refused.is_error
        # No number: it may stand in an identifier.
        assert "Skerry" not in str(refused.content)
        answer = (await client.call_tool("ask", {"question": QUESTION})).structured_content
        assert answer["metadata"]["outcome"] == "abstained"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {}),
        ("search", {"query": ""}),
        ("search", {"query": "x", "top_k": 0}),
        ("search", {"query": "\x00"}),
        ("ask", {"question": "x" * 2_001}),
        ("get_passage", {"document_id": "no id", "chunk_id": "no id"}),
        ("delete_everything", {}),
    ],
    ids=["missing", "empty", "top_k", "NUL", "long", "no id", "unknown tool"],
)
async def test_a_wrong_call_is_an_error_that_says_why(
    stack: Stack, caller_key: str, tool: str, arguments: dict
) -> None:
    async with mcp_client(stack, caller_key) as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert "Traceback" not in str(result.content)


@pytest.mark.parametrize("key", ["", "Bearer fn_wrong", "Bearer not.a.token"])
async def test_the_door_is_closed_without_a_key(stack: Stack, key: str) -> None:
    async with stack.client() as http:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = await http.post("/mcp", content=json.dumps(call), headers={"Authorization": key} if key else {})
        assert answer.status_code == 401
