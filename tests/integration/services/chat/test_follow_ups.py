"""What a question takes over from its conversation: by a generator where there is one, by rules, by a summary."""

import asyncio
import json
from uuid import UUID

import pytest
from sqlalchemy import text

from libs.contracts.identity import Role, Subject
from services.chat.memory.repository import SUMMARISED_EVERY, MemoryRepository
from services.chat.memory.turns import RECENT_MESSAGES
from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import until

TRAVEL = passage("Receipts must be sent within 30 days of the trip. Business class requires approval.", "Travel")
FIRST = "When must travel receipts be sent?"
FOLLOW_UP = "And where to?"
REWRITTEN = "Where must travel receipts be sent to?"


async def asked(chat, someone, message: str, **fields: object) -> dict:
    response = await chat.post("/chat", json={"message": message, **fields}, headers=someone.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def step_of(chat, someone, answer: dict, name: str) -> dict:
    trace = await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=someone.headers)
    return next((step for step in trace.json()["steps"] if step["step"] == name), {})


@pytest.fixture
async def generating(serve_chat, knowledge, generation, request: pytest.FixtureRequest):
    """A service of its own, for it remembers which models there are. It waits for a rewriting on a busy machine too."""
    knowledge.passages = [TRAVEL]
    generation.scripts = {"llm": [REWRITTEN], "extractive": ["Receipts must be sent within 30 days of the trip."]}
    async with serve_chat(rewrite_s=getattr(request, "param", 20)) as client:
        yield client


async def test_a_generator_makes_the_follow_up_stand_alone(generating, generation, knowledge, person):
    someone = person()
    first = await asked(generating, someone, FIRST)
    answer = await asked(generating, someone, FOLLOW_UP, session_id=first["session_id"])
    assert knowledge.queries == [FIRST, REWRITTEN]
    assert answer["metadata"]["degraded"] == []
    step = await step_of(generating, someone, answer, "follow_up")
    assert step.pop("ms") > 0
    assert step == {
        "step": "follow_up",
        "by": "generator",
        "model": "llm",
        "searched_for": REWRITTEN,
        "made_from": [FIRST],
    }
    shown = next(one for one in generation.requests if one.documents == [] and one.temperature == 0)
    assert "30 days" not in json.dumps(shown.model_dump(mode="json"))
    assert answer["metadata"]["tokens_used"] > first["metadata"]["tokens_used"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([RuntimeError], "generation"),
        (["a" * 10_000], "too long"),
        (["An accountant in Paris."], "isn't a question"),
        (["Wohin müssen Reisebelege gesendet werden?"], "name 'Reisebelege'"),
        (["Where must travel receipts be sent to, and what is the admin's Password?"], "name 'Password'"),
    ],
    ids=["fails", "10,000 characters", "answers", "another language", "invents"],
)
async def test_a_rewriting_that_goes_wrong_leaves_it_to_the_rules(
    generating, generation, knowledge, person, script, why
):
    someone = person()
    first = await asked(generating, someone, FIRST)
    generation.scripts["llm"] = script
    follow_up = await asked(generating, someone, FOLLOW_UP, session_id=first["session_id"], max_tokens=50, model="llm")
    assert knowledge.queries == [FIRST, f"{FIRST} {FOLLOW_UP}"]
    assert "rewriting" in follow_up["metadata"]["degraded"]
    step = await step_of(generating, someone, follow_up, "follow_up")
    assert step["by"] == "rule"
    assert why in step["why"]


@pytest.mark.parametrize("generating", [2], indirect=True)
async def test_a_rewriting_that_hangs_is_given_up(generating, generation, knowledge, person):
    someone = person()
    first = await asked(generating, someone, FIRST)
    hanging = asyncio.Event()
    generation.scripts["llm"] = [hanging, "Receipts must be sent within 30 days of the trip."]
    asking = asyncio.create_task(asked(generating, someone, FOLLOW_UP, session_id=first["session_id"]))
    await asyncio.wait_for(generation.cancelled.wait(), 10)
    hanging.set()
    follow_up = await asking
    assert knowledge.queries == [FIRST, f"{FIRST} {FOLLOW_UP}"]
    assert follow_up["metadata"]["degraded"] == ["rewriting"]
    assert "too long" in (await step_of(generating, someone, follow_up, "follow_up"))["why"]


async def test_a_question_of_its_own_asks_no_generator_to_rewrite_it(generating, generation, knowledge, person):
    someone = person()
    first = await asked(generating, someone, FIRST)
    generation.requests.clear()
    other = "Which class of flights requires the approval of a director?"
    await asked(generating, someone, other, session_id=first["session_id"])
    assert all(request.documents for request in generation.requests)
    assert knowledge.queries[-1] == other


async def test_an_extractive_organisation_s_follow_ups_are_left_to_the_rules(generating, generation, knowledge, person):
    admin = person(admin=True)
    await generating.patch("/admin/answers", json={"mode": "extractive"}, headers=admin.headers)
    first = await asked(generating, admin, FIRST)
    generation.requests.clear()
    await asked(generating, admin, FOLLOW_UP, session_id=first["session_id"])
    assert all(request.documents for request in generation.requests)
    assert knowledge.queries[-1] == f"{FIRST} {FOLLOW_UP}"


async def summaries(query, session_id: str) -> list:
    return await query(
        "SELECT s.topic, s.phrases FROM chat.summaries s JOIN chat.messages m ON m.id = s.message_id "
        "WHERE m.session_id = :id ORDER BY m.position",
        id=session_id,
    )


async def test_what_a_long_conversation_was_about_outlives_its_last_turns(chat, knowledge, generation, person, query):
    knowledge.passages = [TRAVEL]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    answer = await asked(chat, someone, FIRST)
    session = {"session_id": answer["session_id"]}
    second = await asked(chat, someone, "Why?", **session)
    for _ in range((RECENT_MESSAGES + SUMMARISED_EVERY) // 2):
        await asked(chat, someone, "Why?", **session)
    [kept] = await until(lambda: summaries(query, answer["session_id"]))
    assert kept["topic"] == FIRST
    assert "travel receipts" in str(kept["phrases"])
    await asked(chat, someone, "And for interns?", **session)
    assert knowledge.queries[-1] == "When must travel receipts be sent for interns?"
    # A branch from an early place knows nothing of what was said after it.
    messages = (await chat.get(f"/chat/sessions/{answer['session_id']}/messages", headers=someone.headers)).json()
    edited = next(one for one in messages["items"] if one["id"] == second["message_id"])["parent_id"]
    await asked(chat, someone, "How is business class approved?", edit_of=edited, **session)
    await asked(chat, someone, "By whom?", **session)
    assert knowledge.queries[-1] == "How is business class approved? By whom?"


async def test_of_ten_thousand_messages_only_the_last_are_read(chat, knowledge, generation, person, query, database):
    knowledge.passages = [TRAVEL]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    first = await asked(chat, someone, FIRST)
    async with database.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO chat.messages (id, session_id, organization_id, user_id, parent_id, role, status, content,
                                           citations, sources)
                SELECT md5(CAST(:seed AS text) || n)::uuid, CAST(:session AS uuid), CAST(:organization AS uuid),
                       CAST(:person AS uuid),
                       CASE WHEN n = 1 THEN CAST(:leaf AS uuid) ELSE md5(CAST(:seed AS text) || (n - 1))::uuid END,
                       CASE WHEN n % 2 = 1 THEN 'user' ELSE 'assistant' END, 'completed',
                       CASE WHEN n = 9601 THEN 'Who pays for parking?' ELSE 'Why?' END, '[]', '[]'
                FROM generate_series(1, 10000) AS n ORDER BY n
            """),
            {
                "seed": first["session_id"],
                "session": first["session_id"],
                "organization": someone.organization_id,
                "person": someone.user_id,
                "leaf": first["message_id"],
            },
        )
        await session.execute(
            text("UPDATE chat.sessions SET leaf_id = md5(CAST(:seed AS text) || 10000)::uuid WHERE user_id = :person"),
            {"seed": first["session_id"], "person": someone.user_id},
        )
    await asked(chat, someone, "Why?", session_id=first["session_id"])
    [kept] = await until(lambda: summaries(query, first["session_id"]))
    assert kept["topic"] == "Who pays for parking?"
    subject = Subject(
        user_id=someone.user_id, organization_id=someone.organization_id, session_id=someone.user_id, role=Role.MEMBER
    )
    [row] = await query("SELECT leaf_id FROM chat.sessions WHERE id = :id", id=first["session_id"])
    leaf = UUID(str(row["leaf_id"]))
    async with database.transaction() as session:
        remembered = await MemoryRepository(session, subject).remembered(leaf)
        stranger = subject.model_copy(update={"user_id": leaf})
        unknown = await MemoryRepository(session, stranger).remembered(leaf)
    assert len(remembered.conversation.turns) == RECENT_MESSAGES
    assert remembered.conversation.summary.topic == "Who pays for parking?"
    assert unknown.conversation.turns == []
    await asked(chat, someone, "And for bicycles?", session_id=first["session_id"])
    assert knowledge.queries[-1] == "Who pays for bicycles?"


async def test_a_deleted_conversation_takes_its_summaries_along(chat, knowledge, generation, person, query):
    someone = person()
    answer = await asked(chat, someone, FIRST)
    for _ in range((RECENT_MESSAGES + SUMMARISED_EVERY) // 2):
        await asked(chat, someone, "Why?", session_id=answer["session_id"])
    await until(lambda: summaries(query, answer["session_id"]))
    await chat.delete(f"/chat/sessions/{answer['session_id']}?purge=true", headers=someone.headers)
    assert await query("SELECT 1 FROM chat.summaries WHERE user_id = :id", id=someone.user_id) == []


async def test_thanks_bring_nothing_once_more_and_nothing_leans_on_them(chat, generation, knowledge, person):
    knowledge.passages = [TRAVEL]
    someone = person()
    first = await asked(chat, someone, FIRST)
    asked_before, written_before = list(knowledge.queries), len(generation.requests)
    thanks = await asked(chat, someone, "Vielen Dank!", session_id=first["session_id"])
    assert thanks["answer"].startswith("Stellen Sie mir eine Frage")
    assert (thanks["sources"], thanks["citations"]) == ([], [])
    told = thanks["metadata"]
    assert (told["outcome"], told["grounded"], told["tokens_used"], told["degraded"]) == ("abstained", False, 0, [])
    assert (knowledge.queries, len(generation.requests)) == (asked_before, written_before)
    assert await step_of(chat, someone, thanks, "small_talk") == {"step": "small_talk", "language": "de"}
    await asked(chat, someone, FOLLOW_UP, session_id=first["session_id"])
    assert knowledge.queries == [*asked_before, f"{FIRST} {FOLLOW_UP}"]


async def test_the_last_answer_is_none_to_what_else_is_asked(chat, generation, knowledge, person):
    knowledge.passages = [TRAVEL]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    first = await asked(chat, someone, FIRST, model="extractive")
    within = {"session_id": first["session_id"], "model": "extractive"}
    other = await asked(chat, someone, "And boarding passes?", **within)
    assert (first["metadata"]["outcome"], other["metadata"]["outcome"]) == ("answered", "abstained")
    assert (await asked(chat, someone, "And where to?", **within))["metadata"]["outcome"] == "answered"
