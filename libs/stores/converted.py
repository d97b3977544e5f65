"""Folders of converted weights: landed so that a power cut leaves them whole, and read only where they are."""

import os
from collections.abc import Mapping
from pathlib import Path


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file in the folder, by its name."""
    return {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}


def is_whole(folder: Path, expected: Mapping[str, int]) -> bool:
    """Whether each file is there with the bytes that it was made with."""
    there = sizes(folder)
    return all(there.get(name) == size for name, size in expected.items())


def land(made: Path, target: Path) -> None:
    """Moves the folder `made` to `target` by one rename, its content on the disk before. `target` must not be there."""
    for path in [*made.iterdir(), made]:
        sync(path)
    made.rename(target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Makes a file's content, or the renames into a folder, outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
