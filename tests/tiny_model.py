"""A made-up embedding model for tests: quick to load, and told apart from the real one by its vectors and dimension."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from libs.config.settings import REPOSITORY

DIMENSION = 128
MAX_TOKENS = 64
LAYERS = 2
_INNER = 256
_VOCABULARY = 30_522
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def make_tiny_model(folder: Path, *, seed: int = 0) -> None:
    """Writes a sentence-transformers folder: a BERT of two layers with seeded random weights and MiniLM's tokenizer.

    MiniLM must be installed. `embedding.backend` torch loads the model in seconds; `auto` converts it for OpenVINO
    first, which takes about ten.
    """
    minilm = Path(os.environ.get("FOOTNOTE_MODELS_DIR", REPOSITORY / ".footnote" / "models")) / "minilm"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in _TOKENIZER_FILES:
        shutil.copyfile(minilm / name, folder / name)
    _write(folder / "config.json", _CONFIG)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": MAX_TOKENS, "do_lower_case": False})
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for index, (path, kind) in enumerate(kinds)
    ]
    _write(folder / "modules.json", modules)
    _write(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": DIMENSION, "pooling_mode_mean_tokens": True},
    )
    save_file(_weights(np.random.default_rng(seed)), folder / "model.safetensors", metadata={"format": "pt"})


_CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": DIMENSION,
    "intermediate_size": _INNER,
    "max_position_embeddings": MAX_TOKENS,
    "num_attention_heads": 4,
    "num_hidden_layers": LAYERS,
    "pad_token_id": 0,
    "type_vocab_size": 2,
    "vocab_size": _VOCABULARY,
}


def _weights(random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    def normal(*shape: int) -> NDArray[np.float32]:
        return random.normal(0, 0.1, shape).astype(np.float32)

    made: dict[str, NDArray[np.float32]] = {
        "embeddings.word_embeddings.weight": normal(_VOCABULARY, DIMENSION),
        "embeddings.position_embeddings.weight": normal(MAX_TOKENS, DIMENSION),
        "embeddings.token_type_embeddings.weight": normal(2, DIMENSION),
        **_norm("embeddings.LayerNorm"),
        "pooler.dense.weight": normal(DIMENSION, DIMENSION),
        "pooler.dense.bias": np.zeros(DIMENSION, np.float32),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        shapes = {
            "attention.self.query": (DIMENSION, DIMENSION),
            "attention.self.key": (DIMENSION, DIMENSION),
            "attention.self.value": (DIMENSION, DIMENSION),
            "attention.output.dense": (DIMENSION, DIMENSION),
            "intermediate.dense": (_INNER, DIMENSION),
            "output.dense": (DIMENSION, _INNER),
        }
        for name, shape in shapes.items():
            made[f"{prefix}.{name}.weight"] = normal(*shape)
            made[f"{prefix}.{name}.bias"] = np.zeros(shape[0], np.float32)
        made |= _norm(f"{prefix}.attention.output.LayerNorm") | _norm(f"{prefix}.output.LayerNorm")
    return made


def _norm(name: str) -> dict[str, NDArray[np.float32]]:
    return {f"{name}.weight": np.ones(DIMENSION, np.float32), f"{name}.bias": np.zeros(DIMENSION, np.float32)}


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content))
