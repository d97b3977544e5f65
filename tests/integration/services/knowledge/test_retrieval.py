"""Search over real passages: strategies, explanations, odd queries, and what happens while embedding is away."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from redis.asyncio import Redis

from libs.clients.base import ServiceClient, service_http
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.contracts.identity import Subject
from libs.security.tokens import ServiceTokens
from libs.stores.postgres import Database
from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.found import Wanted
from services.knowledge.ports import FoundPassage, Scope
from services.knowledge.retrieval import Retriever
from services.knowledge.search_cache import SearchCache
from tests.integration.services.knowledge.conftest import NOBODY, People, Person, client_of

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]

NAMES = ("lexical", "vector", "late")
PAGES = {
    "Leave": "# Leave\n\n## Holidays\n\nEveryone has twenty-five days of paid holiday a year.",
    "Travel": "# Travel\n\n## Trains\n\nBook trains through the portal; form TR-404 is for reimbursement.",
    "Parking": "# Parking\n\n## Garage\n\nThe garage under the building opens at six in the morning.",
    "Lunch": "# Lunch\n\n## Canteen\n\nThe canteen serves soup, salads and a warm dish until two.",
}


@pytest.fixture(scope="module")
async def reader(client, people: People, worker: None) -> Person:
    """Someone whose organisation has a few pages."""
    alice = people.person(client)
    for title, text in PAGES.items():
        await alice.add(text, title, external_id=title.lower(), category="office", tags=[title.lower()])
    return alice


@pytest.mark.parametrize("strategy", ["auto", "lexical", "vector", "hybrid"])
async def test_every_strategy_finds_the_page(reader: Person, strategy: str) -> None:
    answer = await reader.post("/search", json={"query": "TR-404 reimbursement of trains", "strategy": strategy})
    body = answer.json()
    assert body["strategy_used"] == ("hybrid" if strategy == "auto" else strategy)
    assert body["degraded"] == []
    best = body["results"][0]
    assert (best["title"], best["external_id"]) == ("Travel", "travel")
    assert best["location"]["heading_path"][-1] == "Trains"
    assert best["scores"] is None
    scores = [result["score"] for result in body["results"]]
    assert scores == sorted(scores, reverse=True)


async def test_meaning_is_found_without_its_words(reader: Person) -> None:
    results = await reader.search("How much vacation do employees get?", strategy="vector")
    assert results[0]["title"] == "Leave"


async def test_explained_ranks_add_up_to_the_fused_score(reader: Person, knowledge_settings: Settings) -> None:
    results = await reader.search("paid holiday days a year", explain=True)
    k, weights = knowledge_settings.retrieval.rrf_k, knowledge_settings.retrieval.weights
    for result in results:
        scores = result["scores"]
        parts = [getattr(weights, name) / (k + scores[f"{name}_rank"]) for name in NAMES if scores[f"{name}_rank"]]
        assert result["score"] == scores["fused"] == pytest.approx(sum(parts))
        assert scores["late_rank"]
        assert (scores["lexical_score"] is None) == (scores["lexical_rank"] is None)
    assert results[0]["scores"]["lexical_rank"] == results[0]["scores"]["vector_rank"] == 1
    assert -1 <= results[0]["scores"]["vector_score"] <= 1


async def test_a_retrieval_carries_its_trace_and_similarities(reader: Person) -> None:
    body = (await reader.post("/internal/retrievals", json={"query": "garage opening hours", "top_k": 3})).json()
    steps = [step["step"] for step in body["trace"]]
    assert {"analyse", "embed", "lexical", "vector", "recheck", "rerank", "fuse"} == set(steps)
    considered = next(step["passages"] for step in body["trace"] if step["step"] == "fuse")
    assert {passage["chunk_id"] for passage in body["passages"]} <= {one["chunk_id"] for one in considered}
    assert all(passage["token_count"] > 0 for passage in body["passages"])
    assert all(-1 <= passage["similarity"] <= 1.001 for passage in body["passages"])
    assert body["passages"][0]["title"] == "Parking"


async def test_grouping_gives_each_document_once_with_its_best_passage(reader: Person, people: People) -> None:
    alice = people.person(reader.http)
    long = "\n\n".join(f"## Heron {n}\n\n" + f"The heron number {n} stands at the weir. " * 12 for n in range(60))
    await alice.add(f"# Herons\n\n{long}", "Herons")
    for number in range(3):
        await alice.add(f"# Note {number}\n\nA heron was seen.", f"Note {number}")
    passages = await alice.search("heron at the weir", top_k=4)
    assert {one["title"] for one in passages} == {"Herons"}
    documents = await alice.search("heron at the weir", top_k=4, group_by="document", strategy="lexical")
    assert sorted(one["title"] for one in documents) == ["Herons", "Note 0", "Note 1", "Note 2"]
    assert documents[0]["title"] == "Herons"
    assert len(await alice.search("heron", top_k=50)) == 50


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        ({"category": "office"}, 4),
        ({"category": "office' OR 'a'='a"}, 0),
        ({"tags": ["lunch", "leave"]}, 2),
        ({"tags": []}, 4),
        ({"category": "office", "tags": ["parking"]}, 1),
        # These days are of when tests are collected: midnight may pass before they run.
        ({"date_from": str(datetime.now(UTC).date() + timedelta(days=2))}, 0),
        ({"date_to": str(datetime.now(UTC).date() - timedelta(days=1))}, 0),
        ({"date_from": str(datetime.now(UTC).date() - timedelta(days=1))}, 4),
    ],
)
async def test_filters_hold_for_both_searches(reader: Person, filters: dict[str, Any], titles: int) -> None:
    results = await reader.search("the building the canteen portal days", filters=filters)
    assert len({result["title"] for result in results}) == titles


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": "x", "top_k": 0}, "top_k"),
        ({"query": "x", "top_k": 101}, "top_k"),
        ({"query": "x", "colour": 1}, "colour"),
        ({"query": "x", "strategy": "magic"}, "strategy"),
        ({"query": "x", "filters": {"date_from": "soon"}}, "filters.date_from"),
        ({"query": "x", "filters": {"tags": "a"}}, "filters.tags"),
        ({"query": "x", "filters": {"owner": "a"}}, "filters.owner"),
        ({"query": " \x00 "}, "query"),
    ],
)
async def test_a_bad_search_is_refused_by_field(reader: Person, body: dict[str, Any], field: str) -> None:
    answer = await reader.post("/search", json=body)
    assert answer.status_code == 422
    assert answer.json()["details"]["fields"][0]["field"] == field


@pytest.mark.parametrize("strategy", ["lexical", "vector", "hybrid"])
@pytest.mark.parametrize(
    "query",
    ["the of and", "!!!???", "word " * 10_000, " ".join(map(str, range(10_000))), "שלום עולם", "😀😀", "a\x00b", '"a" AND ('],
)  # fmt: skip
async def test_odd_queries_are_answered(reader: Person, strategy: str, query: str) -> None:
    assert (await reader.post("/search", json={"query": query, "strategy": strategy})).status_code == 200


async def test_an_organisation_without_documents_finds_nothing(person: MakePerson) -> None:
    body = (await person().post("/internal/retrievals", json={"query": "anything", "top_k": 5})).json()
    assert body["passages"] == []
    assert body["knowledge_version"] == 0


@pytest.mark.parametrize("strategy", ["auto", "hybrid", "vector"])
async def test_while_embedding_is_away_words_still_find(
    reader: Person, people: People, knowledge_settings: Settings, strategy: str
) -> None:
    urls = knowledge_settings.service_urls | {"embedding": NOBODY}
    async with client_of(knowledge_settings.model_copy(update={"service_urls": urls}), people) as http:
        body = (
            await http.post("/search", json={"query": "garage", "strategy": strategy}, headers=reader.headers)
        ).json()
        retrieval = {"query": "garage", "top_k": 2}
        found = (await http.post("/internal/retrievals", json=retrieval, headers=reader.headers)).json()
    assert (body["strategy_used"], body["degraded"]) == ("lexical", ["embedding"])
    assert body["results"][0]["title"] == "Parking"
    assert found["passages"][0]["similarity"] is None


class StaleIndex(LanceDbIndex):
    """Names `stale` passages before every other, as an index does that is behind the system of record."""

    stale: list[FoundPassage] = []  # noqa: RUF012 - set by the test

    async def lexical(self, scope: Scope, query: str, limit: int, **options: Any) -> list[FoundPassage]:
        return (self.stale + await super().lexical(scope, query, limit, **options))[:limit]


async def test_what_the_index_still_names_neither_shows_nor_shortens_the_list(
    reader: Person, knowledge_settings: Settings, database: Database, redis: Redis
) -> None:
    index = StaleIndex(knowledge_settings.home / "knowledge", exact_below=1_000)
    foreign = FoundPassage(
        uuid4(), uuid4(), uuid4(), 0, "not yours", (), None, None, 0, 9, 2, 99.0, np.zeros(384, np.float32)
    )
    index.stale = [foreign] * 60
    tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
    async with service_http() as http:
        embedder = EmbeddingClient(ServiceClient("embedding", knowledge_settings.url("embedding"), tokens, http))
        retriever = retriever_of(database, index, embedder, knowledge_settings, redis)
        found = await retriever.retrieve(reader.subject, Wanted("the canteen and the garage", "lexical", 2))
    assert len(found.passages) == 2
    assert "not yours" not in str(found)
    assert str(foreign.chunk_id) not in str(found.trace)


async def test_a_search_overtaken_by_a_replacement_looks_again(
    person: MakePerson, knowledge_settings: Settings, database: Database, redis: Redis
) -> None:
    """The index is read, then the document is replaced, then the system of record is asked."""
    alice = person()
    await alice.add("# Tide\n\nThe tide is low.", external_id="tide")

    class Overtaken(LanceDbIndex):
        overtaken = False

        async def lexical(self, scope: Scope, query: str, limit: int, **options: Any) -> list[FoundPassage]:
            found = await super().lexical(scope, query, limit, **options)
            if not self.overtaken:
                self.overtaken = True
                await alice.add("# Tide\n\nThe tide is high.", external_id="tide")
            return found

    index = Overtaken(knowledge_settings.home / "knowledge", exact_below=1_000)
    retriever = retriever_of(database, index, _no_embedder(), knowledge_settings, redis)
    subject: Subject = alice.subject
    found = await retriever.retrieve(subject, Wanted("tide", "lexical", 5))
    assert ["high" in passage.content for passage in found.passages] == [True]


def retriever_of(
    database: Database, index: LanceDbIndex, embedder: EmbeddingClient, settings: Settings, redis: Redis
) -> Retriever:
    return Retriever(database, index, embedder, SearchCache(redis, settings.retrieval), settings.retrieval)


def _no_embedder() -> EmbeddingClient:
    return None  # type: ignore[return-value] - a lexical search asks for no vectors


async def test_readable_tells_which_passages_are_left(person: MakePerson) -> None:
    alice = person()
    first = await alice.add("# One\n\nAlpha.", "One")
    await alice.add("# Two\n\nBeta.", "Two")
    ids = [(await alice.search(word, strategy="lexical"))[0]["chunk_id"] for word in ("beta", "alpha")]
    unknown = str(UUID(int=7))
    asked = {"chunk_ids": [*ids, unknown, *ids]}
    assert (await alice.post("/internal/readable", json=asked)).json() == {"chunk_ids": ids}
    await alice.delete(f"/documents/{first}")
    assert (await alice.post("/internal/readable", json=asked)).json() == {"chunk_ids": ids[:1]}
    (left,) = (await alice.post("/internal/passages", json=asked)).json()["passages"]
    assert (left["chunk_id"], left["title"], "Beta." in left["content"]) == (ids[0], "Two", True)


async def test_readable_follows_a_document_that_was_seen_before(person: MakePerson) -> None:
    alice = person()
    bob = person(alice.subject.organization_id)
    text = "# Plan\n\nAlpha.\n\n# Other\n\nGamma."
    plan = await alice.add(text, "Plan", external_id="plan")
    page = (await alice.get(f"/documents/{plan}/passages")).json()
    ids = [one["chunk_id"] for one in page["items"]]

    async def readable() -> list[list[str]]:
        asked = {"chunk_ids": ids}
        return [(await who.post("/internal/readable", json=asked)).json()["chunk_ids"] for who in (alice, bob)]

    for _ in range(2):
        assert await readable() == [ids, ids]
    await alice.patch(f"/documents/{plan}", json={"access": "private"})
    assert await readable() == [ids, []]
    await alice.add("# Plan\n\nDelta.", "Plan", external_id="plan")
    assert await readable() == [[], []]
    await alice.add(text, "Plan", external_id="plan", access="organization")
    assert await readable() == [ids, ids]


async def test_many_readers_at_once_each_get_their_own(client, people: People) -> None:
    readers = [people.person(client) for _ in range(6)]
    for number, one in enumerate(readers):
        await one.add(f"# Word\n\nThe word is marker{number}.", "Word")
    answers = await asyncio.gather(*(one.contents("what is the word") for one in readers * 5))
    for number, contents in enumerate(answers):
        assert [f"marker{number % 6}" in content for content in contents] == [True]


async def cached(person: Person, query: str, **fields: Any) -> bool:
    body = (await person.post("/internal/retrievals", json={"query": query, **fields})).json()
    return body["trace"][0] == {"step": "search_cache", "hit": True}


async def test_a_search_is_found_again_until_anything_changes(person: MakePerson) -> None:
    alice = person()
    first = await alice.add("The tide is low.", "Tide", external_id="tide")
    assert not await cached(alice, "tide")
    assert await cached(alice, "tide")
    assert not await cached(alice, "tide", top_k=2)
    await alice.add("The moon pulls the tide.", "Moon", external_id="moon")
    assert not await cached(alice, "tide")
    assert (await alice.delete(f"/documents/{first}")).status_code == 204
    assert not await cached(alice, "tide")
    assert [result["title"] for result in await alice.search("tide")] == ["Moon"]


async def test_a_kept_search_is_its_readers_alone(people: People, client: Any) -> None:
    alice = people.person(client)
    bob = people.person(client, alice.subject.organization_id)
    await alice.add("The tide took my hat.", "Diary", access="private")
    assert [result["title"] for result in await alice.search("tide")] == ["Diary"]
    assert await bob.search("tide") == []
    assert [result["title"] for result in await alice.search("tide")] == ["Diary"]


async def test_quoted_words_and_codes_come_first(reader: Person) -> None:
    results = await reader.search("trains garage canteen holiday TR-404")
    assert results[0]["title"] == "Travel"
    results = await reader.search('What opens when, "six in the morning"? Trains, soup, holiday, portal')
    assert results[0]["title"] == "Parking"


async def test_a_quoted_phrase_is_found_behind_many_passages_that_have_its_words_scattered(person: MakePerson) -> None:
    alice = person()
    scattered = ("lock lock gate gate", "gate gate seven seven", "seven gate lock gate lock seven")
    texts = [f"{scattered[min(number % 5, 2)]} {number}" for number in range(90)]
    documents = [{"title": f"Note {number}", "text": text} for number, text in enumerate(texts)]
    answer = await alice.post("/documents/batch", json={"documents": documents})
    for item in answer.json()["items"]:
        await alice.finished(item["document_id"])
    plenty = " ".join(f"The heron of day {number} waits for a fish in the reeds." for number in range(14))
    await alice.add(f"{plenty} Rita paints lock gate seven on Monday.", "Painting")
    for strategy in ("lexical", "auto"):
        results = await alice.search('"lock gate seven"', strategy=strategy, explain=True)
        assert results[0]["title"] == "Painting"
        assert results[0]["scores"]["lexical_rank"] is None
    results = await alice.search('"lock gate seven"', strategy="lexical")
    assert results[0]["score"] > 0.1, "a BM25 score, as the others have"


async def test_a_question_of_two_parts_finds_both(reader: Person) -> None:
    results = await reader.search("How many days of holiday do I get and when does the garage open?", top_k=2)
    assert {result["title"] for result in results} == {"Leave", "Parking"}
