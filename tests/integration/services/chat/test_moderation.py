"""Questions and answers that an operator's moderation service flags, or can't be asked about."""

import asyncio
import json

import httpx
import pytest

from tests.integration.services.chat.moderator import moderation
from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import until

RULES = passage("Receipts must be sent within 30 days of the trip.", "Travel policy")
QUESTION = "When must receipts of a trip be sent?"


async def asked(client: httpx.AsyncClient, someone, message: str = QUESTION, **more: object) -> dict:
    return (await client.post("/chat", json={"message": message, **more}, headers=someone.headers)).json()


async def test_a_flagged_question_is_refused_before_anything_is_looked_for(
    guarded, knowledge, generation, moderator, admin_of, query
):
    knowledge.passages = [RULES]
    moderator.words = ["receipts"]
    admin = await admin_of(guarded, moderate_questions=True)
    answer = await asked(guarded, admin)
    assert (answer["metadata"]["outcome"], answer["metadata"]["tokens_used"]) == ("refused", 0)
    assert answer["answer"].startswith("This question isn't answered: your organization's moderation")
    assert (knowledge.queries, generation.requests) == ([], [])
    assert moderator.seen == [QUESTION]
    [headers] = moderator.headers
    assert headers["authorization"] == "Bearer its-key"
    assert not {name for name in headers if name.startswith(("x-", "traceparent"))}


async def test_a_refusal_is_in_the_question_s_language(guarded, knowledge, generation, moderator, admin_of):
    moderator.words = ["Belege"]
    admin = await admin_of(guarded, moderate_questions=True)
    answer = await asked(guarded, admin, "Bis wann müssen die Belege nach einer Reise eingereicht werden?")
    assert (answer["metadata"]["outcome"], answer["metadata"]["language"]) == ("refused", "de")
    assert answer["answer"].startswith("Diese Frage wird nicht beantwortet: Die Moderation Ihrer Organisation")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_flagged_answer_is_withheld_whole(guarded, knowledge, generation, moderator, admin_of, stream):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip. [1]"]}
    moderator.words = ["30 days"]
    admin = await admin_of(guarded, moderate_answers=True)
    body = {"message": QUESTION, "stream": stream}
    text = (await guarded.post("/chat", json=body, headers=admin.headers)).text
    assert "30 days" not in text
    answer = json.loads(text.rsplit("data: ", 1)[-1])
    assert answer["metadata"]["outcome"] == "refused"
    assert answer["sources"] == []
    assert moderator.seen == ["Receipts must be sent within 30 days of the trip. [1]"]
    trace = await guarded.get(f"/chat/messages/{answer['message_id']}/trace", headers=admin.headers)
    assert "30 days" not in trace.text
    steps = {step["step"]: step for step in trace.json()["steps"]}
    why = {"rule": "moderate_answers", "because": "flagged", "categories": ["violence"]}
    made = {"otherwise": "answered", "characters": 53, "citations": 1, "sources": 1}
    assert steps["withheld"] == {"step": "withheld", **why, **made}
    sentence = {"kept": True, "verdict": "supported", "support": 1.0, "supported_by": [1]}
    assert steps["generate"]["withheld_sentences"] == [sentence]
    assert trace.json()["explanation"] == []
    url = f"/chat/messages/{answer['message_id']}/trace"
    told = (await guarded.get(url, params={"format": "text"}, headers=admin.headers)).text
    assert "The answer was withheld: moderation flagged it (violence)." in told
    assert "No sentence was checked" not in told
    [event] = (await guarded.get("/admin/security-events", headers=admin.headers)).json()["items"]
    assert (event["kind"], event["details"]) == ("answer_flagged", {"categories": ["violence"]})


async def test_an_answer_that_passes_is_streamed_as_ever(guarded, knowledge, generation, moderator, admin_of):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip. [1]"]}
    admin = await admin_of(guarded, moderate_answers=True)
    body = {"message": QUESTION, "stream": True}
    text = (await guarded.post("/chat", json=body, headers=admin.headers)).text
    names = [line[7:] for line in text.splitlines() if line.startswith("event: ")]
    assert names == ["session", "sources", "token", "citation", "done"]


async def test_an_answer_that_is_stopped_before_it_was_looked_at_leaves_nothing(
    guarded, knowledge, generation, moderator, admin_of, query
):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": ["Receipts must be sent within 30 days of the trip. Also", asyncio.Event()]}
    admin = await admin_of(guarded, moderate_answers=True)
    async with guarded.stream(
        "POST", "/chat", json={"message": QUESTION, "stream": True}, headers=admin.headers
    ) as said:
        async for line in said.aiter_lines():
            if line.startswith("event: session"):
                break
        await generation.asked.wait()
    statement = "SELECT id, content, sources, metadata FROM chat.messages WHERE user_id = :id AND status = 'stopped'"
    [row] = await until(lambda: query(statement, id=admin.user_id))
    assert (row["content"], row["sources"], row["metadata"]) == ("", [], None)
    assert moderator.seen == []
    trace = (await guarded.get(f"/chat/messages/{row['id']}/trace", headers=admin.headers)).json()
    assert trace["steps"]
    assert "30 days" not in str(trace)


async def test_where_moderation_is_away_it_closes(guarded, knowledge, generation, moderator, admin_of, query):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip. [1]"]}
    moderator.broken = True
    for policy in ({"moderate_questions": True}, {"moderate_answers": True}):
        admin = await admin_of(guarded, **policy)
        response = await guarded.post("/chat", json={"message": QUESTION}, headers=admin.headers)
        assert (response.status_code, response.json()["code"]) == (503, "UPSTREAM_UNAVAILABLE")
        assert response.headers["retry-after"]
        assert "30 days" not in response.text
    statement = "SELECT id FROM chat.messages WHERE user_id = :id AND role = 'assistant'"
    [row] = await query(statement, id=admin.user_id)
    trace = (await guarded.get(f"/chat/messages/{row['id']}/trace", headers=admin.headers)).json()
    [withheld] = [step for step in trace["steps"] if step["step"] == "withheld"]
    assert (withheld["because"], withheld["otherwise"]) == ("not looked at", "answered")
    assert "30 days" not in str(trace)


async def test_where_the_operator_has_opened_it_the_answer_says_so(
    serve_chat, served_moderator, moderator, knowledge, generation, admin_of
):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip. [1]"]}
    moderator.broken = True
    async with serve_chat(moderation=moderation(f"{served_moderator[1]}/v1", "open")) as client:
        admin = await admin_of(client, moderate_questions=True, moderate_answers=True)
        answer = await asked(client, admin)
    assert (answer["metadata"]["outcome"], answer["metadata"]["degraded"]) == ("answered", ["moderation"])


async def test_moderation_that_nobody_set_up_cant_be_asked_for(chat, person):
    admin = person(admin=True)
    response = await chat.patch("/admin/answers", json={"moderate_answers": True}, headers=admin.headers)
    assert (response.status_code, response.json()["code"]) == (422, "VALIDATION_ERROR")
    assert "moderate_answers" in response.text
    assert (await chat.patch("/admin/answers", json={"moderate_answers": False}, headers=admin.headers)).is_success
