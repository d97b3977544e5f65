"""Resumable uploads over HTTP: the tus protocol 1.0.0, its core with creation, termination and expiration."""

import base64
import binascii
import json
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.knowledge import DocumentAttributes, UploadFields
from libs.contracts.sources import PartialUploads
from libs.service.identity import CurrentSubject
from services.knowledge.sources.models import PartialUploadRow
from services.knowledge.sources.routes import SourcesDependency

VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
DOCUMENT_ID = "Footnote-Document-Id"
FILE_NAME_MAX_CHARS = 255
SHA256_CHARS = 64
# What common clients send along and nothing here needs.
IGNORED = frozenset({"name", "type", "filetype", "relativePath"})
FIELDS = frozenset(UploadFields.model_fields)


async def require_version(tus_resumable: Annotated[str, Header()] = "") -> None:
    if tus_resumable != VERSION:
        raise FootnoteError(
            ErrorCode.VALIDATION_ERROR,
            f"Send 'Tus-Resumable: {VERSION}', not {tus_resumable!r}.",
            412,
            headers={"Tus-Version": VERSION},
        )


router = APIRouter(dependencies=[Depends(require_version)])
listing = APIRouter()


@listing.get("/documents/uploads")
async def unfinished_uploads(subject: CurrentSubject, sources: SourcesDependency) -> PartialUploads:
    """The caller's uploads that aren't whole yet, the oldest first."""
    return PartialUploads(items=await sources.resumable.unfinished(subject))


@router.post("/documents/uploads", status_code=201)
async def announce_upload(
    subject: CurrentSubject,
    sources: SourcesDependency,
    upload_length: Annotated[int, Header(ge=1)],
    upload_metadata: Annotated[str, Header(max_length=20_000)] = "",
) -> Response:
    """Begins an upload of `Upload-Length` bytes; `Upload-Metadata` carries `filename` and what a document may have."""
    values = _metadata(upload_metadata)
    file_name, sha256 = _file_name(values), _digest(values)
    fields = _fields(values)
    attributes = DocumentAttributes.model_validate(fields.model_dump(exclude={"title"}, exclude_unset=True))
    await sources.groups.require(subject, [attributes.access])
    row = await sources.resumable.announce(subject, upload_length, file_name, fields.title, attributes, sha256)
    return Response(status_code=201, headers=_headers(row, 0) | {"Location": f"/documents/uploads/{row.id}"})


@router.head("/documents/uploads/{upload_id}")
async def upload_offset(upload_id: UUID, subject: CurrentSubject, sources: SourcesDependency) -> Response:
    """How many bytes have come."""
    row, offset = await sources.resumable.find(subject, upload_id)
    return Response(headers=_headers(row, offset) | {"Upload-Length": str(row.length), "Cache-Control": "no-store"})


@router.patch("/documents/uploads/{upload_id}", status_code=204)
async def add_part(
    upload_id: UUID,
    request: Request,
    subject: CurrentSubject,
    sources: SourcesDependency,
    upload_offset: Annotated[int, Header(ge=0)],
) -> Response:
    """Adds the bytes from `Upload-Offset` on; the last make it a document, which `Footnote-Document-Id` names."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != PART_TYPE:
        message = f"Send a part as {PART_TYPE!r}, not {content_type!r}."
        raise FootnoteError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, message, 415)
    row, offset = await sources.resumable.append(subject, upload_id, upload_offset, _until_broken_off(request))
    return Response(status_code=204, headers=_headers(row, offset))


@router.delete("/documents/uploads/{upload_id}", status_code=204)
async def give_up_upload(upload_id: UUID, subject: CurrentSubject, sources: SourcesDependency) -> Response:
    """Forgets an upload; a document that it has become stays."""
    await sources.resumable.delete(subject, upload_id)
    return Response(status_code=204, headers={"Tus-Resumable": VERSION})


async def _until_broken_off(request: Request) -> AsyncIterator[bytes]:
    """The body as far as it comes: what came before the connection broke counts."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        return


def _headers(row: PartialUploadRow, offset: int) -> dict[str, str]:
    headers = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(offset),
        "Upload-Expires": format_datetime(row.expires_at, usegmt=True),
    }
    return headers | ({DOCUMENT_ID: str(row.document_id)} if row.document_id else {})


def _metadata(header: str) -> dict[str, str]:
    """Pairs of a key and a base64 value, separated by commas."""
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            values[key] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise _invalid(key, "its value isn't base64 of UTF-8") from error
        if "\x00" in values[key]:
            raise _invalid(key, "a NUL character can't be stored")
    for key in values.keys() - FIELDS - IGNORED - {"filename", "sha256"}:
        raise _invalid(key, "no such field")
    return values


def _fields(values: dict[str, str]) -> UploadFields:
    fields: dict[str, Any] = {key: value for key, value in values.items() if key in FIELDS}
    for key in ("tags", "access", "metadata"):
        if fields.get(key, "").lstrip().startswith(("{", "[")):
            try:
                fields[key] = json.loads(fields[key])
            except (ValueError, RecursionError) as error:
                raise _invalid(key, f"not JSON: {error}") from error
    try:
        return UploadFields.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error


def _file_name(values: dict[str, str]) -> str:
    name = values.get("filename", "").replace("\\", "/").rpartition("/")[2].strip()
    if not name:
        raise _invalid("filename", "the file's name is required")
    return name[:FILE_NAME_MAX_CHARS]


def _digest(values: dict[str, str]) -> str | None:
    digest = values.get("sha256", "").lower()
    if digest and (len(digest) != SHA256_CHARS or not digest.isalnum()):
        raise _invalid("sha256", "not a SHA-256 in hex")
    return digest or None


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field[:100]), "msg": message, "type": "value_error"}])
