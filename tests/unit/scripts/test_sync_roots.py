"""A folder doesn't take the place of another of the same name by mistake."""

from pathlib import Path

import pytest

from scripts.api import ApiError
from scripts.sync import Plan
from scripts.sync_roots import SyncedRoots

PREFIX = "sync:docs/"


@pytest.fixture
def roots(tmp_path: Path) -> SyncedRoots:
    return SyncedRoots(tmp_path / "home" / "synced-folders.json", "someone")


def test_another_folder_of_the_same_name_is_refused_and_told_what_to_do(roots: SyncedRoots, tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "docs", tmp_path / "b" / "docs"
    roots.require(PREFIX, first, Plan(add=["x.md"]), documents=0)
    roots.remember(PREFIX, first)
    with pytest.raises(ApiError, match=r"'docs'.*--name.*--yes"):
        roots.require(PREFIX, second, Plan(add=["y.md"], delete=["x.md"]), documents=9)
    with pytest.raises(ApiError, match="1 replaced"):
        roots.require(PREFIX, second, Plan(update=["README.md"]), documents=9)
    roots.require(PREFIX, second, Plan(add=["y.md"], unchanged=["x.md"]), documents=1)
    roots.require(PREFIX, first, Plan(update=["x.md"], delete=["z.md"]), documents=2)
    roots.require("sync:other/", second, Plan(add=["y.md"]), documents=0)


def test_where_the_folder_is_unknown_more_than_half_stays_safe(roots: SyncedRoots, tmp_path: Path) -> None:
    roots.require(PREFIX, tmp_path, Plan(delete=["a"], update=["b"]), documents=4)
    with pytest.raises(ApiError, match=r"2 of its 4 documents.*--yes"):
        roots.require(PREFIX, tmp_path, Plan(delete=["a", "b"], update=["c"]), documents=4)


def test_a_broken_file_and_another_caller_know_no_folder(roots: SyncedRoots, tmp_path: Path) -> None:
    roots.remember(PREFIX, tmp_path / "a")
    other = SyncedRoots(tmp_path / "home" / "synced-folders.json", "other")
    other.require(PREFIX, tmp_path / "b", Plan(delete=["x"]), documents=5)
    (tmp_path / "home" / "synced-folders.json").write_text("[")
    roots.require(PREFIX, tmp_path / "b", Plan(delete=["x"]), documents=5)


def test_where_no_file_can_be_written_the_size_of_the_plan_decides(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    roots = SyncedRoots(tmp_path / "home" / "synced-folders.json", "someone")
    roots.remember(PREFIX, tmp_path)
    roots.require(PREFIX, tmp_path, Plan(update=["a"]), documents=4)
    with pytest.raises(ApiError, match="wasn't synchronised from this machine"):
        roots.require(PREFIX, tmp_path, Plan(update=["a"]), documents=1)
