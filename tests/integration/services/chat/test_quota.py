from uuid import uuid4

from libs.stores.postgres import Database
from services.billing.plans import PLANS
from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import until

RULES = passage("Receipts must be sent within 30 days of the trip.", "Travel policy")
QUESTION = {"message": "When must receipts of a trip be sent?"}


async def used(settings, organization_id) -> list[tuple[int, int, str]]:
    """What billing's ledger says of an organisation's messages."""
    database = Database(settings, "billing")
    try:
        async with database.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(
                "SELECT prompt_tokens, completion_tokens, model FROM usage_records WHERE organization_id = $1",
                (organization_id,),
            )
            return [tuple(row) for row in rows]
    finally:
        await database.close()


async def until_delivered(query, **values: object) -> None:
    """Waits until the outbox holds no message to billing with such a value."""
    [(key, value)] = values.items()

    async def delivered() -> bool:
        return not await query("SELECT 1 FROM chat.outbox WHERE payload->>:key = :value", key=key, value=str(value))

    await until(delivered)


async def test_an_answer_is_charged_once_with_its_real_tokens(chat, knowledge, generation, person, settings, query):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone = person()
    assert (await chat.post("/chat", json=QUESTION, headers=someone.headers)).status_code == 200
    assert await used(settings, someone.organization_id) == [(100, 1, "extractive")]
    await until_delivered(query, organization_id=someone.organization_id)
    assert len(await used(settings, someone.organization_id)) == 1


async def test_an_abstention_is_an_answer_too(chat, person, settings):
    someone = person()
    await chat.post("/chat", json=QUESTION, headers=someone.headers)
    assert await used(settings, someone.organization_id) == [(0, 0, "none")]


async def test_a_question_that_fails_gives_its_room_back(chat, knowledge, person, settings, query):
    knowledge.away = True
    someone = person()
    response = await chat.post("/chat", json=QUESTION, headers=someone.headers)
    assert response.status_code == 503
    [row] = await query("SELECT * FROM chat.messages WHERE user_id = :id AND role = 'assistant'", id=someone.user_id)
    assert row["status"] == "failed"
    await until_delivered(query, reservation_id=row["reservation_id"])
    assert await used(settings, someone.organization_id) == []
    assert await reservations(settings, someone.organization_id) == 0


async def reservations(settings, organization_id) -> int:
    database = Database(settings, "billing")
    try:
        async with database.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(
                "SELECT count(*) FROM reservations WHERE organization_id = $1", (organization_id,)
            )
            return rows.scalar_one()
    finally:
        await database.close()


async def test_a_question_to_no_session_of_ones_own_holds_no_room(chat, person, settings):
    someone = person()
    response = await chat.post("/chat", json=QUESTION | {"session_id": str(uuid4())}, headers=someone.headers)
    assert response.status_code == 404
    assert await reservations(settings, someone.organization_id) == 0
    assert await used(settings, someone.organization_id) == []


async def test_a_plan_lowers_the_tokens_of_an_answer(chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    body = QUESTION | {"max_tokens": 2000}
    answer = (await chat.post("/chat", json=body, headers=person().headers)).json()
    assert answer["metadata"]["degraded"] == ["plan_tokens"]
    assert generation.requests[0].max_tokens == PLANS["free"].tokens_per_message


async def test_a_used_up_quota_is_refused_and_the_question_kept(chat, person, settings, query):
    someone = person()
    database = Database(settings, "billing")
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "INSERT INTO usage_records (organization_id, resource, event_id, quantity, period, occurred_at) "
            "VALUES ($1, 'messages', $2, 100, date_trunc('month', now() AT TIME ZONE 'UTC')::date, now())",
            (someone.organization_id, str(uuid4())),
        )
    await database.close()
    response = await chat.post("/chat", json=QUESTION, headers=someone.headers)
    error = response.json()
    assert (response.status_code, error["code"]) == (429, "QUOTA_EXCEEDED")
    assert {"current_usage", "limit", "reset_at"} <= error["details"].keys()
    rows = await query(
        "SELECT role, status FROM chat.messages WHERE user_id = :id ORDER BY position", id=someone.user_id
    )
    assert rows == [{"role": "user", "status": "completed"}, {"role": "assistant", "status": "failed"}]


async def test_billing_away_is_bridged_for_a_few_messages_and_ledgered_later(
    serve_chat, chat, knowledge, generation, person, settings, query, monkeypatch
):
    monkeypatch.setattr("services.chat.quota.OWN_DELIVERY_S", 0.5)
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    someone, other = person(), person()
    async with serve_chat(away=("billing",), grace_messages=2) as bridged:
        for _ in range(2):
            answer = (await bridged.post("/chat", json=QUESTION | {"max_tokens": 2000}, headers=someone.headers)).json()
            assert answer["metadata"]["degraded"] == ["billing", "plan_tokens"]
        refused = await bridged.post("/chat", json=QUESTION, headers=someone.headers)
        assert (refused.status_code, refused.json()["details"]) == (503, {"service": "billing"})
        assert (await bridged.post("/chat", json=QUESTION, headers=other.headers)).status_code == 200
    # The other service, which reaches billing, shares the outbox.
    await until_delivered(query, organization_id=someone.organization_id)
    assert await used(settings, someone.organization_id) == [(100, 1, "extractive")] * 2


async def test_without_redis_questions_are_answered(serve_chat, chat, knowledge, generation, person):
    knowledge.passages = [RULES]
    generation.scripts = {"extractive": ["Receipts must be sent within 30 days of the trip."]}
    async with serve_chat(redis_url="redis://127.0.0.1:9") as alone:
        answer = await alone.post("/chat", json=QUESTION, headers=person().headers)
        assert answer.json()["metadata"]["degraded"] == []
    async with serve_chat(redis_url="redis://127.0.0.1:9", away=("billing",)) as alone:
        assert (await alone.post("/chat", json=QUESTION, headers=person().headers)).status_code == 503
