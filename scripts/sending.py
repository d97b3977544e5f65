"""Files on their way to the server: Markdown many at a time, everything else one by one."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.api import Api, ApiError
from scripts.resuming import FROM_BYTES, send_in_parts, size_of

# A text in JSON is read as Markdown, which would lose words of any other: `<host>` is a tag there.
TEXT_SUFFIXES = frozenset({".md", ".markdown"})
BATCH_DOCUMENTS = 200
BATCH_CHARS = 3_000_000
TITLE_MAX_CHARS = 500
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
TITLE_FIELD = re.compile(r"^title:[ \t]*(\S.*)$", re.MULTILINE)
HEADING = re.compile(r"^#{1,6}[ \t]+(\S.*)$", re.MULTILINE)
UNSUPPORTED_MEDIA_TYPE = 415
CLIENT_ERRORS = range(400, 500)


@dataclass
class Sent:
    """What became of the files: `accepted` from document id to external id, the rest with the server's reason."""

    accepted: dict[str, str] = field(default_factory=dict[str, str])
    skipped: list[Path] = field(default_factory=list[Path])
    failed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Sender:
    """Sends files; call `flush` after the last. Where the plan has no room left, the rest fail without being sent."""

    def __init__(self, api: Api, extensions: frozenset[str], fields: dict[str, Any]) -> None:
        self._api = api
        self._extensions = extensions
        self._fields = fields
        self._batch: list[dict[str, Any]] = []
        self._batch_chars = 0
        self._refusal: str | None = None
        self.sent = Sent()

    async def send(self, file: Path, external_id: str) -> None:
        """Sends or gathers a file; one of a kind that isn't read is noted as skipped."""
        suffix = file.suffix.lower()
        if suffix and suffix not in self._extensions:
            self.sent.skipped.append(file)
            return
        try:
            text = _text_of(file) if suffix in TEXT_SUFFIXES else None
        except OSError as error:
            self.sent.failed.append((external_id, error.strerror or str(error)))
            return
        if text is None:
            await self._send_file(file, external_id)
        elif not text.strip():
            self.sent.failed.append((external_id, "the file is empty"))
        else:
            await self._gather({"title": title_of(text) or file.stem, "text": text, "external_id": external_id})

    async def flush(self) -> None:
        batch, self._batch, self._batch_chars = self._batch, [], 0
        if batch:
            await self._send_batch(batch)

    async def _gather(self, document: dict[str, Any]) -> None:
        self._batch.append(document | self._fields)
        self._batch_chars += len(document["text"])
        if len(self._batch) >= BATCH_DOCUMENTS or self._batch_chars > BATCH_CHARS:
            await self.flush()

    async def _send_batch(self, batch: list[dict[str, Any]]) -> None:
        """A refused batch is sent again in halves, until the documents stand alone that are at fault."""
        if self._refusal is not None:
            self.sent.failed.extend((document["external_id"], self._refusal) for document in batch)
            return
        try:
            answer = await self._api.call("POST", "/documents/batch", json={"documents": batch})
        except ApiError as error:
            if error.status not in CLIENT_ERRORS:
                raise
            if len(batch) == 1:
                self._refused(batch[0]["external_id"], error)
                return
            half = len(batch) // 2
            await self._send_batch(batch[:half])
            await self._send_batch(batch[half:])
            return
        for document, item in zip(batch, answer["items"], strict=True):
            self.sent.accepted[item["document_id"]] = document["external_id"]

    async def _send_file(self, file: Path, external_id: str) -> None:
        if self._refusal is not None:
            self.sent.failed.append((external_id, self._refusal))
            return
        fields = {"external_id": external_id} | self._fields
        try:
            document_id = await self._upload(file, fields)
        except OSError as error:
            self.sent.failed.append((external_id, error.strerror or str(error)))
        except ApiError as error:
            if error.status == UNSUPPORTED_MEDIA_TYPE:
                self.sent.skipped.append(file)
            elif error.status in CLIENT_ERRORS:
                self._refused(external_id, error)
            else:
                raise
        else:
            self.sent.accepted[document_id] = external_id

    async def _upload(self, file: Path, fields: dict[str, Any]) -> str:
        if await asyncio.to_thread(size_of, file) >= FROM_BYTES:
            return await send_in_parts(self._api, file, fields)
        with file.open("rb") as content:
            answer = await self._api.call("POST", "/documents", files={"file": (file.name, content)}, data=fields)
        return answer["document_id"]

    def _refused(self, external_id: str, error: ApiError) -> None:
        self.sent.failed.append((external_id, str(error)))
        if error.code == "QUOTA_EXCEEDED":
            self._refusal = f"not sent: {error}"


async def readable_extensions(api: Api) -> frozenset[str]:
    """The endings of file names that the server reads."""
    return frozenset((await api.call("GET", "/documents/formats"))["extensions"])


def title_of(text: str) -> str | None:
    """The title that a Markdown text gives itself: in its front matter, else its first heading."""
    front_matter = FRONT_MATTER.match(text)
    named = TITLE_FIELD.search(front_matter.group()) if front_matter else None
    found = named or HEADING.search(text)
    return found.group(1).strip().strip("\"'")[:TITLE_MAX_CHARS] or None if found else None


def _text_of(file: Path) -> str | None:
    """The text whose bytes as JSON arrive as they are in the file; None for one that has to be sent as a file."""
    if file.stat().st_size > BATCH_CHARS:
        return None
    content = file.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text or text.startswith("\ufeff") else text
