import subprocess
from pathlib import Path

import pytest

from scripts import tree
from scripts.api import ApiError
from scripts.tree import files_below


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True)


def test_lists_files_with_forward_slashes_and_leaves_hidden_ones_and_links_out(tmp_path: Path):
    write(tmp_path, "tree/b.md", "tree/sub/a.md", "tree/.hidden", "tree/.git_not/x.md", "secret.md")
    (tmp_path / "tree" / "link.md").symlink_to(tmp_path / "secret.md")
    (tmp_path / "tree" / "elsewhere").symlink_to(tmp_path)
    assert files_below(tmp_path / "tree") == ["b.md", "sub/a.md"]


@pytest.mark.parametrize("with_git", [True, False])
def test_a_checkout_leaves_out_what_it_ignores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_git: bool):
    git(tmp_path, "init", "-q")
    write(tmp_path, "kept.md", "build/made.md", "docs/draft.md", "docs/page.md", "docs/keep.draft.md", "deleted.md")
    (tmp_path / ".gitignore").write_text("build/\n*draft.md\n")
    (tmp_path / "docs" / ".gitignore").write_text("!keep.draft.md\n")
    git(tmp_path, "add", "deleted.md", "kept.md")
    (tmp_path / "deleted.md").unlink()
    if not with_git:
        monkeypatch.setattr(tree.shutil, "which", lambda _name: None)
    assert files_below(tmp_path) == ["docs/keep.draft.md", "docs/page.md", "kept.md"]


def test_a_checkouts_own_programs_are_not_run(tmp_path: Path):
    git(tmp_path, "init", "-q")
    write(tmp_path, "page.md")
    hook = tmp_path / "hook.sh"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    git(tmp_path, "config", "core.fsmonitor", str(hook))
    assert "page.md" in files_below(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(ApiError, match="no folder"):
        files_below(tmp_path / "missing")
