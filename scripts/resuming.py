"""Large files in parts, over the tus protocol: what arrived before a break isn't sent again."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

from scripts.api import Api, ApiError
from scripts.tree import content_hash

FROM_BYTES = 16_777_216
PART_BYTES = 8_388_608
ATTEMPTS = 10
WAIT_S = 1.0
CONFLICT = 409
LOCKED = 423
PROTOCOL = {"Tus-Resumable": "1.0.0"}
DOCUMENT_ID = "Footnote-Document-Id"


async def send_in_parts(api: Api, file: Path, fields: dict[str, Any]) -> str:
    """Sends a file, going on where an earlier run was cut off; returns the document's id. Raises ApiError, OSError."""
    sha256 = await asyncio.to_thread(content_hash, file)
    length = await asyncio.to_thread(size_of, file)
    path = await _begun(api, fields["external_id"], length, sha256)
    path = path or await _announce(api, length, fields | {"filename": file.name, "sha256": sha256})
    attempts = 0
    while True:
        try:
            offset = int((await api.request("HEAD", path, headers=PROTOCOL)).headers["Upload-Offset"])
            return await _send_from(api, path, file, offset, length)
        except ApiError as error:
            attempts += 1
            # No answer at all, another request that still holds the upload, or one that got ahead of this.
            if error.status not in {0, CONFLICT, LOCKED} or attempts >= ATTEMPTS:
                raise
            await asyncio.sleep(WAIT_S)


async def _send_from(api: Api, path: str, file: Path, offset: int, length: int) -> str:
    headers = PROTOCOL | {"Content-Type": "application/offset+octet-stream"}
    while True:
        part = await asyncio.to_thread(_read, file, offset)
        if not part and offset < length:
            raise OSError(f"{str(file)!r} became shorter while it was sent. Send it again.")
        sent = headers | {"Upload-Offset": str(offset)}
        response = await api.request("PATCH", path, content=part, headers=sent)
        offset = int(response.headers["Upload-Offset"])
        if DOCUMENT_ID in response.headers:
            return response.headers[DOCUMENT_ID]


async def _begun(api: Api, external_id: str, length: int, sha256: str) -> str | None:
    unfinished: list[dict[str, Any]] = (await api.call("GET", "/documents/uploads"))["items"]
    for upload in unfinished:
        if (upload["external_id"], upload["length"], upload["sha256"]) == (external_id, length, sha256):
            return f"/documents/uploads/{upload['upload_id']}"
    return None


async def _announce(api: Api, length: int, metadata: dict[str, Any]) -> str:
    said = {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
    encoded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
    headers = PROTOCOL | {"Upload-Length": str(length), "Upload-Metadata": encoded}
    return (await api.request("POST", "/documents/uploads", headers=headers)).headers["Location"]


def size_of(file: Path) -> int:
    return file.stat().st_size


def _read(file: Path, offset: int) -> bytes:
    with file.open("rb") as content:
        content.seek(offset)
        return content.read(PART_BYTES)
