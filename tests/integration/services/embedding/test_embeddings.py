import asyncio
import base64
import json
import os
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from numpy.typing import NDArray

from libs.clients.base import ServiceClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.security.tokens import ServiceTokens
from services.embedding.gate import LEAST_COSINE, LEAST_MEAN_COSINE
from services.embedding.main import build

TEXTS = [
    "A citation opens the passage it quotes.",
    "Zahlungen werden monatlich abgerechnet.",
    "x",
    "a much longer text, " * 200,
    "naïve café 😀 مرحبا",
]


def vectors(response: httpx.Response) -> NDArray[np.float32]:
    assert response.status_code == 200, response.text
    return np.array([item["embedding"] for item in response.json()["data"]], np.float32)


async def posted(client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    """As JSON in ASCII, which can say what UTF-8 can't."""
    return await client.post("/v1/embeddings", content=json.dumps(body), headers={"Content-Type": "application/json"})


def assert_openai_error(response: httpx.Response, status: int, code: str, param: str) -> None:
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert error["param"] == param
    assert error["type"]
    assert error["message"]
    assert len(error["message"]) < 300


async def test_vectors_are_the_published_models_of_unit_length(client: httpx.AsyncClient, models_dir: Path) -> None:
    from sentence_transformers import SentenceTransformer

    ours = vectors(await client.post("/v1/embeddings", json={"input": TEXTS, "truncate": True}))
    plain = SentenceTransformer(str(models_dir / "minilm"), device="cpu", local_files_only=True)
    theirs: NDArray[np.float32] = plain.encode(TEXTS, normalize_embeddings=True)
    assert ours.shape == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    cosines = (ours * theirs).sum(axis=1)
    assert cosines.min() > LEAST_COSINE
    assert cosines.mean() > LEAST_MEAN_COSINE


async def test_base64_carries_the_same_floats(client: httpx.AsyncClient) -> None:
    floats = vectors(await client.post("/v1/embeddings", json={"input": TEXTS[:2]}))
    response = await client.post("/v1/embeddings", json={"input": TEXTS[:2], "encoding_format": "base64"})
    rows = [np.frombuffer(base64.b64decode(item["embedding"]), "<f4") for item in response.json()["data"]]
    np.testing.assert_allclose(np.stack(rows), floats, atol=1e-6)


async def test_answers_in_openais_shape(client: httpx.AsyncClient) -> None:
    body: dict[str, Any] = (
        await client.post("/v1/embeddings", json={"input": "hello world", "model": "default"})
    ).json()
    assert body["object"] == "list"
    assert body["model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert body["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
    assert [(item["object"], item["index"]) for item in body["data"]] == [("embedding", 0)]
    models = (await client.get("/v1/models")).json()
    assert [model["id"] for model in models["data"]] == [body["model"]]


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"input": []}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ""}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ["fine", "  "]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [1, 2, 3]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [[1, 2], [3]]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ["x"] * 3_000}, 400, "VALIDATION_ERROR", "input"),
        ({"input": "x", "dimensions": 12}, 400, "VALIDATION_ERROR", "dimensions"),
        ({"input": "x", "model": "text-embedding-3-large"}, 404, "MODEL_NOT_FOUND", "model"),
        ({"input": "x", "encoding_format": "hex"}, 400, "VALIDATION_ERROR", "encoding_format"),
        ({"input": "x", "colour": "blue"}, 400, "VALIDATION_ERROR", "colour"),
        ({"input": 5}, 400, "VALIDATION_ERROR", "input"),
        ({"input": None}, 400, "VALIDATION_ERROR", "input"),
        ({"input": {"text": "x"}}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ["x", 5]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ["x", None]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [True]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": ["x", "half \ud83d of a pair"]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": "word " * 200_000}, 400, "VALIDATION_ERROR", "input"),
        ({"input": "x", "model": "../minilm"}, 404, "MODEL_NOT_FOUND", "model"),
        ({"input": "x", "model": ""}, 404, "MODEL_NOT_FOUND", "model"),
        ({"input": "x", "model": 3}, 400, "VALIDATION_ERROR", "model"),
        ({"input": "x", "dimensions": -1}, 400, "VALIDATION_ERROR", "dimensions"),
        ({}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [["x"]]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [[1.5]]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [[[1]]]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [10**400]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": [float("nan")]}, 400, "VALIDATION_ERROR", "input"),
        ({"input": "x", "model": "m" * 1_000_000}, 400, "VALIDATION_ERROR", "model"),
        ({"input": "x", "dimensions": 10**400}, 400, "VALIDATION_ERROR", "dimensions"),
        ({"input": "x", "dimensions": float("nan")}, 400, "VALIDATION_ERROR", "dimensions"),
        ({"input": "x", "k" * 1_000_000: 1}, 400, "VALIDATION_ERROR", "k" * 100 + "…"),
    ],
    ids=lambda value: repr(value)[:60],
)
async def test_bad_requests_get_openais_error(
    client: httpx.AsyncClient, body: dict[str, Any], status: int, code: str, param: str
) -> None:
    assert_openai_error(await posted(client, body), status, code, param)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/embed_tokens", {"texts": ["half \ud83d of a pair"], "role": "query"}, "texts"),
        ("/rerank", {"query": "half \ud83d of a pair", "texts": ["x"]}, "query"),
        ("/rerank", {"query": "x", "texts": ["half \ud83d of a pair"]}, "texts"),
    ],
)
async def test_half_a_character_is_the_callers_mistake(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], param: str
) -> None:
    response = await client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["details"]["param"]) == (422, param)


async def test_odd_texts_are_embedded_like_others(client: httpx.AsyncClient) -> None:
    odd = ["a\0b", "\0", "\u200b", "word " * 200_000, "[MASK] [PAD] [SEP]", "\U0001f600" * 300]
    rows = vectors(await client.post("/v1/embeddings", json={"input": odd, "truncate": True}))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)


async def test_a_body_that_is_no_json_gets_openais_error(client: httpx.AsyncClient) -> None:
    for content in (b"{", b"", b"[" * 5_000, b"\xff"):
        response = await client.post("/v1/embeddings", content=content, headers={"Content-Type": "application/json"})
        assert response.status_code in {400, 422}, content
        assert response.json()["error"]["type"] == "invalid_request_error"


async def test_a_name_that_is_no_text_is_told(client: httpx.AsyncClient) -> None:
    error = (await posted(client, {"input": "x", "\ud800": 1})).json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", None)
    assert "field's name" in error["message"]


async def test_without_a_service_token_nothing_is_embedded(app: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://embedding") as stranger:
        response = await stranger.post("/v1/embeddings", json={"input": "x"})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "UNAUTHENTICATED"


async def test_many_callers_get_their_own_vectors(client: httpx.AsyncClient) -> None:
    texts = [f"caller number {n} asks about topic {n * 7}" for n in range(64)]
    together = await asyncio.gather(*(client.post("/v1/embeddings", json={"input": text}) for text in texts))
    alone = vectors(await client.post("/v1/embeddings", json={"input": texts}))
    rows = np.concatenate([vectors(response) for response in together])
    assert (rows * alone).sum(axis=1).min() > 0.9995
    assert ((rows @ alone.T).argmax(axis=1) == np.arange(64)).all()


async def test_the_client_that_other_services_use(app: FastAPI, settings: Settings) -> None:
    tokens = ServiceTokens("knowledge", settings.secrets_dir)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        rows = await EmbeddingClient(ServiceClient("embedding", "http://embedding", tokens, http)).embed(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (5, 384)


async def readiness_problem(settings: Settings, models_dir: Path) -> str:
    """What the health report says of a service whose model can't be loaded, when it is done trying."""
    app = build(settings.model_copy())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://embedding") as probe,
    ):
        while True:
            report = (await probe.get("/health/detailed")).json()
            error: str = report["checks"]["model"]["error"]
            if "still loading" not in error:
                break
            await asyncio.sleep(0.02)
        assert (await probe.get("/health/ready")).status_code == 503
        assert (await probe.get("/health/live")).status_code == 200
        token = ServiceTokens("chat", settings.secrets_dir).sign("embedding")
        response = await probe.post("/v1/embeddings", json={"input": "x"}, headers={"X-Service-Token": token})
        assert response.status_code == 503
        assert response.json()["error"]["code"] == "UPSTREAM_UNAVAILABLE"
        return error


async def test_missing_weights_leave_the_service_up_and_not_ready(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_MODELS_DIR", str(tmp_path))
    problem = await readiness_problem(settings, tmp_path)
    assert "footnote models install minilm" in problem


async def test_a_damaged_file_is_named(
    client: httpx.AsyncClient, settings: Settings, models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (models_dir / "minilm").rglob("*"):
        target = tmp_path / "minilm" / source.relative_to(models_dir / "minilm")
        if source.is_file() and source.suffix != ".safetensors" and source.parent.name != "openvino":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    with (tmp_path / "minilm" / "model.safetensors").open("wb") as damaged:
        os.truncate(damaged.fileno(), (models_dir / "minilm" / "model.safetensors").stat().st_size)
    monkeypatch.setenv("FOOTNOTE_MODELS_DIR", str(tmp_path))
    # Where nothing can be converted torch reads the file; a conversion would take seconds to fail.
    lock = tmp_path / "minilm" / ".openvino.lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()
    problem = await readiness_problem(settings, tmp_path)
    assert "model.safetensors" in problem
    assert "pinned" in problem


async def test_a_text_beyond_the_limit_is_refused_unless_it_may_be_cut(client: httpx.AsyncClient) -> None:
    body = {"input": ["short", "word " * 5_000]}
    response = await client.post("/v1/embeddings", json=body)
    assert_openai_error(response, 400, "VALIDATION_ERROR", "input")
    assert "Text 1 has 5,002 tokens" in response.json()["error"]["message"]
    assert "256" in response.json()["error"]["message"]
    cut = await client.post("/v1/embeddings", json=body | {"truncate": True})
    assert cut.json()["usage"]["prompt_tokens"] == 3 + 256
    fits = await client.post("/v1/embeddings", json={"input": ["word " * 254]})
    assert fits.json()["usage"]["prompt_tokens"] == 256
