"""Other programs at Footnote's door, with an API key: a client of the Model Context Protocol."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
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


async def api_key(member: Member) -> str:
    made = await member.http.post("/users/me/api-keys", json={"name": "program"})
    return made.raise_for_status().json()["key"]


@asynccontextmanager
async def mcp_client(stack: Stack, key: str) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http:
        transport = streamable_http_client(f"{stack.url}/mcp", http_client=http)
        async with Client(transport) as client:
            yield client


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
    # What was asked stands among the person's conversations.
    listed = (await member.http.get("/chat/sessions")).json()["items"]
    assert [one["title"] for one in listed] == [QUESTION]


async def test_an_mcp_client_sees_only_what_its_person_may(stack: Stack, member: Member) -> None:
    found = (await member.http.post("/search", json={"query": "lighthouse"})).json()["results"][0]
    async with stack.member() as stranger, mcp_client(stack, await api_key(stranger)) as client:
        assert (await client.call_tool("search", {"query": "lighthouse"})).structured_content["results"] == []
        place = {"document_id": found["document_id"], "chunk_id": found["chunk_id"]}
        refused = await client.call_tool("get_passage", place)
        assert refused.is_error
        assert "1887" not in str(refused.content)
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
async def test_a_wrong_call_is_an_error_that_says_why(stack: Stack, member: Member, tool: str, arguments: dict) -> None:
    async with mcp_client(stack, await api_key(member)) as client:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        assert "Traceback" not in str(result.content)


@pytest.mark.parametrize("key", ["", "Bearer fn_wrong", "Bearer not.a.token"])
async def test_the_door_is_closed_without_a_key(stack: Stack, key: str) -> None:
    async with stack.client() as http:
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = await http.post("/mcp", content=json.dumps(call), headers={"Authorization": key} if key else {})
        assert answer.status_code == 401
