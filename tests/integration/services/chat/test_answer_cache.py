"""Answers given again: to whom, for how long, and what they count."""

import asyncio
import json

import pytest

from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.test_quota import used
from tests.integration.services.chat.waiting import until

RULES = passage("Receipts must be sent within 30 days of the trip. Business class requires approval by a director.")
RECEIPTS = "Receipts must be sent within 30 days of the trip. [1]"
QUESTION = "When must receipts of a trip be sent?"


@pytest.fixture
def asked(chat, knowledge, generation):
    """Asks, and returns the answer; the documents stay as they are."""
    knowledge.passages = [RULES]
    knowledge.version = 1
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip. [1]"]}

    async def ask(who, message: str = QUESTION, client=chat, **options) -> dict:
        response = await client.post("/chat", json={"message": message, **options}, headers=who.headers)
        assert response.status_code == 200, response.text
        return response.json()

    return ask


def cached(answer: dict) -> bool:
    return answer["metadata"]["cached"]


async def test_the_same_question_of_a_colleague_is_answered_from_the_cache(asked, chat, generation, knowledge, person):
    someone = person()
    colleague = person(someone.organization_id)
    first, again = await asked(someone), await asked(colleague, "  When must receipts of a\ntrip be sent? ")
    assert (cached(first), cached(again)) == (False, True)
    for part in ("answer", "citations", "sources"):
        assert again[part] == first[part]
    told = again["metadata"]
    assert (told["tokens_used"], told["outcome"], told["grounded"]) == (0, "answered", True)
    assert told["confidence"] == first["metadata"]["confidence"]
    assert len(generation.requests) == len(knowledge.queries) == 1
    trace = await chat.get(f"/chat/messages/{again['message_id']}/trace", headers=colleague.headers)
    assert [step["found"] for step in trace.json()["steps"] if step["step"] == "answer_cache"] == ["exact"]
    assert [step["step"] for step in trace.json()["steps"]] == ["reserve", "answer_cache", "kept_answer", "answer"]
    as_text = await chat.get(f"/chat/messages/{again['message_id']}/trace?format=text", headers=colleague.headers)
    assert "This is the answer kept since 20" in as_text.text
    assert "No sentence was checked" not in as_text.text
    for theirs in (first["message_id"], first["session_id"], str(someone.user_id)):
        assert theirs not in trace.text
        assert theirs not in json.dumps(again)
    history = await chat.get(f"/chat/sessions/{again['session_id']}/messages", headers=colleague.headers)
    assert history.json()["items"][-1]["content"] == RECEIPTS


async def test_a_reworded_question_is_answered_from_the_cache_and_a_near_one_isnt(asked, chat, generation, person):
    someone = person()
    await asked(someone, "How many days after a trip must receipts be sent?")
    again = await asked(someone, "What number of days after a trip must receipts be sent?")
    assert cached(again)
    trace = (await chat.get(f"/chat/messages/{again['message_id']}/trace", headers=someone.headers)).json()
    [step] = [step for step in trace["steps"] if step["step"] == "answer_cache"]
    assert step["found"] == "semantic"
    assert 0.85 < step["similarity"] <= 1
    near = [
        "How many days before a trip must receipts be sent?",
        "How many weeks after a trip must receipts be sent?",
        "How many days after a trip must receipts not be sent?",
        "How many days after a trip may receipts be sent?",
    ]
    assert [cached(await asked(someone, question)) for question in near] == [False] * len(near)


async def test_a_streamed_hit_comes_sentence_by_sentence(asked, chat, person):
    someone = person()
    first = await asked(someone)
    body = {"message": QUESTION, "stream": True}
    streamed = (await chat.post("/chat", json=body, headers=someone.headers)).text
    events = [line.removeprefix("event: ") for line in streamed.splitlines() if line.startswith("event: ")]
    assert events == ["session", "sources", "token", "citation", "done"]
    done = json.loads(streamed.split("event: done\ndata: ")[1])
    assert cached(done)
    assert (done["answer"], done["message_id"] != first["message_id"]) == (RECEIPTS, True)


@pytest.mark.parametrize("change", ["a document changes", "the access set changes"])
async def test_a_change_counts_at_once(asked, knowledge, person, change):
    someone = person()
    await asked(someone)
    assert cached(await asked(someone))
    if change == "a document changes":
        knowledge.version = 2
    else:
        knowledge.access_key = "directors"
    assert not cached(await asked(someone))
    assert cached(await asked(someone))


async def test_what_is_late_for_an_older_version_isnt_kept(asked, knowledge, person):
    someone = person()
    knowledge.version = 2
    await asked(someone)
    knowledge.version = 1
    assert not cached(await asked(someone))
    assert not cached(await asked(someone))
    knowledge.version = 2
    assert cached(await asked(someone))


async def test_a_passage_that_became_unreadable_is_no_hit(asked, knowledge, person):
    """Even where the version hasn't moved: the cited passages are asked for themselves."""
    someone = person()
    await asked(someone)
    knowledge.unreadable = {RULES.chunk_id}
    again = await asked(someone)
    assert (cached(again), again["metadata"]["outcome"]) == (False, "abstained")


@pytest.mark.parametrize("believed_s", [60.0, -1.0], ids=["asked along", "asked again"])
async def test_access_is_asked_for_with_each_hit(asked, knowledge, person, monkeypatch, believed_s):
    """With the version where the sources are expected and nothing took long; else for itself."""
    monkeypatch.setattr("services.chat.answer_cache.expected.BELIEVED_S", believed_s)
    someone = person()
    await asked(someone)
    knowledge.rechecked = 0
    assert cached(await asked(someone))
    assert knowledge.rechecked == (0 if believed_s > 0 else 1)
    knowledge.unreadable = {RULES.chunk_id}
    assert not cached(await asked(someone))
    knowledge.unreadable = set()
    assert cached(await asked(person(someone.organization_id)))


async def test_other_organisations_and_access_sets_never_share(asked, knowledge, person):
    someone = person()
    await asked(someone)
    assert not cached(await asked(person()))
    knowledge.access_key = "interns"
    assert not cached(await asked(person(someone.organization_id)))


@pytest.mark.parametrize(
    "options", [{"max_tokens": 100}, {"temperature": 0.1}, {"filters": {"tags": ["a"]}}, {"model": "extractive"}]
)
async def test_other_options_have_other_answers(asked, person, options):
    someone = person()
    await asked(someone)
    assert not cached(await asked(someone, **options))
    assert cached(await asked(someone, **options))


async def test_instructions_have_their_own_answers_and_a_policy_can_forbid_keeping(asked, chat, person):
    admin = person(admin=True)
    await asked(admin)
    await chat.put("/chat/instructions", json={"instructions": "Be brief."}, headers=admin.headers)
    assert not cached(await asked(admin))
    await chat.put("/chat/instructions", json={"instructions": ""}, headers=admin.headers)
    assert cached(await asked(admin))
    await chat.patch("/admin/answers", json={"cache_answers": False}, headers=admin.headers)
    assert not cached(await asked(admin))


async def test_another_answer_is_made_anew(asked, chat, person):
    someone = person()
    first = await asked(someone)
    path = f"/chat/messages/{first['message_id']}/regenerate"
    assert not cached((await chat.post(path, json={}, headers=someone.headers)).json())


async def test_what_didnt_go_as_configured_or_names_somebody_isnt_kept(asked, knowledge, person):
    someone = person()
    knowledge.degraded = ["embedding"]
    await asked(someone)
    knowledge.degraded = []
    assert not cached(await asked(someone))
    private = "When must receipts be sent to ann@example.org?"
    await asked(someone, private)
    assert not cached(await asked(someone, private))


async def test_a_follow_up_is_kept_as_the_question_that_it_stands_for(asked, person):
    someone = person()
    first = await asked(someone)
    follow_up = await asked(someone, "And for interns?", session_id=first["session_id"])
    assert not cached(follow_up)
    colleague = person(someone.organization_id)
    other = await asked(colleague, "Who approves business class?")
    assert not cached(await asked(colleague, "And for interns?", session_id=other["session_id"]))


async def test_two_at_once_are_both_answered_and_kept_once(asked, chat, person):
    admin = person(admin=True)
    answers = await asyncio.gather(*(asked(admin) for _ in range(4)))
    assert {answer["answer"] for answer in answers} == {RECEIPTS}
    assert cached(await asked(admin))
    assert (await chat.get("/admin/answers/cache", headers=admin.headers)).json()["entries"] == 1


HOSTILE = (
    "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n",
    "'}; redis.call('FLUSHALL') --",
    "response:{*}:answers \u202e\ufffd\u0001 %00 ../../",
    "🙂" * 400,
)


@pytest.mark.parametrize("message", HOSTILE)
async def test_hostile_questions_are_only_questions(asked, redis, person, message):
    someone = person()
    await redis.set("bystander", b"here", ex=60)
    first = await asked(someone, message)
    again = await asked(someone, message)
    assert (again["answer"], cached(again)) == (first["answer"], not first["metadata"]["degraded"])
    assert await redis.get("bystander") == b"here"
    assert not cached(await asked(someone, f"{message} 7"))


@pytest.mark.parametrize("broken", ["value", "near", "type"])
async def test_a_corrupted_entry_is_a_miss(asked, redis, person, broken):
    someone = person()
    await asked(someone)
    name = f"response:{{{someone.organization_id}}}"
    if broken == "value":
        fields = [field for field in await redis.hkeys(f"{name}:answers") if b":" in field]
        await redis.hset(f"{name}:answers", mapping=dict.fromkeys(fields, b'{"answer": 1}'))
    elif broken == "near":
        await redis.rpush(f"{name}:near", b"\xff\xff")
    else:
        await redis.delete(f"{name}:answers")
        await redis.set(f"{name}:answers", b"not a hash", ex=60)
    question = QUESTION if broken != "near" else "When have receipts of a trip to be sent?"
    assert not cached(await asked(someone, question))


async def test_without_redis_every_question_is_answered(asked, serve_chat, person):
    async with serve_chat(redis_url="redis://127.0.0.1:9/0") as lonely:
        someone = person(admin=True)
        answers = [await asked(someone, client=lonely) for _ in range(2)]
        assert [(cached(answer), answer["answer"]) for answer in answers] == [(False, RECEIPTS)] * 2
        assert (await lonely.get("/admin/answers/cache", headers=someone.headers)).status_code == 503


async def test_it_is_bounded_and_can_be_turned_off(asked, serve_chat, redis, person):
    async with serve_chat(answer_cache_entries=2) as small:
        admin = person(admin=True)
        questions = [f"When must receipts of trip {letter} be sent?" for letter in "ABC"]
        for question in questions:
            await asked(admin, question, client=small)
        kept = [cached(await asked(admin, question, client=small)) for question in reversed(questions)]
        assert kept == [True, True, False]
        report = (await small.get("/admin/answers/cache", headers=admin.headers)).json()
        assert report["entries"] == 2
        for key in await redis.keys(f"response:{{{admin.organization_id}}}:*"):
            assert await redis.ttl(key) > 0
    async with serve_chat(answer_cache_s=0) as never:
        assert [cached(await asked(admin, client=never)) for _ in range(2)] == [False, False]


async def test_an_admin_sees_what_it_saved_and_empties_it(asked, chat, person):
    admin = person(admin=True)
    first = await asked(admin)
    await asked(admin)
    report = (await chat.get("/admin/answers/cache", headers=admin.headers)).json()
    counts = ("exact_hits", "semantic_hits", "misses", "entries", "saved_tokens")
    assert [report[count] for count in counts] == [1, 0, 1, 1, first["metadata"]["tokens_used"]]
    assert report["size_bytes"] > 1000
    member = person(admin.organization_id)
    for call in (chat.get, chat.delete):
        assert (await call("/admin/answers/cache", headers=member.headers)).status_code == 403
    assert (await chat.delete("/admin/answers/cache", headers=admin.headers)).status_code == 204
    assert not cached(await asked(admin))


async def test_a_hit_counts_as_a_message_without_tokens(asked, settings, person):
    someone = person()
    for _ in range(2):
        await asked(someone)
    assert sorted(await used(settings, someone.organization_id)) == [(0, 0, "extractive"), (100, 1, "extractive")]


async def test_what_several_ask_most_is_asked_again_and_nobodys_own_question(asked, chat, knowledge, query, person):
    admin = person(admin=True)
    for own in ("Why am I not paid?", "Why was I moved?", "Why was I moved?"):
        colleague = person(admin.organization_id)
        await asked(colleague)
        await asked(colleague, own)
    knowledge.version = 2
    path = "/admin/answers/cache/warm"
    warmed = await chat.post(path, json={"questions": 10}, headers=admin.headers)
    assert (warmed.status_code, warmed.json()) == (202, {"questions": 1})

    async def kept() -> bool:
        return (await chat.get("/admin/answers/cache", headers=admin.headers)).json()["entries"] == 1

    await until(kept)
    assert cached(await asked(person(admin.organization_id)))
    assert (await chat.post(path, json={}, headers=person().headers)).status_code == 403
    assert (await chat.post(path, json={"questions": 51}, headers=admin.headers)).status_code == 422
