"""A model's folder: pinned weights from the catalogue, or an operator's own.

Embedding models have sentence-transformers' form, classifiers transformers'.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from libs.stores.weights import WeightsError, WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE
from services.embedding.ports import ModelLoadError

WEIGHTS_FILE = "model.safetensors"
MODULES_FILE = "modules.json"
# What of a module's folder decides the vectors, beside its weights.
_DECISIVE = ("config.json", "sentence_bert_config.json", "tokenizer.json")
REVISION_CHARS = 12


@dataclass(frozen=True)
class ModelFolder:
    """`name` is what settings call it, `id` its public name, `digest` names what decides its vectors."""

    name: str
    id: str
    path: Path
    digest: str

    @property
    def revision(self) -> str:
        return self.digest[:REVISION_CHARS]

    @property
    def space(self) -> str:
        return f"{self.id}@{self.revision}"


def public_id(name: str) -> str:
    """The model's published name; of a folder that isn't in the catalogue, the folder's."""
    weights = CATALOGUE.get(name)
    return weights.model if weights else name


def locate(name: str, store: WeightsStore) -> ModelFolder:
    """The folder called `name`. Reads an operator's own weights whole, to tell them from others.

    Raises ModelLoadError where there is none, or not one that can be loaded.
    """
    weights = CATALOGUE.get(name)
    if weights is None:
        path = _own(name, store.models_dir)
        return ModelFolder(name, name, path, _digest(path))
    try:
        path = store.locate(name)
    except WeightsMissingError as error:
        raise ModelLoadError(str(error)) from error
    digest = next((file.sha256 for file in weights.files if file.path == WEIGHTS_FILE), None)
    if digest is None:
        raise ModelLoadError(f"The weights {name!r} ({weights.model}) are no embedding model.")
    return ModelFolder(name, weights.model, path, digest)


def locate_classifier(name: str, store: WeightsStore) -> ModelFolder:
    """An operator's own folder in transformers' form, its weights as .safetensors. Reads them whole, as `locate` does.

    Raises ModelLoadError.
    """
    if name in CATALOGUE:
        raise ModelLoadError(f"The weights {name!r} ({CATALOGUE[name].model}) classify nothing.")
    path = _own(name, store.models_dir)
    needed = [path / "config.json", path / "tokenizer.json"]
    missing = [file.name for file in needed if not file.is_file()]
    if missing:
        raise ModelLoadError(f"There is no {' and no '.join(missing)} in {str(path)!r}.")
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        raise ModelLoadError(f"There is no .safetensors file in {str(path)!r}. Weights in other forms aren't loaded.")
    return ModelFolder(name, name, path, _digest_of([*needed, *weights]))


def damage(folder: ModelFolder, store: WeightsStore) -> str | None:
    """What is wrong with the files of a catalogued model, where something is."""
    if folder.name not in CATALOGUE:
        return None
    try:
        store.verify(folder.name)
    except (WeightsError, WeightsMissingError) as error:
        return str(error)
    return None


def _own(name: str, models_dir: Path) -> Path:
    if name != Path(name).name or name.startswith("."):
        raise ModelLoadError(f"{name!r} can't be a model's name: it must be the name of a folder in the models folder.")
    path = models_dir / name
    if not path.is_dir():
        known = ", ".join(CATALOGUE)
        raise ModelLoadError(
            f"There is no model {name!r}: {str(path)!r} isn't a folder, and it is none of those that "
            f"`footnote models install` knows ({known})."
        )
    return path


def _digest(path: Path) -> str:
    """Of every file that decides the vectors: modules, their settings and weights, and the tokenizer."""
    try:
        modules = json.loads((path / MODULES_FILE).read_text())
        folders = [path, *(path / module["path"] for module in modules if module["path"])]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelLoadError(
            f"{str(path / MODULES_FILE)!r} can't be read ({error}). "
            "A model's folder must have sentence-transformers' form."
        ) from error
    weights = sorted(file for folder in folders for file in folder.glob("*.safetensors"))
    if not any(file.parent == path / modules[0]["path"] for file in weights):
        raise ModelLoadError(f"There is no .safetensors file in {str(path)!r}. Weights in other forms aren't loaded.")
    decisive = [folder / name for folder in folders for name in _DECISIVE if (folder / name).is_file()]
    return _digest_of([path / MODULES_FILE, *decisive, *weights])


def _digest_of(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise ModelLoadError(f"{str(file)!r} can't be read: {error.strerror}.") from error
    return digest.hexdigest()
