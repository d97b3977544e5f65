"""Another Footnote as the server of an embedding model, by its public address and an API key."""

import asyncio

import numpy as np
from pydantic import SecretStr

from libs.config.settings import RemoteModel
from services.embedding.adapters.remote import RemoteEncoder
from services.embedding.cache import VectorCache
from tests.stack import Stack

TEXTS = ["The harbour office opens at eight.", "When does the office open?", "word " * 600]


async def test_a_footnote_serves_as_the_model_of_another(stack: Stack):
    async with stack.member() as member:
        made = (await member.http.post("/users/me/api-keys", json={"name": "embeddings"})).raise_for_status().json()
        options = RemoteModel(
            url=f"{stack.url}/v1", model="default", api_key=SecretStr(made["key"]), max_tokens=256, revision="1"
        )
        far = RemoteEncoder("far", options, VectorCache(10), None, 100)
        await far.connect()
        running = asyncio.create_task(far.run())
        await asyncio.sleep(0)
        assert far.dimension == 384
        embedded = await far.embed(TEXTS, "ingest", truncate=True)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        body = {"input": TEXTS, "truncate": True}
        near = (await member.http.post("/v1/embeddings", json=body)).raise_for_status().json()
    np.testing.assert_allclose(embedded.vectors, [item["embedding"] for item in near["data"]], atol=0.02)
    assert embedded.tokens > 256
