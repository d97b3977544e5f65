"""A folder of blobs: each kept whole or not at all, and what it knows of its age."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from libs.stores import blobs as stored_blobs
from libs.stores.blobs import MARK, BlobTooLargeError, FolderBlobStore, StoreAwayError

HOUR = timedelta(hours=1)


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != MARK]


def age(path: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(path, (two_hours_ago, two_hours_ago))


async def old_ones(blobs: FolderBlobStore) -> list[tuple[UUID, list[str]]]:
    return [found async for found in blobs.stored_before(HOUR)]


async def test_only_what_was_last_stored_long_ago_is_listed(tmp_path: Path) -> None:
    blobs, organization_id = FolderBlobStore(tmp_path / "blobs"), uuid4()
    assert await old_ones(blobs) == []
    old, _ = await blobs.put(organization_id, once(b"old"), 10)
    await blobs.put(organization_id, once(b"new"), 10)
    age(await blobs.local_path(organization_id, old))
    assert await old_ones(blobs) == [(organization_id, [old])]
    await blobs.put(organization_id, once(b"old"), 10)
    assert await old_ones(blobs) == []


async def test_a_file_that_is_still_written_stays(tmp_path: Path) -> None:
    blobs, organization_id = FolderBlobStore(tmp_path), uuid4()
    await blobs.put(organization_id, once(b"x"), 10)
    dead, growing = (tmp_path / str(organization_id) / f".{name}.part" for name in ("dead", "growing"))
    for part in (dead, growing):
        part.write_bytes(b"half")
    age(dead)
    assert await blobs.discard_unfinished(HOUR) == 1
    assert (dead.exists(), growing.exists()) == (False, True)
    assert await blobs.discard_unfinished(HOUR) == 0


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 1_000])
async def test_what_was_put_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(stored_blobs, "WRITTEN_AT_ONCE", 100)
    blobs, organization_id = FolderBlobStore(tmp_path), uuid4()
    content = os.urandom(size)
    assert await blobs.put(organization_id, pieces(content, 30), 1_000) == (sha256(content).hexdigest(), size)
    path = await blobs.local_path(organization_id, sha256(content).hexdigest())
    assert path.read_bytes() == content
    assert files_in(tmp_path) == [path]


@pytest.mark.parametrize("written_at_once", [100, 10_000])
async def test_of_what_is_too_large_or_breaks_off_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written_at_once: int
) -> None:
    monkeypatch.setattr(stored_blobs, "WRITTEN_AT_ONCE", written_at_once)

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 500
        raise ConnectionResetError

    blobs = FolderBlobStore(tmp_path)
    with pytest.raises(BlobTooLargeError):
        await blobs.put(uuid4(), pieces(b"x" * 1_001, 300), 1_000)
    with pytest.raises(ConnectionResetError):
        await blobs.put(uuid4(), broken(), 1_000)
    assert files_in(tmp_path) == []


async def test_a_part_that_is_removed_while_it_is_written_never_becomes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_blobs, "WRITTEN_AT_ONCE", 100)
    blobs = FolderBlobStore(tmp_path)

    async def interrupted() -> AsyncIterator[bytes]:
        yield b"x" * 150
        (part,) = files_in(tmp_path)
        part.unlink()
        yield b"y" * 150

    with pytest.raises(FileNotFoundError):
        await blobs.put(uuid4(), interrupted(), 1_000)
    assert files_in(tmp_path) == []


def store_in(folder: Path, named: list[tuple[UUID, str]]) -> FolderBlobStore:
    async def some() -> list[tuple[UUID, str]]:
        return named

    return FolderBlobStore(folder, some)


async def everything(blobs: FolderBlobStore, organization_id: UUID, sha256: str) -> list[type[BaseException]]:
    """What each way to use the store raises for a content that isn't found."""
    raised: list[type[BaseException]] = []
    for use in (
        blobs.local_path(organization_id, sha256),
        blobs.put(organization_id, once(b"new"), 10),
        blobs.delete(organization_id, sha256),
        blobs.discard_unfinished(HOUR),
        old_ones(blobs),
    ):
        try:
            await use
        except (StoreAwayError, FileNotFoundError) as error:
            raised.append(type(error))
    return raised


async def test_an_empty_folder_in_the_place_of_a_store_is_a_store_that_is_away(tmp_path: Path) -> None:
    organization_id = uuid4()
    volume, empty = tmp_path / "volume", tmp_path / "empty"
    old, _ = await FolderBlobStore(volume).put(organization_id, once(b"old"), 10)
    named = [(organization_id, old), (organization_id, "0" * 64)]
    empty.mkdir()
    for folder in (empty, tmp_path / "absent"):
        blobs = store_in(folder, named)
        assert await everything(blobs, organization_id, old) == [StoreAwayError] * 5
        with pytest.raises(FileNotFoundError, match=MARK):
            await blobs.check()
    assert list(empty.iterdir()) == []
    mounted = store_in(volume, named)
    await mounted.check()
    assert await everything(mounted, organization_id, "0" * 64) == [FileNotFoundError]


async def test_a_store_that_comes_back_while_it_is_asked_for_has_what_it_had(tmp_path: Path) -> None:
    organization_id = uuid4()
    volume, place = tmp_path / "volume", tmp_path / "place"

    async def mounted_meanwhile() -> list[tuple[UUID, str]]:
        volume.rename(place)
        return [(organization_id, old)]

    blobs = FolderBlobStore(place, mounted_meanwhile)
    old, _ = await FolderBlobStore(volume).put(organization_id, once(b"old"), 10)
    assert (await blobs.local_path(organization_id, old)).read_bytes() == b"old"
    place.rename(volume)
    await blobs.delete(organization_id, old)
    assert files_in(place) == []


async def test_a_folder_of_which_the_system_says_nothing_is_a_store_that_is_away(tmp_path: Path) -> None:
    blobs, organization_id = FolderBlobStore(tmp_path / ("x" * 300)), uuid4()
    for use in (blobs.local_path(organization_id, "0" * 64), blobs.put(organization_id, once(b"new"), 10)):
        with pytest.raises(StoreAwayError):
            await use
    with pytest.raises(OSError, match="too long"):
        await blobs.check()


async def test_a_folder_that_hangs_keeps_one_thread_however_often_it_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs, asked, answers = FolderBlobStore(tmp_path), list[Path](), threading.Event()

    def hangs(path: Path) -> bool:
        asked.append(path)
        return answers.wait(60)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", hangs)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await blobs.check()
        answers.set()
        await blobs.check()
    assert asked == [tmp_path / MARK]
    await blobs.check()


async def test_a_store_from_before_marks_is_known_by_what_it_holds(tmp_path: Path) -> None:
    organization_id = uuid4()
    old, _ = await FolderBlobStore(tmp_path).put(organization_id, once(b"old"), 10)
    (tmp_path / MARK).unlink()
    await store_in(tmp_path, [(organization_id, "0" * 64), (organization_id, old)]).check()
    assert (tmp_path / MARK).exists()


async def test_a_store_begins_where_nothing_was_kept_yet(tmp_path: Path) -> None:
    blobs = store_in(tmp_path / "blobs", [])
    await blobs.check()
    assert (tmp_path / "blobs" / MARK).exists()
