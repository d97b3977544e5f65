"""Token vectors for Footnote's own services, and reranking, with the real model."""

from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from libs.clients.base import ServiceClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.inference.late_interaction import bytes_per_token, maxsim
from libs.security.tokens import ServiceTokens

QUERY = "How long does an access token live?"
PASSAGES = [
    "Invoices are sent on the first day of a month.",
    "An access token lives for thirty minutes, a refresh token for thirty days.",
    "Cats sleep for most of the day.",
]


@pytest.fixture
async def embedding(app: FastAPI, client: httpx.AsyncClient, settings: Settings) -> AsyncIterator[EmbeddingClient]:
    tokens = ServiceTokens("knowledge", settings.secrets_dir)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        yield EmbeddingClient(ServiceClient("embedding", "http://embedding", tokens, http))


async def test_passages_and_query_of_one_pass_have_the_vectors_that_embed_gives(embedding: EmbeddingClient) -> None:
    passages = await embedding.embed_passages([f"{text} One pass." for text in PASSAGES])
    query = await embedding.embed_query(QUERY + " One pass?")
    alone = await embedding.embed([*[f"{text} One pass." for text in PASSAGES], QUERY + " One pass?"])
    assert (passages.vectors * alone[:3]).sum(axis=1).min() > 0.999
    assert query.vector @ alone[3] > 0.999
    assert passages.revision == query.revision


async def test_the_passage_that_answers_has_the_highest_score(embedding: EmbeddingClient) -> None:
    passages = await embedding.embed_passages(PASSAGES)
    query = await embedding.embed_query(QUERY)
    scores = maxsim(query.tokens, passages.tokens)
    assert scores.argmax() == 1
    np.testing.assert_allclose(await embedding.rerank(QUERY, PASSAGES), scores, atol=0.01)


async def test_special_tokens_and_punctuation_are_left_out(embedding: EmbeddingClient) -> None:
    passages = await embedding.embed_passages(["Hello, world!", "... !?", "hello world"])
    assert [len(tokens) // bytes_per_token(384) for tokens in passages.tokens] == [2, 0, 2]
    query = await embedding.embed_query("?!")
    assert query.tokens.shape == (0, 384)
    assert maxsim(query.tokens, passages.tokens).tolist() == [0, 0, 0]


async def test_rerank_answers_in_text_embeddings_inferences_shape(client: httpx.AsyncClient) -> None:
    body = {"query": QUERY, "texts": PASSAGES, "return_text": True}
    response = await client.post("/rerank", json=body)
    ranks = response.json()
    assert [set(rank) for rank in ranks] == [{"index", "score", "text"}] * 3
    assert ranks[0]["index"] == 1
    assert ranks[0]["text"] == PASSAGES[1]
    assert sorted((rank["score"] for rank in ranks), reverse=True) == [rank["score"] for rank in ranks]
    assert all(0 <= rank["score"] <= 1 for rank in ranks)
    assert int(response.headers["X-Total-Tokens"]) > 30
    raw = (await client.post("/rerank", json={"query": QUERY, "texts": PASSAGES, "raw_scores": True})).json()
    assert [set(rank) for rank in raw] == [{"index", "score"}] * 3
    assert raw[0]["score"] == pytest.approx(2 * ranks[0]["score"] - 1, abs=0.01)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/rerank", {"query": "", "texts": ["x"]}, "query"),
        ("/rerank", {"query": "x", "texts": []}, "texts"),
        ("/rerank", {"query": "x", "texts": ["y", " "]}, "texts"),
        ("/rerank", {"query": "x", "texts": ["y"] * 3_000}, "texts"),
        ("/rerank", {"query": "x", "texts": ["word " * 900], "truncate": False}, "texts"),
        ("/rerank", {"query": "x"}, "texts"),
        ("/rerank", {"query": "x", "texts": ["y"], "more": 1}, "more"),
        ("/predict", {"inputs": [["x", "y"]], "more": 1}, "more"),
        ("/embed_tokens", {"texts": [], "role": "query"}, "texts"),
        ("/embed_tokens", {"texts": ["x"], "role": "document"}, "role"),
        ("/embed_tokens", {"texts": ["x"], "role": "query", "more": 1}, "more"),
    ],
)
async def test_bad_requests_name_the_field(
    client: httpx.AsyncClient, path: str, body: dict[str, object], param: str
) -> None:
    response = await client.post(path, json=body)
    assert response.status_code == 422
    assert response.json()["code"] == "VALIDATION_ERROR"
    assert response.json()["details"]["param"] == param


@pytest.mark.parametrize("path", ["/rerank", "/embed_tokens"])
async def test_only_footnotes_services_may_call(app: FastAPI, path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://embedding") as stranger:
        response = await stranger.post(path, json={"query": "x", "texts": ["y"], "role": "query"})
    assert response.status_code == 401
