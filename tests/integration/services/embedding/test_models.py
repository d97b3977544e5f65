"""Several models at once, an operator's own among them, changed while the service runs."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from libs.clients.base import ServiceClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError
from libs.inference.late_interaction import bytes_per_token, maxsim
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from services.embedding.backends import load_model
from services.embedding.folders import locate
from services.embedding.main import build
from services.embedding.ports import ModelLoadError
from tests.stack import until
from tests.tiny_model import DIMENSION, MAX_TOKENS, make_tiny_model

TEXTS = ["An access token lives for thirty minutes.", "Cats sleep for most of the day, " * 20]


@pytest.fixture(scope="module")
def store(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> WeightsStore:
    """MiniLM and, beside it, two folders of an operator's own."""
    if not (models_dir / "minilm").is_dir():
        pytest.skip("the weights 'minilm' aren't installed")
    folder = tmp_path_factory.mktemp("models")
    (folder / "minilm").symlink_to(models_dir / "minilm")
    make_tiny_model(folder / "tiny")
    make_tiny_model(folder / "other", seed=1)
    return WeightsStore(folder)


@pytest.fixture(scope="module")
async def running(
    store: WeightsStore, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[FastAPI, Path]]:
    """The service with MiniLM alone, and its overrides file."""
    overrides = tmp_path_factory.mktemp("overrides") / "overrides.yaml"
    embedding = settings.embedding.model_copy(update={"backend": "torch"})
    changed = settings.model_copy(update={"embedding": embedding, "overrides_file": str(overrides)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTNOTE_MODELS_DIR", str(store.models_dir))
        app = build(changed)
        async with app.router.lifespan_context(app):
            yield app, overrides


@pytest.fixture
async def embedding(running: tuple[FastAPI, Path], settings: Settings) -> AsyncIterator[EmbeddingClient]:
    tokens = ServiceTokens("knowledge", settings.secrets_dir)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(running[0])) as http:
        yield EmbeddingClient(ServiceClient("embedding", "http://embedding", tokens, http))


async def served(client: EmbeddingClient) -> list[str] | None:
    try:
        return [f"{model.id}*" if model.default else model.id for model in await client.models()]
    except FootnoteError:
        return None


async def until_served(client: EmbeddingClient, expected: list[str]) -> None:
    async def look() -> bool | None:
        return True if await served(client) == expected else None

    await until(look)


async def test_models_come_become_the_default_and_go_without_a_restart(
    running: tuple[FastAPI, Path], embedding: EmbeddingClient
):
    minilm = "sentence-transformers/all-MiniLM-L6-v2"
    overrides = running[1]
    await until_served(embedding, [f"{minilm}*"])
    with pytest.raises(FootnoteError) as unknown:
        await embedding.embed(TEXTS, model="tiny")
    assert unknown.value.status == 404
    overrides.write_text("embedding: {also: [tiny, missing]}")
    await until_served(embedding, [f"{minilm}*", "tiny"])
    own, theirs = await embedding.embed_passages(TEXTS, model="tiny"), await embedding.embed_passages(TEXTS)
    assert (own.vectors.shape, theirs.vectors.shape) == ((2, DIMENSION), (2, 384))
    assert own.space != theirs.space
    overrides.write_text("embedding: {model: tiny}")
    await until_served(embedding, ["tiny*"])
    (info,) = await embedding.models()
    assert (info.dimension, info.max_tokens, info.space) == (DIMENSION, MAX_TOKENS, own.space)
    np.testing.assert_allclose((await embedding.embed_passages(TEXTS)).vectors, own.vectors, atol=1e-3)


async def test_token_vectors_of_another_dimension_rank_passages(
    running: tuple[FastAPI, Path], embedding: EmbeddingClient
):
    running[1].write_text("embedding: {model: tiny}")
    await until_served(embedding, ["tiny*"])
    passages = await embedding.embed_passages(TEXTS, model="tiny")
    assert {len(tokens) % bytes_per_token(DIMENSION) for tokens in passages.tokens} == {0}
    query = await embedding.embed_query("How long does an access token live?", model="tiny")
    scores = maxsim(query.tokens, passages.tokens)
    assert scores.argmax() == 0
    np.testing.assert_allclose(await embedding.rerank("How long does an access token live?", TEXTS), scores, atol=0.02)


def test_an_own_folder_gives_the_vectors_that_sentence_transformers_gives(store: WeightsStore):
    from sentence_transformers import SentenceTransformer, models

    folder = store.models_dir / "dense"
    tiny = SentenceTransformer(str(store.models_dir / "tiny"), device="cpu", local_files_only=True)
    dense = models.Dense(in_features=DIMENSION, out_features=50)
    pooling = models.Pooling(DIMENSION, pooling_mode="cls")
    plain = SentenceTransformer(modules=[tiny[0], pooling, dense], device="cpu")
    plain.save(str(folder))
    model = load_model("torch", "dense", store)
    assert (model.dimension, model.token_dimension, model.tokenizer.limit) == (50, DIMENSION, MAX_TOKENS)
    expected = plain.encode(TEXTS, normalize_embeddings=True)
    ours = model.encode(model.tokenizer.read(TEXTS)).vectors
    assert (ours * expected).sum(axis=1).min() > 0.999


def test_a_folders_space_is_its_files(store: WeightsStore, tmp_path: Path):
    tiny, other = locate("tiny", store), locate("other", store)
    assert tiny.space.startswith("tiny@")
    assert tiny.digest != other.digest
    make_tiny_model(tmp_path / "again")
    assert locate("again", WeightsStore(tmp_path)).digest == tiny.digest
    pooling = tmp_path / "again" / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace("mean", "max"))
    assert locate("again", WeightsStore(tmp_path)).digest != tiny.digest


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../tiny", "can't be a model's name"),
        ("/etc", "can't be a model's name"),
        (".tiny", "can't be a model's name"),
        ("nothing", "isn't a folder"),
        ("empty", "modules.json"),
        ("pickled", "no .safetensors file"),
        ("qwen", "qwen"),
    ],
)
def test_what_is_no_model_is_refused_with_the_reason(store: WeightsStore, tmp_path: Path, name: str, words: str):
    (tmp_path / "models" / "empty").mkdir(parents=True)
    (tmp_path / "tiny").mkdir()
    pickled = tmp_path / "models" / "pickled"
    make_tiny_model(pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(ModelLoadError, match=words):
        locate(name, WeightsStore(tmp_path / "models"))


def test_a_broken_folder_names_the_file(store: WeightsStore):
    make_tiny_model(store.models_dir / "broken")
    (store.models_dir / "broken" / "tokenizer.json").write_text("{")
    with pytest.raises(ModelLoadError, match="broken"):
        load_model("torch", "broken", store)
