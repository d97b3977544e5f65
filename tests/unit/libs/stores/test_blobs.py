"""What a folder of blobs knows of its age."""

import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from libs.stores.blobs import FolderBlobStore

HOUR = timedelta(hours=1)


async def once(content: bytes) -> AsyncIterator[bytes]:
    yield content


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
