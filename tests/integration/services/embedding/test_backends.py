"""Each backend gives the published model's vectors, to within what its precision allows."""

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from libs.clients.context import LANES
from libs.config.settings import load_settings
from libs.inference.machine import this_machine
from libs.stores.weights import WeightsMissingError, WeightsStore
from scripts.bench.judged import Judged
from scripts.optimize import optimize
from services.embedding.adapters.openvino_ir import prepare
from services.embedding.backends import CUDA_DRIVER, Backend, load_model
from services.embedding.folders import locate
from services.embedding.gate import Backend as Measurable
from services.embedding.gate import Verdict, best_first, read_verdicts, write_verdicts

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


@pytest.fixture
def own_store(store: WeightsStore, models_dir: Path, tmp_path: Path) -> WeightsStore:
    """The same files in a folder that a test may change."""
    prepare(locate("minilm", store))
    for source in (models_dir / "minilm").rglob("*"):
        target = tmp_path / "minilm" / source.relative_to(models_dir / "minilm")
        if source.is_file() and source.name != "measured.json":
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    return WeightsStore(tmp_path)


def test_auto_leaves_int8_where_its_check_fails(own_store: WeightsStore):
    header = own_store.locate("minilm") / "openvino" / "footnote.json"
    failing = json.loads(header.read_text()) | {"least_cosine": 0.5}
    header.unlink()
    header.write_text(json.dumps(failing))
    assert load_model("auto", "minilm", own_store).backend in {"openvino-bfloat16", "openvino-float32"}
    folder = locate("minilm", own_store)
    write_verdicts(folder, {"openvino-int8": Verdict(passes=True, tokens_per_cpu_s=9)})
    assert load_model("auto", "minilm", own_store).backend in {"openvino-bfloat16", "openvino-float32"}


def test_auto_takes_the_best_of_what_passed_here(own_store: WeightsStore):
    folder = locate("minilm", own_store)
    fast, slow = Verdict(passes=True, tokens_per_cpu_s=300), Verdict(passes=True, tokens_per_cpu_s=100)
    failing = Verdict(passes=False, tokens_per_cpu_s=900)
    measured: list[tuple[dict[Measurable, Verdict], Backend]] = [
        ({"openvino-int8": failing, "openvino-float32": fast, "torch": slow}, "openvino-float32"),
        ({"openvino-int8": slow, "openvino-float32": slow, "torch": fast}, "torch"),
        ({"openvino-int8": failing, "openvino-float32": failing, "torch": failing}, "openvino-float32"),
        ({"openvino-int8": slow, "openvino-float32": failing, "torch": failing}, "openvino-int8"),
    ]
    for verdicts, expected in measured:
        write_verdicts(folder, {"torch-cuda": failing, "openvino-bfloat16": failing, **verdicts})
        assert load_model("auto", "minilm", own_store).backend == expected


def test_auto_takes_nothing_that_was_measured_on_another_machine(own_store: WeightsStore):
    folder = locate("minilm", own_store)
    verdict = Verdict(passes=True, tokens_per_cpu_s=300)
    place = write_verdicts(folder, {"torch": verdict, "openvino-int8": Verdict(passes=False, tokens_per_cpu_s=1)})
    assert load_model("auto", "minilm", own_store).backend == "torch"
    measured = json.loads(place.read_text())
    measured["machine"]["processor"] = "another"
    place.write_text(json.dumps(measured))
    assert load_model("auto", "minilm", own_store).backend == "openvino-int8"


def test_auto_leaves_int8_that_was_checked_on_another_processor_until_it_is_measured_here(own_store: WeightsStore):
    folder = locate("minilm", own_store)
    header = folder.path / "openvino" / "footnote.json"
    elsewhere = json.loads(header.read_text()) | {"instructions": ["sse4_1"]}
    header.unlink()
    header.write_text(json.dumps(elsewhere))
    assert load_model("auto", "minilm", own_store).backend in {"openvino-bfloat16", "openvino-float32"}
    write_verdicts(folder, {"openvino-int8": Verdict(passes=True, tokens_per_cpu_s=9)})
    assert load_model("auto", "minilm", own_store).backend == "openvino-int8"


def test_auto_goes_on_with_the_next_where_what_passed_no_longer_loads(own_store: WeightsStore):
    folder = locate("minilm", own_store)
    verdict = Verdict(passes=True, tokens_per_cpu_s=100)
    write_verdicts(folder, {"openvino-int8": Verdict(passes=True, tokens_per_cpu_s=300), "torch": verdict})
    ir = folder.path / "openvino" / "int8.xml"
    size = ir.stat().st_size
    ir.unlink()
    ir.write_bytes(b"x" * size)  # the size that its header states
    assert load_model("auto", "minilm", own_store).backend == "torch"


def test_optimize_leaves_what_it_measured_where_auto_reads_it(
    own_store: WeightsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FOOTNOTE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FOOTNOTE_MODELS_DIR", str(own_store.models_dir))
    judged = Judged("four texts", TEXTS, TEXTS[:2], [{0}, {1}])
    markdown = optimize(load_settings(), judged, 1, Console(quiet=True), ["openvino-int8", "torch-cuda"])
    verdicts = read_verdicts(locate("minilm", own_store))
    assert {backend: verdict.passes for backend, verdict in verdicts.items()} == {
        "openvino-int8": True,
        "torch-cuda": CUDA_DRIVER.exists(),
    }
    report = json.loads(markdown.with_suffix(".json").read_text())
    assert report["best_that_passes"] == best_first(verdicts)[0]
    assert report["machine"] == this_machine().model_dump()
    assert this_machine().processor in markdown.read_text()
    assert ("torch-cuda" in report["cannot_run"]) is not CUDA_DRIVER.exists()
    assert f"**{best_first(verdicts)[0]}**" in markdown.read_text()
