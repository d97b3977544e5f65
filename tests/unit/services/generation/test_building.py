"""Where a model's weights are found."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from libs.config.generation import GenerationModel
from libs.stores.weights import WeightsMissingError, WeightsStore
from services.generation.building import make_engine, weights_at


async def no_embeddings(texts: list[str]) -> NDArray[np.float32]:
    raise NotImplementedError


def test_weights_are_a_name_a_folder_or_a_gguf_file(tmp_path: Path):
    store = WeightsStore(tmp_path / "models")
    file = tmp_path / "some.gguf"
    file.write_bytes(b"GGUF")
    assert weights_at(store, str(file)) == file
    assert weights_at(store, str(tmp_path)) == tmp_path
    for absent in ("qwen", str(tmp_path / "other.gguf"), str(tmp_path / "models.txt")):
        with pytest.raises(WeightsMissingError):
            weights_at(store, absent)


@pytest.mark.parametrize("engine", ["openvino", "transformers"])
def test_a_model_of_a_gguf_file_is_made_of_it(tmp_path: Path, engine: str):
    file = tmp_path / "some.gguf"
    file.write_bytes(b"GGUF")
    settings = GenerationModel.model_validate({"engine": engine, "weights": str(file)})
    made = make_engine(WeightsStore(tmp_path / "models"), no_embeddings, "mine", settings)
    assert made.model_id == "mine"
    absent = settings.model_copy(update={"weights": str(tmp_path / "other.gguf")})
    with pytest.raises(WeightsMissingError):
        make_engine(WeightsStore(tmp_path / "models"), no_embeddings, "mine", absent)
