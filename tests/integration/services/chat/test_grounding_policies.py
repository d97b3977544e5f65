"""What becomes of unsupported sentences, of generators that an organisation doesn't want, and of weaker answers."""

import json
from datetime import UTC, datetime

from httpx_sse import EventSource

from tests.integration.services.chat.neighbours import passage

RULES = passage(
    "Receipts must be sent within 30 days of the trip. Business class requires approval by a director.", "Travel policy"
)
OLD = passage("Receipts must be sent within 60 days of the trip.", "Travel policy of old")
QUESTION = "Within how many days of the trip must receipts be sent?"
SUPPORTED = "Receipts must be sent within 30 days of the trip."
UNSUPPORTED = "Early receipts make every trip a pleasure to settle."


async def asker(chat, person, **policy):
    """A member of an organisation with that policy."""
    admin = person(admin=True)
    assert (await chat.patch("/admin/answers", json=policy, headers=admin.headers)).status_code == 200
    return person(admin.organization_id)


async def traced(chat, someone, answer, **query):
    response = await chat.get(
        f"/chat/messages/{answer['message_id']}/trace", headers=someone.headers, params=query or None
    )
    return response.text if query else response.json()


def pieces(answer):
    return [answer["answer"][one["start"] : one["end"]] for one in answer["metadata"]["unsupported"]]


async def test_a_marked_sentence_is_shown_as_such_everywhere(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    contradicting = "Receipts must be sent within 90 days of the trip."
    generation.scripts = {"llm": [f"{UNSUPPORTED} {SUPPORTED} {contradicting}"], "extractive": [f"{SUPPORTED} [1]"]}
    someone = await asker(chat, person, unsupported="mark")
    headers = someone.headers | {"Idempotency-Key": "marked"}
    body = {"message": QUESTION, "stream": True}
    streams = []
    for _ in ("made", "replayed"):
        async with chat.stream("POST", "/chat", json=body, headers=headers) as response:
            streams.append([(event.event, json.loads(event.data)) async for event in EventSource(response).aiter_sse()])
    answer = streams[0][-1][1]
    assert answer["answer"] == f"{UNSUPPORTED} [unsupported] {SUPPORTED} [1]"
    assert pieces(answer) == [UNSUPPORTED]
    assert (answer["metadata"]["model_used"], answer["metadata"]["grounded"]) == ("llm", True)
    for stream in streams:
        assert [name for name, _ in stream] == [
            *("session", "sources", "token", "unsupported", "token", "citation", "done"),
        ]
        assert stream[3][1] == answer["metadata"]["unsupported"][0]
    assert streams[1][:-1] == streams[0][:-1]
    told = (await traced(chat, someone, answer))["explanation"]
    assert [(one["sentence"], one["verdict"], one["shown"]) for one in told] == [
        (UNSUPPORTED, "unsupported", True),
        (SUPPORTED, "supported", True),
        (contradicting, "contradicted", False),
    ]
    exported = await chat.get(
        f"/chat/sessions/{answer['session_id']}/export", params={"format": "markdown"}, headers=someone.headers
    )
    assert "[unsupported]: no source supports" in exported.text
    knowledge.unreadable = {RULES.chunk_id}
    page = await chat.get(f"/chat/sessions/{answer['session_id']}/messages", headers=someone.headers)
    shown = page.json()["items"][1]
    [mark] = shown["metadata"]["unsupported"]
    assert UNSUPPORTED not in json.dumps(shown)
    assert shown["content"][mark["start"] : mark["end"]] == "(This sentence is no longer available.)"
    blanked = await traced(chat, someone, answer)
    assert {one["sentence"] for one in blanked["explanation"]} == {"no longer available"}
    assert "days" not in json.dumps([blanked["steps"][5:], blanked["explanation"]])


async def test_a_marked_sentence_holds_no_address_that_no_source_has(chat, knowledge, generation, person):
    known = "https://trips.example/form"
    rules = passage(f"{SUPPORTED} The form for a trip is at {known}.", "Travel policy")
    knowledge.passages = [rules]
    made_up = f"Receipts of a trip are welcomed by Greta at https://evil.example/?q=a or {known}."
    generation.scripts = {"llm": [f"{SUPPORTED} {made_up}"], "extractive": [f"{SUPPORTED} [1]"]}
    someone = await asker(chat, person, unsupported="mark")
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=someone.headers)).json()
    assert pieces(answer) == [f"Receipts of a trip are welcomed by Greta at or {known}."]


async def test_an_answer_of_nothing_but_unsupported_sentences_isnt_given(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [UNSUPPORTED], "extractive": []}
    someone = await asker(chat, person, unsupported="mark")
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=someone.headers)).json()
    assert answer["metadata"]["outcome"] == "abstained"
    assert pieces(answer) == []
    [told] = (await traced(chat, someone, answer))["explanation"]
    assert (told["shown"], told["why"]) == (False, "no sentence of the answer has support")


async def test_without_the_policy_it_is_cut(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": [f"{SUPPORTED} {UNSUPPORTED} [unsupported]"], "extractive": []}
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=person().headers)).json()
    assert answer["answer"] == f"{SUPPORTED} [1]"


async def test_an_organisation_of_extracts_is_answered_by_no_generator(chat, knowledge, generation, person, query):
    knowledge.passages = [RULES]
    generation.scripts = {"llm": ["Nonsense."], "extractive": [f"{SUPPORTED} [1]"]}
    someone = await asker(chat, person, mode="extractive")
    for model, degraded in ((None, []), ("llm", ["policy_mode"])):
        answer = (await chat.post("/chat", json={"message": QUESTION, "model": model}, headers=someone.headers)).json()
        assert (answer["metadata"]["model_used"], answer["metadata"]["degraded"]) == ("extractive", degraded)
    assert {request.model for request in generation.requests} == {"extractive"}
    refused = await chat.post("/chat", json={"message": "Hi", "enable_rag": False}, headers=someone.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "NO_GENERATOR")
    stored = await query("SELECT content FROM messages WHERE user_id = :user", user=someone.user_id)
    assert "Hi" not in [row["content"] for row in stored]


async def test_the_answer_that_speaks_more_of_the_question_goes_out(chat, knowledge, generation, person):
    beside = "Receipts of a trip are kept by the traveller."
    knowledge.passages = [RULES, passage(beside)]
    generation.scripts = {"llm": [f"{beside} {SUPPORTED}"], "extractive": [f"{SUPPORTED} [1]"]}
    someone = person()
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=someone.headers)).json()
    assert (answer["answer"], answer["metadata"]["model_used"]) == (f"{SUPPORTED} [1]", "extractive")
    trace = await traced(chat, someone, answer)
    chosen = next(step for step in trace["steps"] if step["step"] == "choose")
    assert chosen["chosen"] == "extractive"
    assert chosen["extractive"]["score"] > chosen["generated"]["score"]
    assert [(one["model"], one["shown"]) for one in trace["explanation"]] == [("llm", False), ("extractive", True)]


async def test_where_sources_disagree_the_newer_is_said_first_and_both_are_cited(chat, knowledge, generation, person):
    older = OLD.model_copy(update={"date": datetime(2021, 5, 2, tzinfo=UTC)})
    newer = RULES.model_copy(update={"date": datetime(2024, 3, 14, tzinfo=UTC)})
    knowledge.passages = [older, newer]
    for scripts in ({"extractive": [f"{OLD.content} [1] {SUPPORTED} [2]"]}, {"llm": [OLD.content], "extractive": []}):
        generation.scripts = scripts
        someone = person()
        answer = (await chat.post("/chat", json={"message": QUESTION}, headers=someone.headers)).json()
        note = (
            "The sources disagree; an older one, of 2 May 2021, says: Receipts must be sent within 60 days of the trip."
        )
        assert answer["answer"] == f"{SUPPORTED} [2] {note} [1]"
        [disagreement] = answer["metadata"]["disagreements"]
        assert answer["answer"][disagreement.pop("start") : disagreement.pop("end")] == note
        assert disagreement == {"preferred": 2, "other": 1, "differs": "number", "because": "date"}
        assert [citation["n"] for citation in answer["citations"]] == [2, 1]
        text = await traced(chat, someone, answer, format="text")
        assert f"Said, supported: “{note}”" in text
        assert f"Said, supported: “{SUPPORTED}”" in text
        assert "preferred has 30" in text


async def test_a_disagreement_is_told_in_the_question_s_language(chat, knowledge, generation, person):
    said = "Belege müssen innerhalb von 30 Tagen nach der Reise eingereicht werden."
    older = "Belege müssen innerhalb von 60 Tagen nach der Reise eingereicht werden."
    knowledge.passages = [
        passage(said, "Reisekosten").model_copy(update={"date": datetime(2024, 3, 14, tzinfo=UTC)}),
        passage(older, "Alte Reisekosten").model_copy(update={"date": datetime(2021, 5, 2, tzinfo=UTC)}),
    ]
    generation.scripts = {"extractive": [f"{said} [1]"]}
    message = "Bis wann müssen die Belege nach einer Reise eingereicht werden?"
    answer = (await chat.post("/chat", json={"message": message}, headers=person().headers)).json()
    note = f"Die Quellen widersprechen sich; in einer älteren vom 2. Mai 2021 steht: {older}"
    assert answer["answer"] == f"{said} [1] {note} [2]"


async def test_what_another_source_says_is_told_once(chat, knowledge, generation, person):
    by_post = "By post all receipts of the trip must be sent within 30 days."
    knowledge.passages = [RULES, passage(by_post, "Post"), OLD]
    generation.scripts = {"extractive": [f"{SUPPORTED} [1] {by_post} [2]"]}
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=person().headers)).json()
    assert by_post in answer["answer"]
    assert answer["answer"].count(OLD.content) == 1
    assert len(answer["metadata"]["disagreements"]) == 1


async def test_more_authority_comes_before_youth(chat, knowledge, generation, person):
    weighty = OLD.model_copy(update={"date": datetime(2021, 5, 2, tzinfo=UTC), "authority": 2.0})
    newer = RULES.model_copy(update={"date": datetime(2024, 3, 14, tzinfo=UTC), "authority": 1.0})
    knowledge.passages = [weighty, newer]
    generation.scripts = {"extractive": [f"{SUPPORTED} [2]"]}
    answer = (await chat.post("/chat", json={"message": QUESTION}, headers=person().headers)).json()
    assert answer["answer"] == f"{OLD.content} [1] The sources disagree; one of less authority says: {SUPPORTED} [2]"
