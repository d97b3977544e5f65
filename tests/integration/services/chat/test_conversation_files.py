"""Conversations as files: taken out, and taken in again without being believed."""

import json
from uuid import uuid4

import pytest

from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.test_conversations import SENTENCE
from tests.integration.services.chat.test_sessions import QUESTION, RULES, ask, messages


@pytest.fixture(autouse=True)
def answering(knowledge, generation) -> None:
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [SENTENCE]}


async def test_an_exported_conversation_comes_back_with_all_branches(chat, person):
    someone = person()
    first = await ask(chat, someone)
    session_id = first["session_id"]
    await chat.post(f"/chat/messages/{first['message_id']}/regenerate", json={}, headers=someone.headers)
    await ask(chat, someone, session_id, "And for interns?")
    exported = await chat.get(f"/chat/sessions/{session_id}/export", headers=someone.headers)
    assert exported.headers["content-disposition"].endswith('.json"')
    file = exported.json()
    assert len(file["messages"]) == 5
    taken = await chat.post("/chat/sessions/import", json=file, headers=someone.headers)
    assert taken.status_code == 201, taken.text
    assert taken.json()["imported"] is True
    before = (await messages(chat, someone, session_id))["items"]
    after = (await messages(chat, someone, taken.json()["id"]))["items"]
    assert [(one["role"], one["content"], one["citations"]) for one in after] == [
        (one["role"], one["content"], one["citations"]) for one in before
    ]
    assert {one["id"] for one in after}.isdisjoint(one["id"] for one in before)
    assert after[1]["sources"] == before[1]["sources"]
    assert (after[1]["metadata"]["grounded"], after[1]["metadata"]["degraded"]) == (False, ["imported"])
    # The same conversation can go on.
    await ask(chat, someone, taken.json()["id"], "And for guests?")


@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_no_file_is_handed_out_while_knowledge_is_away(chat, person, knowledge, form):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    knowledge.away = True
    path = f"/chat/sessions/{session_id}/export?format={form}"
    exported = await chat.get(path, headers=someone.headers)
    assert (exported.status_code, exported.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
    knowledge.away = False
    assert SENTENCE in (await chat.get(path, headers=someone.headers)).text


async def test_markdown_has_the_questions_the_answers_and_their_sources(chat, person):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    exported = await chat.get(
        f"/chat/sessions/{session_id}/export", params={"format": "markdown"}, headers=someone.headers
    )
    assert exported.headers["content-type"] == "text/markdown; charset=utf-8"
    title, _, rest = exported.text.partition("UTC\n")
    assert title.startswith(f"# {QUESTION}\n")
    assert rest == f"\n> {QUESTION}\n\n{SENTENCE} [1]\n\nSources:\n\n- [1] Travel policy › Rules\n"


async def test_markdown_loads_nothing_when_it_is_opened(chat, person):
    someone = person()
    image = "![x](https://evil.example/x.png)"
    file = {"title": image, "created_at": "2026-01-01T00:00Z", "messages": [_message(content=f"{image} <img src=x>")]}
    taken = (await chat.post("/chat/sessions/import", json=file, headers=someone.headers)).json()
    exported = await chat.get(f"/chat/sessions/{taken['id']}/export?format=markdown", headers=someone.headers)
    assert exported.text.count(r"![x]\(https://evil.example/x.png)") == 2
    assert "](" not in exported.text
    assert "<img" not in exported.text


async def test_a_conversation_that_ended_with_a_question_goes_out_and_in(chat, person):
    someone = person()
    long = f"{QUESTION} {'Please. ' * 3_000}"
    file = {"title": "T", "created_at": "2026-01-01T00:00Z", "messages": [_message(content=long)]}
    taken = (await chat.post("/chat/sessions/import", json=file, headers=someone.headers)).json()
    await ask(chat, someone, taken["id"])
    exported = await chat.get(f"/chat/sessions/{taken['id']}/export", headers=someone.headers)
    assert [one["role"] for one in exported.json()["messages"]] == ["user", "user", "assistant"]
    again = await chat.post("/chat/sessions/import", json=exported.json(), headers=someone.headers)
    assert again.status_code == 201, again.text


async def test_a_file_brings_in_nothing_that_its_reader_may_not_read(chat, person, knowledge):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    file = (await chat.get(f"/chat/sessions/{session_id}/export", headers=someone.headers)).json()
    forged = file["messages"][1]["sources"][0] | {"n": 2, "excerpt": "Everything is paid.", "title": "Law"}
    foreign = passage("Salaries of the board.", "Board")
    stolen = forged | {"n": 3, "chunk_id": str(foreign.chunk_id), "document_id": str(foreign.document_id)}
    misplaced = file["messages"][1]["sources"][0] | {"n": 4, "document_id": str(uuid4())}
    file["messages"][1]["sources"] += [forged, stolen, misplaced]
    file["messages"][1]["sources"][0]["title"] = "Law"
    taken = (await chat.post("/chat/sessions/import", json=file, headers=someone.headers)).json()
    real, *others = (await messages(chat, someone, taken["id"]))["items"][1]["sources"]
    assert (real["title"], real["excerpt"]) == (RULES.title, RULES.content)
    assert [one["excerpt"] for one in others] == ["no longer available"] * 3
    assert "Law" not in str(others)


def _message(**said: object) -> dict:
    return {
        "id": str(uuid4()),
        "role": "user",
        "content": "?",
        "status": "completed",
        "created_at": "2026-01-01T00:00Z",
    } | said


A_QUESTION = _message()
AN_ANSWER = _message(parent_id=A_QUESTION["id"], role="assistant")
METADATA = {
    "tokens_used": 1,
    "response_time_ms": 1,
    "model_used": "m",
    "cached": False,
    "outcome": "answered",
    "grounded": True,
    "confidence": 1.0,
    "finish_reason": "stop",
    "degraded": [],
}
SOURCE = {
    "n": 1,
    "document_id": str(uuid4()),
    "external_id": None,
    "chunk_id": str(uuid4()),
    "title": "T",
    "excerpt": "E",
    "location": {"heading_path": [], "start": 0, "end": 1},
    "relevance_score": 0.5,
}


@pytest.mark.parametrize(
    "messages_of_file",
    [
        [_message(role="assistant")],
        [_message(role="system")],
        [_message(parent_id=str(uuid4()))],
        [A_QUESTION, A_QUESTION],
        [A_QUESTION, AN_ANSWER, _message(parent_id=AN_ANSWER["id"], role="assistant")],
        [_message(content="x" * 32_001)],
        [_message(content=" \x00")],
        [_message(content="\ud800")],
        [_message(created_at="0001-01-01T00:00+14:00")],
        [A_QUESTION, AN_ANSWER | {"metadata": METADATA | {"confidence": float("nan")}}],
        [A_QUESTION, AN_ANSWER | {"metadata": METADATA | {"model_used": "a\x00"}}],
        [A_QUESTION, AN_ANSWER | {"sources": [SOURCE | {"relevance_score": float("inf")}]}],
        [_message(citations=[{"start": 0, "end": 9, "n": 1, "spans": []}])],
        [_message()] * 1_001,
        "none",
    ],
    ids=[
        "answer first",
        "role",
        "parent",
        "twice",
        "two answers",
        "long",
        "empty question",
        "half a character",
        "year",
        "NaN",
        "NUL",
        "infinite",
        "citation",
        "many",
        "type",
    ],
)
async def test_a_file_that_is_no_conversation_is_refused(chat, person, messages_of_file):
    file = {"title": "T", "created_at": "2026-01-01T00:00Z", "messages": messages_of_file}
    headers = person().headers | {"Content-Type": "application/json"}
    response = await chat.post("/chat/sessions/import", content=json.dumps(file), headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "VALIDATION_ERROR")
