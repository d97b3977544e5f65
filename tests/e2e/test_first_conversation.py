"""What a newcomer does first, over HTTP between real processes."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text

from libs.stores.postgres import Database
from tests.stack import PASSWORD, Member, Stack, until

LIGHTHOUSE = """# Harbour rules

## Lighthouse

The lighthouse at Skerry Point was lit in 1887. Its lamp turns once every 15 seconds.

## Ferry

The ferry leaves at 07:40 and at 18:10. Bicycles travel free of charge.
"""


@pytest.fixture(scope="module")
async def member(stack: Stack) -> AsyncIterator[Member]:
    async with stack.member() as member:
        await member.add(LIGHTHOUSE, "Harbour rules", external_id="harbour.md")
        yield member


async def test_an_answer_is_cited_and_each_citation_opens_its_passage(member: Member) -> None:
    answer = await member.ask("When was the lighthouse at Skerry Point lit?")
    assert answer["metadata"]["outcome"] == "answered"
    assert answer["metadata"]["grounded"] is True
    assert "1887" in answer["answer"]
    assert answer["citations"]
    sources = {source["n"]: source for source in answer["sources"]}
    for citation in answer["citations"]:
        source = sources[citation["n"]]
        sentence = answer["answer"][citation["start"] : citation["end"]]
        spans = [source["excerpt"][span["start"] : span["end"]] for span in citation["spans"]]
        assert sentence.strip()
        assert all(span.strip() for span in spans)
        passage = await member.http.get(f"/documents/{source['document_id']}/passages/{source['chunk_id']}")
        assert passage.status_code == 200
        assert passage.json()["content"] == source["excerpt"]
    cited = [answer["answer"][c["start"] : c["end"]] for c in answer["citations"]]
    assert any("1887" in sentence for sentence in cited)


async def test_a_question_the_documents_do_not_answer_is_refused_honestly(member: Member) -> None:
    answer = await member.ask("Who won the chess world championship in 1972?")
    assert answer["metadata"]["outcome"] == "abstained"
    assert answer["metadata"]["grounded"] is False
    assert answer["citations"] == []


async def test_a_stream_tells_the_same_as_the_whole_answer(member: Member) -> None:
    events = []
    body = {"message": "When does the ferry leave?", "stream": True}
    async with member.http.stream("POST", "/chat", json=body) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in response.aiter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
    names = [name for name, _ in events]
    assert names[0] == "session"
    assert names[-1] == "done"
    assert names.index("sources") < names.index("token")
    done = events[-1][1]
    assert "".join(data["text"] for name, data in events if name == "token") == done["answer"]
    assert [data for name, data in events if name == "citation"] == done["citations"]
    assert "07:40" in done["answer"]
    UUID(done["message_id"])


async def test_history_is_kept_and_is_the_owners_alone(stack: Stack, member: Member) -> None:
    answer = await member.ask("Do bicycles travel free?")
    path = f"/chat/sessions/{answer['session_id']}/messages"
    messages = (await member.http.get(path)).raise_for_status().json()["items"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    assert messages[1]["content"] == answer["answer"]
    async with stack.member() as stranger:
        assert (await stranger.http.get(path)).status_code == 404
        assert (await stranger.http.get(f"/chat/messages/{answer['message_id']}/trace")).status_code == 404
        joined = await stranger.http.post("/chat", json={"message": "And?", "session_id": answer["session_id"]})
        assert joined.status_code == 404


async def test_the_trace_tells_how_an_answer_was_made(member: Member) -> None:
    answer = await member.ask("How often does the lamp turn?")
    trace = (await member.http.get(f"/chat/messages/{answer['message_id']}/trace")).raise_for_status().json()
    assert trace["steps"]
    assert "lamp" in trace["question"]


async def test_a_deleted_document_is_gone_from_the_next_answer(member: Member) -> None:
    document_id = await member.add("The secret ingredient of the harbour soup is lovage.", "Soup")
    assert (await member.ask("What is the secret ingredient of the harbour soup?"))["metadata"]["grounded"]
    assert (await member.http.delete(f"/documents/{document_id}")).status_code == 204
    answer = await member.ask("What is the secret ingredient of the harbour soup?")
    assert "lovage" not in json.dumps(answer)
    found = await member.http.post("/search", json={"query": "lovage soup"})
    assert "lovage" not in found.text
    assert (await member.http.get(f"/documents/{document_id}")).status_code == 404


async def test_usage_counts_each_message_once(stack: Stack) -> None:
    async with stack.member() as member:
        await member.add(LIGHTHOUSE, "Harbour rules")
        await member.ask("When was the lighthouse lit?")
        assert await member.messages_used() == 1


async def test_a_used_up_plan_says_so_and_when_it_ends(stack: Stack) -> None:
    async with stack.member(plan="free") as member:
        database = Database(stack.settings, "billing")
        async with database.transaction() as session:
            used = (
                "INSERT INTO usage_records (organization_id, resource, event_id, quantity, period, occurred_at) "
                "VALUES (:id, 'messages', 'earlier', 99, date_trunc('month', now() AT TIME ZONE 'UTC')::date, now())"
            )
            await session.execute(text(used), {"id": await member.organization_id()})
        await database.close()
        await member.ask("Anything?")
        refused = await member.http.post("/chat", json={"message": "Anything?"})
        assert refused.status_code == 429
        body = refused.json()
        assert body["code"] == "QUOTA_EXCEEDED"
        assert body["details"]["current_usage"] == body["details"]["limit"] == 100
        assert body["details"]["reset_at"]


async def test_an_api_key_asks_like_its_owner_and_ends_when_revoked(stack: Stack, member: Member) -> None:
    made = (await member.http.post("/users/me/api-keys", json={"name": "script"})).raise_for_status().json()
    async with stack.client() as http:
        http.headers["X-API-Key"] = made["key"]
        assert (await http.post("/search", json={"query": "ferry"})).status_code == 200
        bearer = {"Authorization": f"Bearer {made['key']}"}
        async with stack.client() as other:
            assert (await other.get("/users/me", headers=bearer)).status_code == 200
        usage = (await member.http.get("/billing/usage")).json()["resources"]["api_calls"]["used"]
        assert usage == 2
        assert (await member.http.delete(f"/users/me/api-keys/{made['id']}")).status_code == 204

        async def refused() -> bool | None:
            return True if (await http.get("/users/me")).status_code == 401 else None

        # An exchanged key counts for at most a second, of a busy machine's time; its token lives for five minutes.
        assert await until(refused)


async def test_signing_out_ends_the_session(stack: Stack) -> None:
    async with stack.member() as member:
        tokens = (await member.http.post("/auth/login", json={"email": member.email, "password": PASSWORD})).json()
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await member.http.get("/users/me", headers=bearer)).status_code == 200
        await member.http.post("/auth/logout", headers=bearer, json={})
        refreshed = await member.http.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert refreshed.status_code == 401
