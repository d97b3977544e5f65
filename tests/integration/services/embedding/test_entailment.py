"""Pairs of texts judged by a real classifier: from a folder, from another server, and where there is none."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.responses import JSONResponse

from libs.clients.base import ServiceClient
from libs.clients.embedding import EmbeddingClient
from libs.config.settings import RemoteModel, Settings
from libs.contracts.errors import FootnoteError
from libs.security.tokens import ServiceTokens
from libs.stores.weights import WeightsStore
from services.embedding.backends import load_classifier
from services.embedding.main import build
from services.embedding.ports import ModelLoadError
from tests.integration.services.embedding.tei import Tei
from tests.loopback import serving
from tests.stack import until
from tests.tiny_entailment_model import LABELS, MAX_TOKENS

ALWAYS = "Receipts are always checked within 30 days by the finance team."
ENTAILED = "The finance team always checks receipts."
CONTRADICTING = "The finance team sometimes checks receipts."
NEUTRAL = "The finance team checks receipts."


@asynccontextmanager
async def running(
    settings: Settings, models: Path, entailment: str, **remotes: RemoteModel
) -> AsyncIterator[httpx.AsyncClient]:
    """The service over real HTTP, with MiniLM and this entailment model."""
    options = {"entailment": entailment, "remotes": remotes, "max_waiting": 8}
    changed = settings.model_copy(update={"embedding": settings.embedding.model_copy(update=options)})
    headers = {"X-Service-Token": ServiceTokens("chat", settings.secrets_dir).sign("embedding")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOOTNOTE_MODELS_DIR", str(models))
        async with (
            serving(build(changed)) as url,
            httpx.AsyncClient(base_url=url, timeout=30, headers=headers) as http,
        ):
            yield http


async def state(http: httpx.AsyncClient) -> dict[str, Any] | None:
    """The check of the entailment model, once it isn't loading any more."""
    detailed = (await http.get("/health/detailed")).json()
    check = detailed["checks"]["entailment model"]
    return None if "still loading" in str(check) else check


async def loaded(http: httpx.AsyncClient) -> None:
    check = await until(lambda: state(http))
    assert check["ok"], check


@pytest.fixture(scope="module")
async def service(settings: Settings, models_with_entailment: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings, models_with_entailment, "nli") as http:
        await loaded(http)
        yield http


def client(http: httpx.AsyncClient, settings: Settings) -> EmbeddingClient:
    tokens = ServiceTokens("chat", settings.secrets_dir)
    return EmbeddingClient(ServiceClient("embedding", str(http.base_url).rstrip("/"), tokens, http))


async def predict(http: httpx.AsyncClient, inputs: Any, **also: Any) -> httpx.Response:
    return await http.post("/predict", json={"inputs": inputs, **also})


async def test_a_batch_is_judged_in_order_with_the_models_own_labels(service: httpx.AsyncClient):
    pairs = [[ALWAYS, ENTAILED], [ALWAYS, CONTRADICTING], [ALWAYS, NEUTRAL], [CONTRADICTING, ALWAYS]]
    answer = await predict(service, pairs)
    rows = answer.json()
    assert [row[0]["label"] for row in rows] == ["ENTAILMENT", "CONTRADICTION", "NEUTRAL", "NEUTRAL"]
    for row in rows:
        assert {one["label"] for one in row} == set(LABELS.values())
        assert sum(one["score"] for one in row) == pytest.approx(1, abs=1e-4)
        assert [one["score"] for one in row] == sorted((one["score"] for one in row), reverse=True)
    assert int(answer.headers["X-Total-Tokens"]) > 40
    single = (await predict(service, pairs[1])).json()
    assert single[0]["label"] == "CONTRADICTION"


async def test_what_stands_in_one_batch_doesnt_change_a_verdict(service: httpx.AsyncClient):
    alone = (await predict(service, [[ALWAYS, ENTAILED]])).json()[0]
    longer = [ALWAYS + " And so on and on and on." * 2, NEUTRAL * 2]
    together = (await predict(service, [longer, [ALWAYS, ENTAILED], longer])).json()[1]
    for one, other in zip(alone, together, strict=True):
        assert one["label"] == other["label"]
        assert one["score"] == pytest.approx(other["score"], abs=0.02)


async def test_a_client_gets_both_probabilities(service: httpx.AsyncClient, settings: Settings):
    entailed, contradicting = await client(service, settings).infer([(ALWAYS, ENTAILED), (ALWAYS, CONTRADICTING)])
    assert (entailed.entailment > 0.8, entailed.contradiction < 0.2) == (True, True)
    assert (contradicting.contradiction > 0.8, contradicting.entailment < 0.2) == (True, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"inputs": []}, 422),
        ({"inputs": "a text alone"}, 422),
        ({"inputs": [["one"]]}, 422),
        ({"inputs": [[ALWAYS, " "]]}, 422),
        ({"inputs": [[ALWAYS, "half \ud83d of a pair"]]}, 422),
        ({"inputs": [[ALWAYS, NEUTRAL]] * 9}, 422),
        ({"inputs": [[ALWAYS, NEUTRAL]], "raw_scores": True}, 422),
        ({"inputs": [[ALWAYS, "word " * MAX_TOKENS]], "truncate": False}, 422),
        ({"inputs": [[ALWAYS, "word " * MAX_TOKENS]]}, 200),
        ({"inputs": [[ALWAYS, NEUTRAL]], "model": "nli"}, 200),
        ({"inputs": [[ALWAYS, NEUTRAL]], "model": "minilm"}, 404),
    ],
)
async def test_what_is_taken(service: httpx.AsyncClient, body: dict[str, Any], status: int):
    answer = await service.post("/predict", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text


async def test_more_than_may_wait_is_refused_at_once(service: httpx.AsyncClient):
    calls = [predict(service, [[ALWAYS, f"{ENTAILED} {number}"]] * 6) for number in range(12)]
    answers = await asyncio.gather(*calls)
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert {one.status_code for one in answers} == {200, 429}
    assert "the entailment model" in refused[0].text
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert (await predict(service, [[ALWAYS, ENTAILED]])).status_code == 200


async def test_without_one_configured_the_rest_works_and_predictions_are_refused(
    settings: Settings, models_with_entailment: Path
):
    async with running(settings, models_with_entailment, "") as http:
        assert "entailment model" not in (await http.get("/health/detailed")).json()["checks"]
        answer = await predict(http, [[ALWAYS, ENTAILED]])
    assert answer.status_code == 404
    assert "There is no entailment model 'default'. None is configured." in answer.text


async def test_one_that_isnt_there_leaves_embedding_ready_and_is_told(settings: Settings, models_with_entailment: Path):
    async with running(settings, models_with_entailment, "absent") as http:
        check = await until(lambda: state(http))
        assert not check["ok"]
        assert "There is no model 'absent'" in str(check)
        answer = await predict(http, [[ALWAYS, ENTAILED]])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")

        async def ready() -> bool | None:
            return (await http.get("/health/ready")).status_code == 200 or None

        await until(ready)


def spoilt(models: Path, folder: Path, what: str) -> WeightsStore:
    shutil.copytree(models / "nli", folder / "nli")
    config = folder / "nli" / "config.json"
    read = json.loads(config.read_text())
    match what:
        case "labels":
            read["id2label"] = {"0": "LABEL_0", "1": "LABEL_1", "2": "not_entailment"}
        case "no labels":
            del read["id2label"]
        case "weights":
            (folder / "nli" / "model.safetensors").unlink()
        case "tokenizer":
            (folder / "nli" / "tokenizer.json").unlink()
        case "head":
            from safetensors.numpy import load_file, save_file

            weights = load_file(folder / "nli" / "model.safetensors")
            kept = {name: values for name, values in weights.items() if not name.startswith("classifier")}
            save_file(kept, folder / "nli" / "model.safetensors", metadata={"format": "pt"})
        case _:
            read["max_position_embeddings"] = MAX_TOKENS * 2
    config.write_text(json.dumps(read))
    return WeightsStore(folder)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("labels", "none of the labels 'LABEL_0', 'LABEL_1', 'not_entailment' is called entailment"),
        ("no labels", "its config.json has no 'id2label'"),
        ("weights", "There is no .safetensors file"),
        ("tokenizer", "There is no tokenizer.json"),
        ("head", "its weights lack classifier.bias, classifier.weight: it was never trained to classify"),
        ("limit", "can't be loaded"),
    ],
)
def test_a_folder_that_cant_judge_is_refused_with_the_reason(
    models_with_entailment: Path, tmp_path: Path, what: str, words: str
):
    with pytest.raises(ModelLoadError) as refused:
        load_classifier("torch", "nli", spoilt(models_with_entailment, tmp_path, what))
    assert words in str(refused.value)


def test_the_catalogues_weights_are_none(models_with_entailment: Path):
    with pytest.raises(ModelLoadError, match="classify nothing"):
        load_classifier("auto", "minilm", WeightsStore(models_with_entailment))


async def test_a_server_elsewhere_judges_in_batches_of_its_size(settings: Settings, models_with_entailment: Path):
    tei = Tei()
    async with serving(tei.app) as url:
        far = RemoteModel(url=url, protocol="tei", max_tokens=20, revision="1", max_texts=2)
        async with running(settings, models_with_entailment, "far", far=far) as http:
            await loaded(http)
            judged = await client(http, settings).infer([(ALWAYS, ALWAYS), (ALWAYS, "no"), ("a", "b")])
            assert [round(one.entailment, 3) for one in judged] == [0.9, 0.1, 0.1]
            assert [round(one.contradiction, 3) for one in judged] == [0.05, 0.7, 0.7]
            sent = [body for path, body in tei.calls if path == "/predict"][1:]
            assert [body["inputs"] for body in sent] == [[[ALWAYS, ALWAYS], [ALWAYS, "no"]], [["a", "b"]]]
            assert {(body["raw_scores"], body["truncate"]) for body in sent} == {(False, True)}
            for strange in ([[{"label": "yes", "score": 1}]], [], {"rows": 1}):
                tei.answers = [JSONResponse(strange)]
                with pytest.raises(FootnoteError) as failed:
                    await client(http, settings).infer([("a", "b")])
                assert failed.value.status == 503
            tei.answers = [JSONResponse({"error": "busy"}, 429, {"Retry-After": "17"})]
            busy = await predict(http, [["a", "b"]])
            assert (busy.status_code, busy.headers["Retry-After"]) == (429, "17")


@pytest.mark.parametrize(
    ("protocol", "first", "words"),
    [
        ("openai", None, "its protocol must be 'tei'"),
        ("tei", [[{"label": "LABEL_0", "score": 1.0}]], "none of the labels 'LABEL_0' is called entailment"),
    ],
)
async def test_a_server_that_cant_judge_is_told(
    settings: Settings, models_with_entailment: Path, protocol: Any, first: Any, words: str
):
    tei = Tei()
    tei.answers = [JSONResponse(first)] if first else []
    async with serving(tei.app) as url:
        far = RemoteModel(url=url, protocol=protocol, max_tokens=20, revision="1")
        async with running(settings, models_with_entailment, "far", far=far) as http:
            check = await until(lambda: state(http))
    assert words in str(check)
