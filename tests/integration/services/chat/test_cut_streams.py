"""Streams cut at random points: history is consistent, usage is exact, and nothing goes on generating."""

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from libs.config.settings import Settings
from libs.security.tokens import ServiceTokens, UserTokenSigner
from libs.stores.postgres import Database
from libs.stores.weights import WeightsStore
from services.chat.main import build as build_chat
from services.generation.engines.worker_engine import WorkerEngine
from services.generation.main import build as build_generation
from services.generation.routing.live_models import LiveModels
from tests.integration.services.chat.conftest import Person, knowing_users
from tests.integration.services.chat.neighbours import passage
from tests.integration.services.chat.waiting import until

SEED = 6
CUTS, FEW_CUTS = 200, 10
# While no cut has met an answer that is being made, there are more: that depends on how fast the machine is just then.
AT_MOST_TIMES = 10
# So many questions fit into a month of the free plan, and into one conversation's prompt.
CUTS_EACH = 20
PASSAGES = [
    passage(
        "Receipts must be sent within 30 days of the trip. Business class requires approval by a director. Employees "
        "may book economy class for flights under 6 hours. Wine and other alcohol are never reimbursed.",
        "Travel policy",
    ),
    passage("Full-time staff earn 13 days of annual leave a year. Sick leave is unlimited.", "Leave policy"),
]
QUESTIONS = (
    "Within how many days of the trip must receipts be sent, and who approves business class?",
    "How many days of annual leave do full-time staff earn in a year?",
    "Which costs of a trip are never reimbursed?",
)
LEDGER = """
    SELECT prompt_tokens, completion_tokens, model FROM usage_records
    WHERE organization_id = $1 AND resource = 'messages'
"""


@dataclass
class Cut:
    """What a reader got of an answer before the connection went."""

    asked: dict[str, object]
    received: bytes = b""
    whole: bool = False

    @property
    def events(self) -> list[tuple[str, dict[str, object]]]:
        """Those that arrived whole."""
        found = re.findall(rb"event: (\w+)\ndata: (.*)\n\n", self.received)
        return [(name.decode(), json.loads(data)) for name, data in found]

    @property
    def text(self) -> str:
        return "".join(str(data["text"]) for name, data in self.events if name == "token")

    @property
    def answer_id(self) -> str | None:
        return next((str(data["message_id"]) for name, data in self.events if name == "session"), None)


@dataclass
class Served:
    chat: httpx.AsyncClient
    models: LiveModels
    running: dict[object, object]
    settings: Settings
    # Of an answer that nobody cuts, by what it is asked.
    lengths: dict[str, tuple[int, float]] = field(default_factory=dict)


@asynccontextmanager
async def serving(settings: Settings, signer: UserTokenSigner) -> AsyncIterator[Served]:
    """chat with a real generation."""
    generation: FastAPI = build_generation(settings)
    async with knowing_users("generation", generation, settings, signer) as generation_url:
        settings = settings.model_copy(update={"service_urls": settings.service_urls | {"generation": generation_url}})
        chat = build_chat(settings)
        async with (
            knowing_users("chat", chat, settings, signer) as url,
            httpx.AsyncClient(base_url=url, timeout=120) as client,
        ):

            async def loaded() -> bool:
                return (await client.get(f"{generation_url}/health/ready")).status_code == 200

            await until(loaded, longest_s=120)
            running = chat.state.chat._running
            yield Served(client, generation.state.generation.models, running, settings)


@pytest.fixture(scope="module")
async def extractive(chat_settings: Settings, signer: UserTokenSigner) -> AsyncIterator[Served]:
    engine = chat_settings.generation.model_copy(update={"engine": "extractive"})
    async with serving(chat_settings.model_copy(update={"generation": engine}), signer) as served:
        yield served


@pytest.fixture(scope="module")
async def smollm2(chat_settings: Settings, signer: UserTokenSigner, models_dir, full) -> AsyncIterator[Served]:
    if not full:
        pytest.skip("loads a language model and cuts its answers for minutes: --full")
    WeightsStore(models_dir).fetch("smollm2")
    engine = chat_settings.generation.model_copy(update={"engine": "smollm2", "context_tokens": 1024})
    async with serving(chat_settings.model_copy(update={"generation": engine}), signer) as served:
        yield served


async def test_cuts_of_extractive_answers(extractive, knowledge, person, query, full):
    await cut_at_random(extractive, knowledge, person, query, CUTS if full else FEW_CUTS, [{}])


@pytest.mark.timeout(1_200)
async def test_cuts_of_a_language_model(smollm2, knowledge, person, query):
    free = {"enable_rag": False, "message": "Write a long story about a river.", "max_tokens": 120}
    await cut_at_random(smollm2, knowledge, person, query, CUTS, [{"max_tokens": 60}, free])


async def cut_at_random(served: Served, knowledge, person, query, cuts: int, ways: list[dict[str, object]]) -> None:
    knowledge.passages = PASSAGES
    drawn = random.Random(SEED)
    seen: Counter[str] = Counter()
    done = 0
    while done < cuts or (not seen["stopped"] and done < AT_MOST_TIMES * cuts):
        someone = person()
        most = min(CUTS_EACH, max(cuts - done, FEW_CUTS))
        made = [await one_cut(served, someone, drawn, dict(drawn.choice(ways))) for _ in range(most)]
        done += len(made)
        await until_nothing_runs(served)
        seen += await consistent(served, someone, made, query)
        await exact(served, someone, query)
    print(f"{done} cuts, and the answers as they were stored:", dict(seen))  # with -s
    assert seen["stopped"], "no cut met an answer that was being made"


async def one_cut(served: Served, someone: Person, drawn: random.Random, way: dict[str, object]) -> Cut:
    """Leaves after so many bytes, or after so much time, whatever has arrived by then."""
    body = {"message": drawn.choice(QUESTIONS), "stream": True, "temperature": 0} | way
    key = json.dumps(body)
    if key not in served.lengths:
        started = asyncio.get_running_loop().time()
        whole = Cut(body)
        await read(served, someone, whole, None)
        served.lengths[key] = (len(whole.received), asyncio.get_running_loop().time() - started)
    length, seconds = served.lengths[key]
    cut = Cut(body)
    if drawn.random() < 0.5:
        await read(served, someone, cut, drawn.randrange(length))
        return cut
    try:
        async with asyncio.timeout(drawn.uniform(0, seconds)):
            await read(served, someone, cut, None)
    except TimeoutError:
        pass
    return cut


async def read(served: Served, someone: Person, cut: Cut, most: int | None) -> None:
    async with served.chat.stream("POST", "/chat", json=cut.asked, headers=headers(served, someone)) as response:
        assert response.status_code == 200, await response.aread()
        async for received in response.aiter_raw():
            cut.received += received
            if most is not None and len(cut.received) >= most:
                return
    cut.whole = True


def headers(served: Served, someone: Person) -> dict[str, str]:
    """With a service token of now: twenty cuts of a language model take longer than one lives."""
    return someone.headers | {"X-Service-Token": ServiceTokens("gateway", served.settings.secrets_dir).sign("chat")}


async def until_nothing_runs(served: Served) -> None:
    """No answer is being made, no model writes one, and none decodes a token more."""

    async def idle() -> bool:
        return not served.running and not any(model.in_flight for model in served.models.table.models.values())

    await until(idle)
    for model in served.models.table.models.values():
        engine = model._engine
        if isinstance(engine, WorkerEngine):

            async def resting(engine: WorkerEngine = engine) -> bool:
                return (await engine.load()).active == 0

            await until(resting)
            assert await engine.load() == await engine.load()


async def consistent(served: Served, someone: Person, cuts: list[Cut], query) -> Counter[str]:
    """What the history holds is what was said: no more questions, nothing half, nothing the reader didn't get."""
    rows = await query("SELECT * FROM chat.messages WHERE user_id = :id ORDER BY position", id=someone.user_id)
    answers = {str(row["id"]): row for row in rows if row["role"] == "assistant"}
    questions = {row["id"] for row in rows if row["role"] == "user"}
    assert {row["parent_id"] for row in answers.values()} == questions
    assert len(answers) == len(questions)
    assert {row["status"] for row in answers.values()} <= {"completed", "stopped"}
    for cut in cuts:
        if cut.answer_id is None:
            continue
        row = answers[cut.answer_id]
        assert str(row["content"]).startswith(cut.text)
        if any(name == "done" for name, _ in cut.events):
            assert row["content"] == cut.text
    for row in answers.values():
        content, metadata = str(row["content"]), row["metadata"]
        assert bool(content) == (metadata is not None)
        if metadata is None:
            assert (row["status"], row["citations"], row["sources"]) == ("stopped", [], [])
            continue
        if metadata["grounded"]:
            assert_cited(content, row)
        assert (metadata["finish_reason"] == "stopped") == (row["status"] == "stopped")
        shown = await served.chat.get(f"/chat/sessions/{row['session_id']}/messages", headers=headers(served, someone))
        assert [one["content"] for one in shown.json()["items"]][1] == content
        trace = await served.chat.get(f"/chat/messages/{row['id']}/trace", headers=headers(served, someone))
        assert trace.status_code == 200
    kinds = Counter(str(row["status"]) for row in answers.values())
    kinds["stopped with words"] = sum(row["status"] == "stopped" and bool(row["content"]) for row in answers.values())
    return kinds


def assert_cited(content: str, row: dict[str, object]) -> None:
    """Every sentence whole, each with its marker, every citation in its place."""
    citations, sources = row["citations"], {source["n"] for source in row["sources"]}
    assert {one["n"] for one in citations} == set(map(int, re.findall(r"\[(\d+)\]", content))) <= sources
    places = sorted({(one["start"], one["end"]) for one in citations})
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    assert re.fullmatch(r"(?: \[\d+\])+", content[places[-1][1] :])


async def exact(served: Served, someone: Person, query) -> None:
    """Billing has one line for each answer with words, of just its tokens, and holds no room for any other."""

    async def delivered() -> bool:
        waiting = """
            SELECT 1 FROM chat.outbox WHERE payload->>'reservation_id' IN
                (SELECT reservation_id::text FROM chat.messages WHERE user_id = :id)
        """
        return not await query(waiting, id=someone.user_id)

    await until(delivered)
    rows = await query(
        "SELECT metadata FROM chat.messages WHERE user_id = :id AND role = 'assistant' AND content != ''",
        id=someone.user_id,
    )
    stored = [row["metadata"] for row in rows]
    told = Counter(
        (one["prompt_tokens"], one["tokens_used"] - one["prompt_tokens"], one["model_used"]) for one in stored
    )
    assert Counter(await ledger(served.settings, LEDGER, someone.organization_id)) == told
    held = "SELECT count(*) FROM reservations WHERE organization_id = $1"
    assert await ledger(served.settings, held, someone.organization_id) == [(0,)]


async def ledger(settings: Settings, statement: str, organization_id: UUID) -> list[tuple[object, ...]]:
    database = Database(settings, "billing")
    try:
        async with database.transaction() as session:
            connection = await session.connection()
            rows = await connection.exec_driver_sql(statement, (organization_id,))
            return [tuple(row) for row in rows]
    finally:
        await database.close()
