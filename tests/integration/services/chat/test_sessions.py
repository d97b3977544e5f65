from uuid import uuid4

from tests.integration.services.chat.neighbours import passage

RULES = passage("Receipts must be sent within 30 days of the trip. Business class requires approval.", "Travel policy")
OTHER = passage("Trip receipts must be sent to the travel desk.", "Desk")
QUESTION = "When must receipts of a trip be sent?"


async def ask(chat, someone, session_id: str | None = None, message: str = QUESTION) -> dict:
    body = {"message": message} | ({"session_id": session_id} if session_id else {})
    response = await chat.post("/chat", json=body, headers=someone.headers)
    assert response.status_code == 200, response.text
    return response.json()


async def messages(chat, someone, session_id: str, **params: object) -> dict:
    response = await chat.get(f"/chat/sessions/{session_id}/messages", params=params, headers=someone.headers)
    assert response.status_code == 200
    return response.json()


async def test_a_conversation_is_kept_with_all_that_its_answers_carried(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    answer = await ask(chat, someone)
    question, stored = (await messages(chat, someone, answer["session_id"]))["items"]
    assert (question["role"], question["content"], question["status"]) == ("user", QUESTION, "completed")
    assert stored["id"] == answer["message_id"]
    assert stored["content"] == answer["answer"]
    assert {key: stored[key] for key in ("citations", "sources", "metadata")} == {
        key: answer[key] for key in ("citations", "sources", "metadata")
    }


async def test_history_survives_a_restart(serve_chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    someone = person()
    async with serve_chat() as chat:
        answer = await ask(chat, someone)
    async with serve_chat() as chat:
        assert len((await messages(chat, someone, answer["session_id"]))["items"]) == 2


async def test_sessions_are_listed_by_pages_latest_first(chat, person, generation):
    someone = person()
    ids = [(await ask(chat, someone, message=f"Question {number}?"))["session_id"] for number in range(5)]
    await ask(chat, someone, ids[0])
    expected = [ids[0], *reversed(ids[1:])]
    listed: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await chat.get("/chat/sessions", params=params, headers=someone.headers)).json()
        listed += [session["id"] for session in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == expected
    session = (await chat.get(f"/chat/sessions/{ids[1]}", headers=someone.headers)).json()
    assert session["title"] == "Question 1?"


async def test_messages_are_paged_oldest_first(chat, person, generation):
    someone = person()
    session_id = (await ask(chat, someone, message="One?"))["session_id"]
    await ask(chat, someone, session_id, message="Two?")
    first = await messages(chat, someone, session_id, limit=3)
    rest = await messages(chat, someone, session_id, limit=3, cursor=first["next_cursor"])
    assert [one["content"] for one in first["items"] + rest["items"] if one["role"] == "user"] == ["One?", "Two?"]
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (3, 1, None)


async def test_a_made_up_cursor_is_refused(chat, person, generation):
    someone = person()
    session_id = (await ask(chat, someone))["session_id"]
    for path in ("/chat/sessions", f"/chat/sessions/{session_id}/messages"):
        response = await chat.get(path, params={"cursor": "x" * 30}, headers=someone.headers)
        assert (response.status_code, response.json()["code"]) == (422, "VALIDATION_ERROR")


async def test_nobody_else_reaches_a_session(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    owner = person()
    answer = await ask(chat, owner)
    session_id, message_id = answer["session_id"], answer["message_id"]
    for stranger in (person(), person(owner.organization_id)):
        for method, path in (
            ("GET", f"/chat/sessions/{session_id}"),
            ("GET", f"/chat/sessions/{session_id}/messages"),
            ("DELETE", f"/chat/sessions/{session_id}"),
            ("DELETE", f"/chat/sessions/{session_id}?purge=true"),
            ("PATCH", f"/chat/sessions/{session_id}"),
            ("POST", f"/chat/sessions/{session_id}/restore"),
            ("GET", f"/chat/sessions/{session_id}/export"),
            ("POST", f"/chat/messages/{message_id}/regenerate"),
            ("POST", f"/chat/messages/{message_id}/stop"),
            ("PUT", f"/chat/messages/{message_id}/feedback"),
            ("DELETE", f"/chat/messages/{message_id}/feedback"),
            ("GET", f"/chat/messages/{message_id}/trace"),
        ):
            body = {"rating": 1} if method == "PUT" else {} if method in {"PATCH", "POST"} else None
            response = await chat.request(method, path, headers=stranger.headers, json=body)
            elsewhere = path.replace(session_id, str(uuid4())).replace(message_id, str(uuid4()))
            unknown = await chat.request(method, elsewhere, headers=stranger.headers, json=body)
            assert response.status_code == unknown.status_code == 404
            words = response.json()["message"].replace(session_id, "X").replace(message_id, "X")
            assert words[: words.index("'")] == unknown.json()["message"][: words.index("'")]
        body = {"message": "Mine?", "session_id": session_id}
        assert (await chat.post("/chat", json=body, headers=stranger.headers)).status_code == 404
        assert (await chat.get("/chat/sessions", headers=stranger.headers)).json()["items"] == []
    assert len((await messages(chat, owner, session_id))["items"]) == 2


async def test_sources_that_may_no_longer_be_read_are_blanked(chat, knowledge, generation, person):
    knowledge.passages = [RULES, OTHER]
    generation.scripts = {
        "llm": [
            "Trip receipts must be sent to the travel desk. Receipts must be sent within 30 days of the trip. The sun is hot."
        ]
    }
    someone = person()
    answer = await ask(chat, someone)
    assert answer["answer"] == (
        "Trip receipts must be sent to the travel desk. [2] Receipts must be sent within 30 days of the trip. [1]"
    )
    knowledge.unreadable = {OTHER.chunk_id}
    _, stored = (await messages(chat, someone, answer["session_id"]))["items"]
    assert "desk" not in str(stored).casefold()
    kept, hidden = stored["sources"]
    assert kept["excerpt"] == RULES.content
    assert (hidden["title"], hidden["excerpt"], hidden["external_id"]) == (
        "no longer available",
        "no longer available",
        None,
    )
    assert hidden["location"]["heading_path"] == []
    gone, still = stored["citations"]
    assert stored["content"][still["start"] : still["end"]] == "Receipts must be sent within 30 days of the trip."
    assert (gone["spans"], still["n"]) == ([], 1)
    trace = (await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=someone.headers)).json()
    assert "Desk" not in str(trace)
    assert "sun" not in str(trace)
    assert "Travel policy" in str(trace)


async def test_while_knowledge_is_away_no_excerpt_is_shown_and_nothing_is_said_to_be_gone(
    chat, knowledge, generation, person
):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    answer = await ask(chat, someone)
    knowledge.away = True
    _, stored = (await messages(chat, someone, answer["session_id"]))["items"]
    assert stored["content"] == "(This sentence's sources can't be checked right now.) [1]"
    assert stored["sources"][0]["excerpt"] == "can't be checked right now"
    trace = await chat.get(f"/chat/messages/{answer['message_id']}/trace", headers=someone.headers)
    assert trace.status_code == 503


async def test_two_organisations_see_only_their_own(chat, knowledge, generation, person):
    one, other = person(), person()
    first, second = await ask(chat, one, message="Ours?"), await ask(chat, other, message="Theirs?")
    for someone, answer in ((one, first), (other, second)):
        listed = (await chat.get("/chat/sessions", headers=someone.headers)).json()["items"]
        assert [session["id"] for session in listed] == [answer["session_id"]]
