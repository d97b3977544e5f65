"""Each backend gives the published model's vectors, to within what its precision allows."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from libs.clients.context import LANES
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.embedding.adapters.openvino_ir import prepare
from services.embedding.backends import Backend, load_model
from services.embedding.folders import locate

TEXTS = [
    "A citation opens the passage it quotes.",
    "How long does an access token live?",
    "Documents are cut into chunks, and each chunk is embedded once. " * 12,
    "ERR-404",
]


@pytest.fixture(scope="module")
def store(models_dir: Path) -> WeightsStore:
    store = WeightsStore(models_dir)
    try:
        store.locate("minilm")
    except WeightsMissingError as missing:
        pytest.skip(str(missing))
    return store


def test_all_backends_agree_and_no_two_share_a_revision(store: WeightsStore):
    least: dict[Backend, float] = {
        "openvino-float32": 1,
        "torch": 0.9995,
        "openvino-bfloat16": 0.9995,
        "openvino-int8": 0.985,
    }
    models = {backend: load_model(backend, "minilm", store) for backend in least}
    batch = models["torch"].tokenizer.read(TEXTS)
    expected = models["openvino-float32"].encode(batch)
    for (backend, model), lane in product(models.items(), LANES):
        encoded = model.encode(batch, lane)
        assert encoded.vectors.shape == (4, 384)
        np.testing.assert_allclose(np.linalg.norm(encoded.vectors, axis=1), 1, atol=1e-4)
        assert (encoded.vectors * expected.vectors).sum(axis=1).min() > least[backend] - 1e-5, backend
        for row, tokens in enumerate(batch):
            own, theirs = encoded.states[row, : len(tokens)], expected.states[row, : len(tokens)]
            assert (own * theirs).sum(axis=1).mean() > least[backend] - 1e-2, backend
    assert len({model.revision for model in models.values()}) == len(models)
    assert {backend: model.backend for backend, model in models.items()} == {backend: backend for backend in models}


def test_batches_of_both_lanes_run_at_once_and_change_nothing_of_each_other(store: WeightsStore):
    model = load_model("openvino-int8", "minilm", store)
    batches = [(model.tokenizer.read(TEXTS[:count]), lane) for count in (1, 2, 3, 4) for lane in LANES] * 4
    alone = [model.encode(batch, lane).vectors for batch, lane in batches]
    with ThreadPoolExecutor(4) as threads:
        together = threads.map(lambda asked: model.encode(*asked).vectors, batches)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_auto_takes_int8_where_its_check_passes(store: WeightsStore):
    assert prepare(locate("minilm", store)).header.int8_passes
    assert load_model("auto", "minilm", store).backend == "openvino-int8"


def test_auto_leaves_int8_where_its_check_fails(store: WeightsStore, models_dir: Path, tmp_path: Path):
    prepare(locate("minilm", store))
    for source in (models_dir / "minilm").rglob("*"):
        target = tmp_path / "minilm" / source.relative_to(models_dir / "minilm")
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    header = tmp_path / "minilm" / "openvino" / "footnote.json"
    failing = json.loads(header.read_text()) | {"least_cosine": 0.5}
    header.unlink()
    header.write_text(json.dumps(failing))
    assert load_model("auto", "minilm", WeightsStore(tmp_path)).backend in {"openvino-bfloat16", "openvino-float32"}
