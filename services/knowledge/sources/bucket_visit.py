"""One run over the objects that a listing named."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import UTC
from hashlib import file_digest
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAttributes
from libs.contracts.sources import InventoryItem
from libs.contracts.values import METADATA_MAX_KEYS, MetadataValue
from libs.s3.answers import S3Object
from libs.s3.bucket import Bucket
from libs.s3.errors import S3Error, S3UnreachableError
from services.knowledge.parsing.media_types import HEAD_BYTES, detect_type
from services.knowledge.sources.models import SourceRow
from services.knowledge.sources.object_states import ObjectState, ObjectStates
from services.knowledge.sources.report import Report
from services.knowledge.sources.source_documents import EXTERNAL_ID_MAX_CHARS, SourceDocuments, object_external_id
from services.knowledge.upload_rows import Upload

IN_MEMORY_BYTES = 1_000_000
PIECE_BYTES = 1_048_576
FILE_NAME_MAX_CHARS = 200
ENDING_MAX_CHARS = 20
NO_ENDING = "(none)"
# After so many objects in a row that got no answer, the rest would get none either.
SILENT_IN_A_ROW = 3
LAST_MODIFIED = "last_modified"
NO_ROOM = "The plan has no room for it."


class BucketVisit:
    """`known` are the source's documents, `states` what its objects were like, `wanted` what is there now."""

    def __init__(
        self,
        row: SourceRow,
        subject: Subject,
        report: Report,
        known: Mapping[str, InventoryItem],
        states: Mapping[str, ObjectState],
        wanted: Mapping[str, S3Object],
        documents: SourceDocuments,
        object_states: ObjectStates,
        max_bytes: int,
    ) -> None:
        self._row = row
        self._subject = subject
        self._report = report
        self._known = known
        self._states = states
        self._wanted = wanted
        self._documents = documents
        self._object_states = object_states
        self._max_bytes = max_bytes
        kept = {self._external_id(key) for key in wanted}
        self._gone = {external_id: item for external_id, item in known.items() if external_id not in kept}
        self._gone_with: defaultdict[str, list[str]] = defaultdict(list)
        for external_id, item in self._gone.items():
            if item.sha256:
                self._gone_with[item.sha256].append(external_id)
        # Of new objects that couldn't be read, to which a document may have moved.
        self._unread: set[tuple[str, int]] = set()
        self._silent = 0

    async def take_in(self, bucket: Bucket, found: S3Object) -> None:
        """Raises S3UnreachableError where the endpoint is silent for good, FootnoteError where a service is away."""
        if not _is_storable(found.key):
            self._fail(found, "Its key can't be kept as text. Rename it.")
        elif self._is_unreadable(found):
            self._report.skipped[_ending(found.key) or NO_ENDING] += 1
        elif self._is_unchanged(found):
            self._report.unchanged += 1
        elif found.size_bytes > self._max_bytes:
            self._fail(found, f"It has more than {self._max_bytes:,} bytes. Split it.")
        elif self._report.error is not None:
            self._fail(found, NO_ROOM)
        else:
            with SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
                await self._read(bucket, found, file)

    async def delete_gone(self) -> None:
        """Documents whose object is gone; not those that may have moved to an object that couldn't be read."""
        held = {key for key, state in self._states.items() if (state.etag, state.size_bytes) in self._unread}
        held_ids = {self._external_id(key) for key in held}
        for external_id, item in self._gone.items():
            if external_id not in held_ids:
                self._report.deleted += await self._documents.delete(self._subject, item.document_id)
        gone = [key for key in self._states if key not in self._wanted and key not in held]
        await self._object_states.forget(self._row.id, gone)

    def _is_unreadable(self, found: S3Object) -> bool:
        """Told by its name, or learnt when it was read last."""
        state = self._states.get(found.key)
        if state and state.sha256 is None and state.is_of(found):
            return True
        return bool(_ending(found.key)) and detect_type(_file_name(found.key), b"") is None

    def _is_unchanged(self, found: S3Object) -> bool:
        state, known = self._states.get(found.key), self._known.get(self._external_id(found.key))
        return state is not None and known is not None and state.is_of(found) and state.sha256 == known.sha256

    async def _read(self, bucket: Bucket, found: S3Object, file: IO[bytes]) -> None:
        try:
            read = await bucket.read(found.key, file, self._max_bytes)
        except S3UnreachableError as error:
            self._silent += 1
            if self._silent == SILENT_IN_A_ROW:
                raise
            self._fail(found, str(error))
            return
        except S3Error as error:
            self._fail(found, str(error))
            return
        self._silent = 0
        sha256 = await asyncio.to_thread(_sha256, file)
        try:
            await self._store(read, sha256, file)
        except FootnoteError as error:
            await self._refused(read, error)
        else:
            await self._object_states.keep(self._row.id, read, sha256)

    async def _store(self, read: S3Object, sha256: str, file: IO[bytes]) -> None:
        """As what it turned out to be: unchanged, moved, updated or added."""
        external_id = self._external_id(read.key)
        known = self._known.get(external_id)
        if known and known.sha256 == sha256:
            self._report.unchanged += 1
        elif known is None and await self._moved(read, sha256, external_id):
            self._report.moved += 1
        else:
            head = await asyncio.to_thread(_head, file)
            attributes = await self._changed(read, known) if known else self._new(read)
            if attributes is None:
                return
            upload = Upload(attributes, None, _file_name(read.key), head, _pieces(file), read.last_modified)
            if not await self._documents.accept(self._subject, upload):
                return
            if known:
                self._report.updated += 1
            else:
                self._report.added += 1

    async def _moved(self, read: S3Object, sha256: str, external_id: str) -> bool:
        """Whether a document whose object is gone had the same content; it keeps its id under the new name."""
        while self._gone_with[sha256]:
            item = self._gone.pop(self._gone_with[sha256].pop())
            if await self._documents.move(self._subject, item.document_id, external_id, self._address(read.key)):
                return True
        return False

    async def _refused(self, read: S3Object, error: FootnoteError) -> None:
        """Raises the error where it isn't this object's own."""
        match error.code:
            case ErrorCode.UNSUPPORTED_MEDIA_TYPE:
                self._report.skipped[_ending(read.key) or NO_ENDING] += 1
                await self._object_states.keep(self._row.id, read, None)
            case ErrorCode.QUOTA_EXCEEDED:
                self._report.error = error.message
                self._fail(read, NO_ROOM)
            case ErrorCode.PAYLOAD_TOO_LARGE | ErrorCode.FORBIDDEN | ErrorCode.CONFLICT:
                self._fail(read, error.message)
            case _:
                raise error

    def _fail(self, found: S3Object, reason: str) -> None:
        self._report.failures.append((self._address(found.key), reason))
        if self._external_id(found.key) not in self._known:
            self._unread.add((found.etag, found.size_bytes))

    def _new(self, read: S3Object) -> DocumentAttributes:
        stated = self._row.attributes
        return self._attributes(read, stated, {LAST_MODIFIED: _stamp(read)} | stated.get("metadata", {}))

    async def _changed(self, read: S3Object, known: InventoryItem) -> DocumentAttributes | None:
        """Only what follows from its content: the rest may have been changed since. None where it was deleted since."""
        metadata = await self._documents.metadata_of(self._subject, known.document_id)
        if metadata is None:
            return None
        if LAST_MODIFIED not in self._row.attributes.get("metadata", {}):
            metadata |= {LAST_MODIFIED: _stamp(read)}
        return self._attributes(read, {}, metadata)

    def _attributes(
        self, read: S3Object, said: Mapping[str, Any], metadata: Mapping[str, MetadataValue]
    ) -> DocumentAttributes:
        attributes: dict[str, Any] = {**said}
        if len(metadata) <= METADATA_MAX_KEYS:
            attributes["metadata"] = metadata
        named = {"external_id": self._external_id(read.key), "source": self._address(read.key)}
        return DocumentAttributes.model_validate(attributes | named)

    def _external_id(self, key: str) -> str:
        return object_external_id(self._row.id, key)

    def _address(self, key: str) -> str:
        """Of the object, as far as a text can hold it."""
        shown = key.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
        return f"s3://{self._row.options['bucket']}/{shown}"[:EXTERNAL_ID_MAX_CHARS]


def _stamp(read: S3Object) -> str:
    return read.last_modified.astimezone(UTC).isoformat()


def _is_storable(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in key


def _file_name(key: str) -> str:
    name = key.rstrip("/").rpartition("/")[2] or "object"
    if len(name) <= FILE_NAME_MAX_CHARS:
        return name
    suffix = PurePosixPath(name).suffix[:ENDING_MAX_CHARS]
    return name[: FILE_NAME_MAX_CHARS - len(suffix)] + suffix


def _ending(key: str) -> str:
    return PurePosixPath(_file_name(key)).suffix.lower()[:ENDING_MAX_CHARS]


def _sha256(file: IO[bytes]) -> str:
    file.seek(0)
    return file_digest(file, "sha256").hexdigest()  # pyright: ignore[reportArgumentType] - a spooled file reads as any


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


async def _pieces(file: IO[bytes]) -> AsyncIterator[bytes]:
    await asyncio.to_thread(file.seek, 0)
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        yield piece
