"""A web page as a document: fetched whole while the request waits, then taken in like any upload.

In the request, not in the background: a page takes seconds, and whoever names a wrong address learns it at once.
"""

import asyncio
import codecs
from collections import Counter
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import unquote
from uuid import UUID

from libs.contracts.errors import ErrorCode, FootnoteError, overloaded
from libs.contracts.identity import Subject
from libs.contracts.knowledge import DocumentAccepted, DocumentAttributes
from libs.contracts.sources import WebDocument
from libs.fetch.errors import FetchError, TooLargeError
from libs.fetch.fetcher import Fetched, Fetcher
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.parsing.media_types import FORMATS, HEAD_BYTES, MediaType, detect_type
from services.knowledge.upload_rows import Upload
from services.knowledge.uploads import Uploads

AT_ONCE = 32
AT_ONCE_EACH = 4
IN_MEMORY_BYTES = 1_000_000
PIECE_BYTES = 262_144
EXTERNAL_ID_MAX_CHARS = 500
FILE_NAME_MAX_CHARS = 200
OPEN_TO_ALL = (None, "organization", "public")
_EXTENSIONS = {entry.media_type.value: entry.extensions for entry in FORMATS}
_EXTENSIONS["application/xhtml+xml"] = _EXTENSIONS[MediaType.HTML]
# Python knows codecs besides that aren't character sets.
_CHARSETS = ("iso8859", "iso2022", "cp", "koi8", "mac", "gb", "big5", "euc", "shift_jis", "utf-16", "utf-32", "tis")


class WebPages:
    """Fetches few pages at once, and few for each organisation."""

    def __init__(self, fetcher: Fetcher, database: Database, uploads: Uploads, max_bytes: int) -> None:
        self._fetcher = fetcher
        self._database = database
        self._uploads = uploads
        self._max_bytes = max_bytes
        self._fetching: Counter[UUID] = Counter()

    async def add(self, subject: Subject, document: WebDocument) -> DocumentAccepted:
        """Raises what an upload raises, 422 where the page can't be fetched, 429 where too many are being fetched."""
        attributes = DocumentAttributes.model_validate(
            document.model_dump(exclude={"title", "url"}, exclude_unset=True)
        )
        if attributes.external_id is None:
            external_id = await self._name_for(subject, document.url, attributes)
            attributes = attributes.model_copy(update={"external_id": external_id})
        if attributes.source is None:
            attributes = attributes.model_copy(update={"source": external_id_of(document.url)})
        with self._counted(subject.organization_id), SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            try:
                fetched = await self._fetcher.fetch(document.url, file, self._max_bytes)
            except FetchError as error:
                raise _refusal(error) from error
            (accepted,) = await self._uploads.accept(
                subject, [await upload_of(fetched, file, attributes, document.title)]
            )
        return accepted

    async def _name_for(self, subject: Subject, url: str, attributes: DocumentAttributes) -> str:
        """The address, or one of the subject's own for it: nobody learns which pages others keep to themselves."""
        everyones, own = external_id_of(url), external_id_of(url, f"web:{subject.user_id}:")
        async with self._database.transaction() as session:
            taken = await repository.with_external_ids(session, subject.organization_id, [everyones, own])
            holder = taken.get(everyones)
            if own in taken:
                return own
            if holder is None:
                return everyones if attributes.access in OPEN_TO_ALL else own
            return everyones if await repository.open_to(session, subject, [holder.id]) else own

    @contextmanager
    def _counted(self, organization_id: UUID) -> Generator[None]:
        if self._fetching[organization_id] >= AT_ONCE_EACH or self._fetching.total() >= AT_ONCE:
            raise overloaded("web pages to be fetched")
        self._fetching[organization_id] += 1
        try:
            yield
        finally:
            self._fetching[organization_id] -= 1
            self._fetching += Counter()  # drops those at zero


def external_id_of(url: str, prefix: str = "") -> str:
    """The address itself after the prefix, or for one that is too long, its SHA-256."""
    named = prefix + url
    return named if len(named) <= EXTERNAL_ID_MAX_CHARS else f"{prefix}url-sha256:{sha256(url.encode()).hexdigest()}"


async def stored_sha256(fetched: Fetched, file: IO[bytes]) -> str:
    """The SHA-256, in hex, of the bytes that `upload_of` would store."""
    digest = sha256()
    async for piece in _content(file, _other_charset(fetched)):
        digest.update(piece)
    return digest.hexdigest()


async def upload_of(fetched: Fetched, file: IO[bytes], attributes: DocumentAttributes, title: str | None) -> Upload:
    """The page in `file`, which must stay open until it is stored."""
    head = await asyncio.to_thread(_head, file)
    return Upload(attributes, title, _file_name(fetched, head), head, _content(file, _other_charset(fetched)))


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


def _file_name(fetched: Fetched, head: bytes) -> str:
    """The address's last part, with the ending that the host's media type asks for.

    `text/plain` is said of many kinds of text; there the ending stands where it is known.
    """
    last = unquote(fetched.url.path.rstrip("/").rpartition("/")[2], errors="replace").replace("/", "_")
    name = last.replace("\x00", "")[:FILE_NAME_MAX_CHARS] or fetched.url.host
    extensions = _EXTENSIONS.get(fetched.media_type, ())
    if fetched.media_type == MediaType.PLAIN_TEXT and detect_type(name, head):
        return name
    return name if not extensions or name.lower().endswith(tuple(extensions)) else name + extensions[0]


def _other_charset(fetched: Fetched) -> codecs.CodecInfo | None:
    """The encoding that the host says a text is in, where it isn't UTF-8; a file can't carry what a header said."""
    if not (fetched.media_type.startswith("text/") or fetched.media_type == "application/xhtml+xml"):
        return None
    try:
        codec = codecs.lookup(fetched.charset)
    except LookupError:
        return None
    return codec if codec.name.startswith(_CHARSETS) else None


async def _content(file: IO[bytes], charset: codecs.CodecInfo | None) -> AsyncIterator[bytes]:
    """The file's bytes; of a text in another encoding, as UTF-8 with its mark."""
    await asyncio.to_thread(file.seek, 0)
    decoder = charset.incrementaldecoder("replace") if charset else None
    if decoder:
        yield codecs.BOM_UTF8
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        yield decoder.decode(piece).encode() if decoder else piece
    if decoder and (rest := decoder.decode(b"", final=True)):
        yield rest.encode()


def _refusal(error: FetchError) -> FootnoteError:
    if isinstance(error, TooLargeError):
        return FootnoteError(ErrorCode.PAYLOAD_TOO_LARGE, str(error), 413)
    details = {"fields": [{"field": "url", "message": str(error)}]}
    return FootnoteError(ErrorCode.VALIDATION_ERROR, str(error), 422, details)
