"""What waits for an admin's review: badly rated answers, and questions that several people asked."""

import pytest

from services.chat.review import repository
from services.chat.review.repository import LEAST_PEOPLE
from tests.integration.services.chat.neighbours import passage

SENTENCE = "Receipts must be sent within 30 days of the trip."
RULES = passage(SENTENCE, "Travel policy")
QUESTION = "When must receipts of a trip be sent?"
UNKNOWN = "Who feeds the office cat?"
MADE = {"decision": "make_question", "set_name": "From people", "relevant": [{"external_id": "cat.md"}]}


@pytest.fixture
def organization(person):
    """An admin and as many members as it takes for a question to be nobody's in particular."""
    admin = person(admin=True)
    return admin, [person(admin.organization_id) for _ in range(LEAST_PEOPLE)]


async def ask(chat, someone, message: str, **fields) -> dict:
    response = await chat.post("/chat", json={"message": message, **fields}, headers=someone.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def waiting(chat, admin, **params) -> list[dict]:
    response = await chat.get("/admin/reviews", params=params, headers=admin.headers)
    assert response.status_code == 200, response.text
    return response.json()["items"]


async def decide(chat, admin, message_id: str, **body) -> dict:
    response = await chat.post(f"/admin/reviews/{message_id}", json=body, headers=admin.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def test_a_badly_rated_answer_waits_until_it_is_decided_or_rated_anew(
    chat, knowledge, generation, person, organization
):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [SENTENCE]}
    admin, (someone, *_) = organization
    answer, good = await ask(chat, someone, QUESTION), await ask(chat, someone, QUESTION)
    path = f"/chat/messages/{answer['message_id']}/feedback"
    await chat.put(path, json={"rating": 2, "comment": "Too short."}, headers=someone.headers)
    await chat.put(f"/chat/messages/{good['message_id']}/feedback", json={"rating": 3}, headers=someone.headers)
    [one] = await waiting(chat, admin)
    assert (one["message_id"], one["reasons"]) == (answer["message_id"], ["rated_low"])
    assert (one["question"], one["answer"], one["feedback"]["comment"]) == (QUESTION, f"{SENTENCE} [1]", "Too short.")
    assert "user_id" not in one
    assert one["owned"] is False
    knowledge.unreadable = {RULES.chunk_id}
    assert "30 days" not in str(await waiting(chat, admin))
    assert await waiting(chat, person(admin=True)) == []
    assert (await chat.get("/admin/reviews", headers=someone.headers)).status_code == 403

    assert (await decide(chat, admin, answer["message_id"], decision="dismiss"))["set_id"] is None
    assert await waiting(chat, admin) == []
    await chat.put(path, json={"rating": 1}, headers=someone.headers)
    assert len(await waiting(chat, admin)) == 1


async def test_what_was_imported_is_no_answer_of_the_organisations(chat, knowledge, generation, organization):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": [SENTENCE]}
    admin, (someone, *_) = organization
    session = (await ask(chat, someone, QUESTION))["session_id"]
    file = (await chat.get(f"/chat/sessions/{session}/export", headers=someone.headers)).json()
    imported = (await chat.post("/chat/sessions/import", json=file, headers=someone.headers)).json()
    page = await chat.get(f"/chat/sessions/{imported['id']}/messages", headers=someone.headers)
    invented = page.json()["items"][-1]["id"]
    rating = {"rating": 1}
    path = f"/chat/messages/{invented}/feedback"
    assert (await chat.put(path, json=rating, headers=someone.headers)).status_code == 204
    assert await waiting(chat, admin) == []
    assert (await chat.get("/admin/feedback", headers=admin.headers)).json()["items"] == []
    # What is asked on top of it is answered here.
    own = await ask(chat, someone, QUESTION, session_id=imported["id"])
    await chat.put(f"/chat/messages/{own['message_id']}/feedback", json=rating, headers=someone.headers)
    assert [one["message_id"] for one in await waiting(chat, admin)] == [own["message_id"]]
    given = (await chat.get("/admin/feedback", headers=admin.headers)).json()["items"]
    assert [one["message_id"] for one in given] == [own["message_id"]]


async def test_an_admins_own_answer_is_told_from_the_others(chat, knowledge, organization):
    admin, _ = organization
    answer = await ask(chat, admin, UNKNOWN)
    await chat.put(f"/chat/messages/{answer['message_id']}/feedback", json={"rating": 1}, headers=admin.headers)
    [one] = await waiting(chat, admin)
    assert one["owned"] is True
    assert (await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=admin.headers)).status_code == 200


async def test_an_unrated_question_is_seen_only_where_several_people_asked_it(chat, knowledge, organization):
    admin, people = organization
    variants = [UNKNOWN, "who  feeds the office cat", "Who feeds the OFFICE cat??"]
    for someone, message in zip(people[:-1], variants, strict=False):
        await ask(chat, someone, message)
        await ask(chat, someone, message)
    assert await waiting(chat, admin) == []
    last = await ask(chat, people[-1], variants[-1])
    [one] = await waiting(chat, admin)
    assert (one["reasons"], one["asked"], one["people"]) == (["abstained"], 2 * len(people) - 1, len(people))
    assert one["question"] in variants
    assert (one["answer"], one["sources"], one["feedback"], one["outcome"]) == (None, [], None, None)
    assert one["message_id"] == last["message_id"]


async def test_a_later_question_of_a_conversation_is_nobodys_to_see(chat, knowledge, organization):
    admin, people = organization
    for someone in people:
        session_id = (await ask(chat, someone, f"Is there a cat, {someone.user_id}?"))["session_id"]
        await ask(chat, someone, UNKNOWN, session_id=session_id)
    assert await waiting(chat, admin) == []


async def test_what_is_in_the_bin_waits_for_nobody(chat, knowledge, organization):
    admin, people = organization
    for someone in people:
        session_id = (await ask(chat, someone, UNKNOWN))["session_id"]
    assert len(await waiting(chat, admin)) == 1
    await chat.delete(f"/chat/sessions/{session_id}", headers=someone.headers)
    assert await waiting(chat, admin) == []


async def test_a_question_becomes_one_of_an_evaluation_set_and_waits_no_more(chat, knowledge, organization):
    admin, people = organization
    for someone in people:
        answer = await ask(chat, someone, UNKNOWN)
    made = await decide(chat, admin, answer["message_id"], **MADE, answers=["The porter"])
    [added] = knowledge.added
    assert (added.set_name, added.question.query) == ("From people", UNKNOWN)
    assert (added.question.relevant[0].external_id, added.question.answers) == ("cat.md", ["The porter"])
    assert (made["question_id"], made["set_id"]) == (added.question.id, str(knowledge.set_id))
    assert await waiting(chat, admin) == []
    again = await chat.post(f"/admin/reviews/{answer['message_id']}", json=MADE, headers=admin.headers)
    assert again.status_code == 404
    for someone in people[:-1]:
        await ask(chat, someone, UNKNOWN)
    assert await waiting(chat, admin) == []
    await ask(chat, people[-1], UNKNOWN)
    assert len(await waiting(chat, admin)) == 1


async def test_a_question_that_no_document_answers_becomes_one_too(chat, knowledge, organization):
    admin, people = organization
    for someone in people:
        answer = await ask(chat, someone, UNKNOWN)
    unanswerable = {"decision": "make_question", "set_name": "From people", "answerable": False}
    await decide(chat, admin, answer["message_id"], **unanswerable)
    [added] = knowledge.added
    assert (added.question.query, added.question.answerable, added.question.relevant) == (UNKNOWN, False, [])
    assert await waiting(chat, admin) == []


async def test_knowledge_being_away_leaves_it_waiting(chat, knowledge, organization):
    admin, people = organization
    for someone in people:
        answer = await ask(chat, someone, UNKNOWN)
    knowledge.away = True
    response = await chat.post(f"/admin/reviews/{answer['message_id']}", json=MADE, headers=admin.headers)
    assert response.status_code == 503
    assert len(await waiting(chat, admin)) == 1


async def test_nobody_reaches_a_question_by_guessing_an_id(chat, knowledge, person, organization):
    admin, (someone, *_) = organization
    answer = await ask(chat, someone, UNKNOWN)
    for who, status in ((admin, 404), (person(admin=True), 404), (someone, 403)):
        response = await chat.post(
            f"/admin/reviews/{answer['message_id']}", json={"decision": "dismiss"}, headers=who.headers
        )
        assert response.status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "keep"},
        {"decision": "make_question", "set_name": "From people"},
        {"decision": "make_question", "relevant": [{"external_id": "x"}]},
        {**MADE, "answerable": False},
        {"decision": "dismiss", "set_name": "From people"},
        {"decision": "dismiss", "answerable": False},
    ],
)
async def test_half_a_decision_is_refused(chat, organization, body):
    admin, _ = organization
    response = await chat.post(f"/admin/reviews/{admin.user_id}", json=body, headers=admin.headers)
    assert response.status_code == 422


async def test_pages_are_read_to_the_end_each_once(chat, knowledge, organization, monkeypatch):
    monkeypatch.setattr(repository, "OFTEN", LEAST_PEOPLE)
    admin, people = organization
    for number in range(3):
        for someone in people:
            answer = await ask(chat, someone, f"What is {number}?")
        await chat.put(
            f"/chat/messages/{answer['message_id']}/feedback", json={"rating": 1}, headers=people[-1].headers
        )
    found, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await chat.get("/admin/reviews", params=params, headers=admin.headers)).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(found) == 6
    assert [one["last_at"] for one in found] == sorted((one["last_at"] for one in found), reverse=True)
    assert sum("asked_often" in one["reasons"] for one in found) == 3
