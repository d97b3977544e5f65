"""What others see of a conversation: colleagues with whom it is shared, and admins to whom its answers are rated."""

import pytest

from tests.integration.services.chat.test_conversations import SENTENCE, change, sessions
from tests.integration.services.chat.test_sessions import QUESTION, RULES, ask, messages


@pytest.fixture(autouse=True)
def answering(knowledge, generation) -> None:
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [SENTENCE]}


async def test_a_shared_session_is_read_by_colleagues_as_far_as_each_may(chat, person, knowledge):
    owner = person()
    colleague, stranger = person(owner.organization_id), person()
    answer = await ask(chat, owner)
    session_id = answer["session_id"]
    await change(chat, owner, session_id, shared=True, pinned=True)
    (listed,) = await sessions(chat, colleague, which="shared")
    assert (listed["id"], listed["owned"], listed["pinned"]) == (session_id, False, False)
    assert await sessions(chat, stranger, which="shared") == await sessions(chat, colleague) == []
    assert (await messages(chat, colleague, session_id))["items"][1]["content"] == f"{SENTENCE} [1]"
    assert (await chat.get(f"/chat/sessions/{session_id}", headers=stranger.headers)).status_code == 404
    knowledge.unreadable = {RULES.chunk_id}
    assert "30 days" not in str(await messages(chat, colleague, session_id))
    exported = await chat.get(f"/chat/sessions/{session_id}/export", headers=colleague.headers)
    assert exported.status_code == 200
    assert "30 days" not in exported.text
    # Reading is all.
    for method, path, body in (
        ("POST", "/chat", {"message": "Mine?", "session_id": session_id}),
        ("PATCH", f"/chat/sessions/{session_id}", {"title": "Mine"}),
        ("DELETE", f"/chat/sessions/{session_id}", None),
        ("GET", f"/chat/messages/{answer['message_id']}/trace", None),
        ("POST", f"/chat/messages/{answer['message_id']}/regenerate", {}),
        ("PUT", f"/chat/messages/{answer['message_id']}/feedback", {"rating": 1}),
    ):
        assert (await chat.request(method, path, json=body, headers=colleague.headers)).status_code == 404
    await change(chat, owner, session_id, shared=False)
    assert (await chat.get(f"/chat/sessions/{session_id}", headers=colleague.headers)).status_code == 404


async def test_words_of_a_branch_that_isnt_shown_find_nothing_for_colleagues(chat, person):
    owner = person()
    colleague = person(owner.organization_id)
    session_id = (await ask(chat, owner))["session_id"]
    await ask(chat, owner, session_id, "Who handles the redundancies?")
    replaced = (await messages(chat, owner, session_id))["items"][2]["id"]
    body = {"message": "Who handles receipts?", "session_id": session_id, "edit_of": replaced}
    assert (await chat.post("/chat", json=body, headers=owner.headers)).status_code == 200
    await change(chat, owner, session_id, shared=True)
    assert [one["id"] for one in await sessions(chat, owner, q="redundancies")] == [session_id]
    assert [one["id"] for one in await sessions(chat, colleague, which="shared", q="handles receipts")] == [session_id]
    assert await sessions(chat, colleague, which="shared", q="redundancies") == []


async def test_feedback_is_the_askers_to_give_and_the_admins_to_read(chat, person, knowledge):
    someone = person()
    admin, elsewhere = person(someone.organization_id, admin=True), person(admin=True)
    good, bad = await ask(chat, someone), await ask(chat, someone)
    for answer, rating in ((good, 5), (bad, 4), (bad, 1)):
        path = f"/chat/messages/{answer['message_id']}/feedback"
        body = {"rating": rating, "comment": "Not what I asked." if rating == 1 else ""}
        assert (await chat.put(path, json=body, headers=someone.headers)).status_code == 204
    shown = (await messages(chat, someone, bad["session_id"]))["items"][1]
    assert shown["feedback"] == {"rating": 1, "comment": "Not what I asked."}
    listed = (await chat.get("/admin/feedback", headers=admin.headers)).json()["items"]
    assert [one["feedback"]["rating"] for one in listed] == [1, 5]
    worst = (await chat.get("/admin/feedback", params={"max_rating": 2}, headers=admin.headers)).json()["items"]
    assert [(one["question"], one["answer"]) for one in worst] == [(QUESTION, f"{SENTENCE} [1]")]
    knowledge.unreadable = {RULES.chunk_id}
    hidden = (await chat.get("/admin/feedback", headers=admin.headers)).json()["items"]
    assert "30 days" not in str(hidden)
    assert (await chat.get("/admin/feedback", headers=elsewhere.headers)).json()["items"] == []
    assert (await chat.get("/admin/feedback", headers=someone.headers)).status_code == 403
    assert (await chat.delete(path, headers=someone.headers)).status_code == 204
    assert (await chat.delete(path, headers=someone.headers)).status_code == 404


@pytest.mark.parametrize("body", [{"rating": 0}, {"rating": 6}, {"rating": 3.5}, {"rating": 3, "comment": "x" * 2001}])
async def test_feedback_out_of_bounds_is_refused(chat, person, body):
    someone = person()
    path = f"/chat/messages/{(await ask(chat, someone))['message_id']}/feedback"
    assert (await chat.put(path, json=body, headers=someone.headers)).status_code == 422
