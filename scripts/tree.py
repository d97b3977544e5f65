"""The files of a folder or a Git checkout, as `footnote sync` sees them."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from scripts.api import ApiError

GIT_TIMEOUT_S = 120
UNREADABLE = b"could not open directory"
IGNORE_FILE = ".gitignore"


def files_below(root: Path) -> list[str]:
    """The paths below `root` with forward slashes, in order; what a Git checkout ignores is left out.

    Hidden files are left out, and so are symbolic links, which could lead anywhere. Raises ApiError where `root` or a
    folder below it can't be read: what isn't seen must not pass for deleted.
    """
    if not root.is_dir():
        raise ApiError(f"There is no folder {str(root)!r}.")
    try:
        found = _tracked(root) if _in_checkout(root) else _walked(root, ignoring=False)
        return sorted(path for path in found if not _hidden(path) and _is_plain_file(root, path))
    except OSError as error:
        raise ApiError(f"{str(root)!r} can't be read whole: {error}. Nothing was changed.") from error


def content_hash(file: Path) -> str:
    """The file's SHA-256 in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _in_checkout(root: Path) -> bool:
    return any((folder / ".git").exists() for folder in (root.resolve(), *root.resolve().parents))


def _tracked(root: Path) -> Iterator[str]:
    """What Git tracks or would add; where Git is missing or refuses, what the .gitignore files leave."""
    listed = None
    if shutil.which("git"):
        # A checkout's own configuration may name a program as its fsmonitor; none is run.
        command = ["git", "-c", "core.fsmonitor=false", "-C", str(root), "ls-files", "-z", "--cached", "--others"]
        command.append("--exclude-standard")
        environment = os.environ | {"LC_ALL": "C"}
        listed = subprocess.run(command, capture_output=True, check=False, timeout=GIT_TIMEOUT_S, env=environment)
        if UNREADABLE in listed.stderr:
            raise OSError(os.fsdecode(listed.stderr).strip().splitlines()[0])
    if listed is None or listed.returncode:
        yield from _walked(root, ignoring=True)
        return
    yield from {os.fsdecode(path) for path in listed.stdout.split(b"\0") if path}


def _walked(root: Path, *, ignoring: bool) -> Iterator[str]:
    """Every file; with `ignoring`, but those that a .gitignore in `root` or below it names."""
    specs: dict[str, GitIgnoreSpec] = {}
    for folder, folders, files in os.walk(root, onerror=_raise):
        below = Path(folder).relative_to(root).as_posix()
        prefix = "" if below == "." else f"{below}/"
        if ignoring and IGNORE_FILE in files:
            lines = (Path(folder) / IGNORE_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
            specs[prefix] = GitIgnoreSpec.from_lines(lines)
        folders[:] = [name for name in folders if not name.startswith(".") and not _ignored(specs, f"{prefix}{name}/")]
        yield from (f"{prefix}{name}" for name in files if not _ignored(specs, f"{prefix}{name}"))


def _raise(error: OSError) -> None:
    raise error


def _ignored(specs: dict[str, GitIgnoreSpec], path: str) -> bool:
    """By the deepest .gitignore that says anything of the path."""
    for prefix in sorted(specs, key=len, reverse=True):
        if path.startswith(prefix):
            verdict = specs[prefix].check_file(path.removeprefix(prefix)).include
            if verdict is not None:
                return verdict
    return False


def _hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _is_plain_file(root: Path, path: str) -> bool:
    """A regular file that no symbolic link below `root` leads to."""
    file = root / path
    if not file.is_file():
        return False
    links = (root / Path(*Path(path).parts[:depth]) for depth in range(1, len(Path(path).parts) + 1))
    return not any(part.is_symlink() for part in links)
