"""The whole search at 100 times the passages: through the gateway, with a filter, access, recheck and reranking."""

from collections.abc import Iterator, Sequence
from itertools import count
from uuid import UUID, uuid4

import numpy as np
from rich.console import Console

from libs.clients.base import ServiceClient, service_http
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings, load_settings
from libs.contracts.knowledge import DocumentStatus
from libs.security.tokens import ServiceTokens
from libs.stores.postgres import Database
from scripts.api import Api
from scripts.bench.made_up import attributes, passage, text_of, vectors_in_topics
from scripts.bench.measure import in_turn, print_latency
from scripts.stage import installation, organization
from services.knowledge import repository
from services.knowledge.models import DocumentRow
from services.knowledge.ports import IndexedPassage

SMALL, LARGE = 1_000, 100_000
PASSAGES_OF_A_DOCUMENT = 10
DOCUMENTS_AT_ONCE = 500
ROUNDS = 100
QUERY_WORDS = 5
CATEGORY = "even"


async def bench_scale(console: Console, small: int = SMALL, large: int = LARGE, rounds: int = ROUNDS) -> None:
    """Searches of two organisations in turn, in one run."""
    async with (
        installation(load_settings(), console) as settings,
        organization(settings, f"bench-{small}") as few,
        organization(settings, f"bench-{large}") as many,
    ):
        for api, passages in ((few, small), (many, large)):
            await _fill(settings, api, passages)
        numbers = count()

        async def search(api: Api) -> object:
            text = text_of(np.random.default_rng(next(numbers)), QUERY_WORDS)
            filters = {"category": CATEGORY}
            return await api.call("POST", "/search", json={"query": text, "filters": filters})

        async def in_few() -> object:
            return await search(few)

        async def in_many() -> object:
            return await search(many)

        await in_few()
        await in_many()
        times = await in_turn({f"{small:,} passages": in_few, f"{large:,} passages": in_many}, rounds)
        print_latency(console, "A whole search, with a filter that half of the documents match", times[0], times[1:])


async def _fill(settings: Settings, api: Api, passages: int) -> None:
    """As the worker leaves documents behind; what an earlier bench wrote stays."""
    # Not before the services are started as processes: LanceDB warns of every fork.
    from services.knowledge.adapters.lancedb_index import LanceDbIndex

    listed = await api.call("GET", "/documents", params={"limit": 1})
    if listed["items"]:
        return
    user = await api.call("GET", "/users/me")
    organization_id, owner_id = UUID(user["organization_id"]), UUID(user["id"])
    database = Database(settings, "knowledge")
    index = LanceDbIndex(settings.home / "knowledge", settings.retrieval.exact_below)
    random = np.random.default_rng(7)
    revision, tokens = await _embedded(settings)
    for start in range(0, passages // PASSAGES_OF_A_DOCUMENT, DOCUMENTS_AT_ONCE):
        documents = range(start, min(start + DOCUMENTS_AT_ONCE, passages // PASSAGES_OF_A_DOCUMENT))
        rows = [_document(number, organization_id, owner_id) for number in documents]
        async with database.transaction() as session:
            await repository.lock_organization(session, organization_id)
            session.add_all(rows)
            await repository.bump_knowledge_version(session, organization_id)
        await index.add(organization_id, [*_passages(random, rows, revision, tokens)])
    await index.maintain(organization_id)
    await database.close()


async def _embedded(settings: Settings) -> tuple[str, bytes]:
    """The model's revision, and token vectors as long as a passage's."""
    tokens = ServiceTokens("knowledge", settings.secrets_dir)
    async with service_http() as http:
        client = EmbeddingClient(ServiceClient("embedding", settings.url("embedding"), tokens, http))
        made = await client.embed_passages([text_of(np.random.default_rng(0))])
    return made.revision, made.tokens[0]


def _passages(
    random: np.random.Generator, documents: Sequence[DocumentRow], revision: str, tokens: bytes
) -> Iterator[IndexedPassage]:
    vectors = iter(vectors_in_topics(random, len(documents) * PASSAGES_OF_A_DOCUMENT))
    for document in documents:
        for position in range(PASSAGES_OF_A_DOCUMENT):
            yield passage(
                random,
                next(vectors),
                document_id=document.id,
                version=document.served_version,
                position=position,
                attributes=attributes(category=document.category),
                tokens=tokens,
                model_revision=revision,
            )


def _document(number: int, organization_id: UUID, owner_id: UUID) -> DocumentRow:
    return DocumentRow(
        id=uuid4(),
        organization_id=organization_id,
        owner_id=owner_id,
        title=f"Document {number}",
        category=CATEGORY if number % 2 == 0 else None,
        tags=[],
        access="organization",
        group_ids=[],
        status=DocumentStatus.COMPLETED,
        media_type="text/plain",
        size_bytes=0,
        chunk_count=PASSAGES_OF_A_DOCUMENT,
        served_version=uuid4(),
    )
