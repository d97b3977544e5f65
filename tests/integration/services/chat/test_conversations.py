"""What people do with conversations besides asking."""

import asyncio
import base64
import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.chat.conversations.repository import purge_deleted
from tests.integration.services.chat.test_sessions import QUESTION, RULES, ask, messages
from tests.integration.services.chat.waiting import until

SENTENCE = "Receipts must be sent within 30 days of the trip."
OTHER_SENTENCE = "Within 30 days of the trip, its receipts must be sent."


@pytest.fixture(autouse=True)
def answering(knowledge, generation) -> None:
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [SENTENCE]}


async def sessions(chat, someone, **params: object) -> list[dict]:
    response = await chat.get("/chat/sessions", params=params, headers=someone.headers)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def change(chat, someone, session_id: str, **changed: object) -> dict:
    response = await chat.patch(f"/chat/sessions/{session_id}", json=changed, headers=someone.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_renaming_and_pinning_keep_the_order_of_the_rest(chat, person):
    someone = person()
    ids = [(await ask(chat, someone, message=f"Question {number}?"))["session_id"] for number in range(4)]
    assert (await change(chat, someone, ids[0], title="  Trips \n of 2026 "))["title"] == "Trips of 2026"
    await change(chat, someone, ids[1], pinned=True)
    listed = [one["id"] for one in await sessions(chat, someone)]
    assert listed == [ids[1], ids[3], ids[2], ids[0]]
    paged: list[str] = []
    cursor = None
    while True:
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await chat.get("/chat/sessions", params=params, headers=someone.headers)).json()
        paged += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == listed


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": " \n "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"pinned": "perhaps"}, "pinned"),
        ({"colour": "red"}, "colour"),
        ({"current_message_id": str(uuid4())}, "current_message_id"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_a_wrong_change_is_refused_by_name(chat, person, changed, field):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    response = await chat.patch(f"/chat/sessions/{session_id}", json=changed, headers=someone.headers)
    assert response.status_code == 422
    assert field in [one["field"] for one in response.json()["details"]["fields"]]


async def test_sessions_are_found_by_words_of_their_title_and_questions(chat, person):
    someone, colleague = person(), None
    colleague = person(someone.organization_id)
    parking = (await ask(chat, someone, message="Where do visitors park?"))["session_id"]
    trips = (await ask(chat, someone))["session_id"]
    await ask(chat, colleague, message="Where do visitors park?")
    await change(chat, someone, trips, title="Expenses")
    assert [one["id"] for one in await sessions(chat, someone, q="visitors park")] == [parking]
    assert [one["id"] for one in await sessions(chat, someone, q="expenses")] == [trips]
    assert [one["id"] for one in await sessions(chat, someone, q="receipts -park")] == [trips]
    assert await sessions(chat, someone, q="nowhere") == []
    # The last word may still be being typed, as its beginning finds; the others are whole.
    assert [one["id"] for one in await sessions(chat, someone, q="visitors pa")] == [parking]
    assert await sessions(chat, someone, q="visit park") == []
    await change(chat, someone, trips, title="🚢 今日のミュンヘンの天気")
    for part_of_title in ("🚢", "ミュンヘン"):
        assert [one["id"] for one in await sessions(chat, someone, q=part_of_title)] == [trips]
    for strange in ("'", '"', "& | !", "((", "\\", "%", '-"a b"', "a' b", "a:*", "or"):
        await sessions(chat, someone, q=strange)
    refused = await chat.get("/chat/sessions", params={"q": "park\x00"}, headers=someone.headers)
    assert refused.status_code == 422


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["é", "x", _cursor("5"), _cursor("[" * 20_000), _cursor(f'[true, "0001-01-01T00:00:00+14:00", "{uuid4()}"]')],
    ids=["letter", "base64", "number", "deep", "year"],
)
async def test_a_cursor_that_isnt_ours_is_refused(chat, person, cursor):
    response = await chat.get("/chat/sessions", params={"cursor": cursor}, headers=person().headers)
    assert (response.status_code, response.json()["details"]["fields"][0]["field"]) == (422, "cursor")


async def test_a_deleted_session_lies_in_the_bin_and_comes_back(chat, person, query):
    someone = person()
    answer = await ask(chat, someone)
    session_id = answer["session_id"]
    assert (await chat.delete(f"/chat/sessions/{session_id}", headers=someone.headers)).status_code == 204
    for path in (
        f"/chat/sessions/{session_id}",
        f"/chat/sessions/{session_id}/messages",
        f"/chat/sessions/{session_id}/export",
        f"/chat/messages/{answer['message_id']}/trace",
    ):
        assert (await chat.get(path, headers=someone.headers)).status_code == 404
    again = {"message": "And now?", "session_id": session_id}
    assert (await chat.post("/chat", json=again, headers=someone.headers)).status_code == 404
    assert await sessions(chat, someone) == []
    assert [one["id"] for one in await sessions(chat, someone, which="deleted")] == [session_id]
    restored = await chat.post(f"/chat/sessions/{session_id}/restore", headers=someone.headers)
    assert restored.json()["deleted_at"] is None
    assert len((await messages(chat, someone, session_id))["items"]) == 2
    assert (await chat.post(f"/chat/sessions/{session_id}/restore", headers=someone.headers)).status_code == 404


@pytest.mark.parametrize("binned", [True, False])
async def test_a_purged_session_leaves_nothing(chat, person, query, binned):
    someone = person()
    answer = await ask(chat, someone)
    session_id = answer["session_id"]
    path = f"/chat/messages/{answer['message_id']}/feedback"
    await chat.put(path, json={"rating": 2}, headers=someone.headers)
    if binned:
        await chat.delete(f"/chat/sessions/{session_id}", headers=someone.headers)
    purged = await chat.delete(f"/chat/sessions/{session_id}", params={"purge": True}, headers=someone.headers)
    assert purged.status_code == 204
    for table in ("sessions", "messages", "traces", "feedback"):
        left = await query(f"SELECT 1 FROM chat.{table} WHERE user_id = :id", id=someone.user_id)  # noqa: S608 - ours
        assert left == []


async def test_the_bin_empties_itself(serve_chat, person, query):
    someone = person()
    async with serve_chat(bin_days=1e-9) as chat:
        kept = (await ask(chat, someone))["session_id"]
        session_id = (await ask(chat, someone))["session_id"]
        await chat.delete(f"/chat/sessions/{session_id}", headers=someone.headers)
    async with serve_chat(bin_days=1e-9):

        async def left() -> list | None:
            rows = await query("SELECT id FROM chat.sessions WHERE user_id = :id", id=someone.user_id)
            return rows if len(rows) == 1 else None

        assert [str(row["id"]) for row in await until(left)] == [kept]


async def test_what_is_being_restored_isnt_purged(chat, person, query, database):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    await chat.delete(f"/chat/sessions/{session_id}", headers=someone.headers)
    await query(
        "UPDATE chat.sessions SET deleted_at = now() - interval '1 day' WHERE id = :id RETURNING id", id=session_id
    )
    async with database.transaction() as restoring, database.transaction() as purging:
        restored = text("UPDATE chat.sessions SET deleted_at = NULL WHERE id = :id")
        await restoring.execute(restored, {"id": session_id})
        async with asyncio.timeout(10):
            await purge_deleted(purging, timedelta(hours=1))
    assert [one["id"] for one in await sessions(chat, someone)] == [session_id]


async def test_another_answer_to_a_question_stands_beside_the_first(chat, person, knowledge, generation):
    someone = person()
    first = await ask(chat, someone)
    session_id = first["session_id"]
    later = await ask(chat, someone, session_id, "And for interns?")
    generation.scripts = {"extractive": [OTHER_SENTENCE]}
    path = f"/chat/messages/{first['message_id']}/regenerate"
    again = (await chat.post(path, json={}, headers=someone.headers)).json()
    assert again["answer"] == f"{OTHER_SENTENCE} [1]"
    question, shown = (await messages(chat, someone, session_id))["items"]
    assert (question["content"], shown["id"]) == (QUESTION, again["message_id"])
    assert shown["versions"] == [first["message_id"], again["message_id"]]
    await change(chat, someone, session_id, current_message_id=first["message_id"])
    whole = (await messages(chat, someone, session_id))["items"]
    assert [one["content"] for one in whole if one["role"] == "user"] == [QUESTION, "And for interns?"]
    assert whole[-1]["id"] == later["message_id"]
    # A follow-up goes on from the branch that is shown.
    await change(chat, someone, session_id, current_message_id=again["message_id"])
    await ask(chat, someone, session_id, "And for guests?")
    assert knowledge.queries[-1] == "When must receipts of a trip be sent for guests?"


async def test_an_edited_question_makes_a_branch_of_its_own(chat, person):
    someone = person()
    first = await ask(chat, someone)
    session_id = first["session_id"]
    await ask(chat, someone, session_id, "And for interns?")
    asked = (await messages(chat, someone, session_id))["items"][2]
    body = {"message": "And for drivers?", "session_id": session_id, "edit_of": asked["id"]}
    assert (await chat.post("/chat", json=body, headers=someone.headers)).status_code == 200
    shown = (await messages(chat, someone, session_id))["items"]
    assert [one["content"] for one in shown if one["role"] == "user"] == [QUESTION, "And for drivers?"]
    assert shown[2]["versions"] == [asked["id"], shown[2]["id"]]
    for unknown in (str(uuid4()), first["message_id"]):
        wrong = body | {"edit_of": unknown}
        assert (await chat.post("/chat", json=wrong, headers=someone.headers)).status_code == 404
    nowhere = {"message": "And for drivers?", "edit_of": asked["id"]}
    assert (await chat.post("/chat", json=nowhere, headers=someone.headers)).status_code == 422


async def test_two_questions_at_once_stand_one_after_the_other(chat, person):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    await asyncio.gather(*(ask(chat, someone, session_id, f"Number {number}?") for number in range(4)))
    shown = (await messages(chat, someone, session_id))["items"]
    assert len(shown) == 10
    assert [one["parent_id"] for one in shown] == [None, *(one["id"] for one in shown[:-1])]


async def test_an_answer_is_stopped_from_elsewhere(serve_chat, person, generation, query):
    someone = person()
    generation.scripts = {"extractive": [f"{SENTENCE} ", asyncio.Event()]}
    async with serve_chat() as making, serve_chat() as other:

        async def read() -> None:
            body = {"message": QUESTION, "stream": True}
            async with making.stream("POST", "/chat", json=body, headers=someone.headers) as response:
                async for _ in response.aiter_lines():
                    pass

        reading = asyncio.create_task(read())

        async def being_made() -> dict | None:
            rows = await query(
                "SELECT id FROM chat.messages WHERE user_id = :id AND role <> 'user'", id=someone.user_id
            )
            return rows[0] if rows and generation.asked.is_set() else None

        answer_id = (await until(being_made))["id"]
        assert (await other.post(f"/chat/messages/{answer_id}/stop", headers=someone.headers)).status_code == 204
        await asyncio.wait_for(reading, 10)
        await asyncio.wait_for(generation.cancelled.wait(), 10)
        # Once more does nothing.
        assert (await other.post(f"/chat/messages/{answer_id}/stop", headers=someone.headers)).status_code == 204
    rows = await query("SELECT status FROM chat.messages WHERE id = :id", id=answer_id)
    assert rows == [{"status": "stopped"}]


@pytest.mark.parametrize("purge", [False, True], ids=["binned", "purged"])
async def test_deleting_a_session_ends_the_answer_that_is_being_written(chat, person, generation, query, purge):
    someone = person()
    generation.scripts = {"extractive": [f"{SENTENCE} ", asyncio.Event()]}
    asking = asyncio.create_task(chat.post("/chat", json={"message": QUESTION}, headers=someone.headers))

    async def being_made() -> dict | None:
        rows = await query(
            "SELECT id, session_id FROM chat.messages WHERE user_id = :id AND role <> 'user'", id=someone.user_id
        )
        return rows[0] if rows and generation.asked.is_set() else None

    answer = await until(being_made)
    path = f"/chat/sessions/{answer['session_id']}"
    deleted = await chat.delete(path, params={"purge": purge}, headers=someone.headers)
    assert deleted.status_code == 204
    await asyncio.wait_for(generation.cancelled.wait(), 10)
    assert (await asyncio.wait_for(asking, 10)).status_code == 503
    rows = await query("SELECT status FROM chat.messages WHERE id = :id", id=answer["id"])
    assert rows == ([] if purge else [{"status": "stopped"}])


async def test_a_long_question_is_answered_once_more(chat, person):
    someone = person()
    body = {"messages": [{"role": "user", "content": f"{QUESTION} {'Please. ' * 1_000}"}]}
    said = (await chat.post("/v1/chat/completions", json=body, headers=someone.headers)).json()["footnote"]
    again = await chat.post(f"/chat/messages/{said['message_id']}/regenerate", json={}, headers=someone.headers)
    assert (again.status_code, again.json()["session_id"]) == (200, said["session_id"])


async def test_a_programs_history_may_have_what_cant_be_stored(chat, person, knowledge):
    earlier = {"role": "user", "content": f"{QUESTION}\x00"}
    body = {"messages": [earlier, {"role": "user", "content": "And for interns?"}]}
    answered = await chat.post("/v1/chat/completions", json=body, headers=person().headers)
    assert answered.status_code == 200
    assert knowledge.queries[-1] == "When must receipts of a trip be sent for interns?"
    body["messages"][0]["content"] = "Receipts? " * 50_000
    await chat.post("/v1/chat/completions", json=body, headers=person().headers)
    assert len(knowledge.queries[-1]) < 33_000


async def test_a_programs_follow_up_is_answered_once_more_with_what_was_asked_before(chat, person, knowledge):
    someone = person()
    earlier = [
        {"role": "user", "content": "Who feeds the office cat?"},
        {"role": "assistant", "content": "I don't know."},
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": SENTENCE},
    ]
    body = {"messages": [*earlier, {"role": "user", "content": "And for interns?"}]}
    said = (await chat.post("/v1/chat/completions", json=body, headers=someone.headers)).json()["footnote"]
    for _ in range(2):
        path = f"/chat/messages/{said['message_id']}/regenerate"
        said = (await chat.post(path, json={}, headers=someone.headers)).json()
    assert knowledge.queries == ["When must receipts of a trip be sent for interns?"] * 3


@pytest.mark.parametrize("content", ["\ud800", [{"type": "text", "text": "\ud800"}]], ids=["text", "part"])
async def test_half_a_character_is_refused_in_openais_words(chat, person, content):
    body = json.dumps({"messages": [{"role": "user", "content": content}]})
    headers = person().headers | {"Content-Type": "application/json"}
    refused = await chat.post("/v1/chat/completions", content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
