"""Documents as they are sent: a multipart file with fields, or JSON."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any, TypeVar, cast

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.knowledge import DocumentAttributes, TextDocument, UploadFields
from services.knowledge.parsing.media_types import HEAD_BYTES
from services.knowledge.upload_rows import Upload

JSON_MAX_BYTES = 32_000_000
PIECE_BYTES = 1_048_576
TEXT_SUFFIX = ".md"
# A form has all the fields as text, `tags` several times.
UPLOAD_FIELDS = frozenset(UploadFields.model_fields) - {"tags"}

Parsed = TypeVar("Parsed", bound=BaseModel)


def text_upload(document: TextDocument) -> Upload:
    """A text is stored as the Markdown file that it is."""
    content = document.text.encode("utf-8", "replace")
    attributes = DocumentAttributes.model_validate(document.model_dump(exclude={"title", "text"}, exclude_unset=True))
    return Upload(attributes, document.title, document.title + TEXT_SUFFIX, content[:HEAD_BYTES], _pieces(content))


async def read_json(request: Request, model: type[Parsed]) -> Parsed:
    """The body as `model`. Raises 413, 415, and 400 or 422 as for any other JSON route."""
    content_type = _content_type(request)
    if not content_type.endswith("json"):
        raise FootnoteError(
            ErrorCode.UNSUPPORTED_MEDIA_TYPE,
            f"Send 'multipart/form-data' with a file, or 'application/json', not {content_type!r}.",
            415,
        )
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > JSON_MAX_BYTES:
            raise FootnoteError(
                ErrorCode.PAYLOAD_TOO_LARGE,
                f"The JSON body is larger than {JSON_MAX_BYTES:,} bytes. Upload a file instead, or send less at once.",
                413,
                {"max_bytes": JSON_MAX_BYTES},
            )
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error


def is_multipart(request: Request) -> bool:
    return _content_type(request) == "multipart/form-data"


def file_upload(form: FormData) -> Upload:
    """Raises 422 naming the field that is missing or wrong."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise _invalid("file", "a file part named 'file' is required")
    head = file.file.read(HEAD_BYTES)
    file.file.seek(0)
    fields: dict[str, Any] = {name: form[name] for name in UPLOAD_FIELDS if name in form}
    unknown = sorted(set(form) - UPLOAD_FIELDS - {"file", "tags"})
    if unknown:
        raise _invalid(unknown[0], "no such field")
    if "tags" in form:
        fields["tags"] = _tags(form)
    for name in ("access", "metadata"):
        if isinstance(fields.get(name), str) and fields[name].lstrip().startswith("{"):
            fields[name] = _json(name, fields[name])
    try:
        named = UploadFields.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_input=False)) from error
    attributes = DocumentAttributes.model_validate(named.model_dump(exclude={"title"}, exclude_unset=True))
    return Upload(attributes, named.title, _file_name(file), head, _file_pieces(file))


class SentFile(BaseModel):
    """What tells one multipart upload from another."""

    attributes: DocumentAttributes
    title: str | None
    file_name: str
    sha256: str


async def fingerprint(form: FormData, upload: Upload) -> SentFile:
    """Reads the file once, and leaves it at its beginning."""
    file = cast("UploadFile", form["file"])
    digest = hashlib.sha256()
    async for piece in _file_pieces(file):
        digest.update(piece)
    await file.seek(0)
    return SentFile(
        attributes=upload.attributes, title=upload.title, file_name=upload.file_name, sha256=digest.hexdigest()
    )


def _file_name(file: UploadFile) -> str:
    """The name without any path that a client put before it."""
    name = (file.filename or "").replace("\\", "/").rsplit("/", 1)[-1].replace("\x00", "").strip()
    return name[:255] or "untitled"


def _tags(form: FormData) -> list[Any]:
    """`tags` once for each tag, or one JSON array."""
    values = form.getlist("tags")
    if len(values) == 1 and isinstance(values[0], str) and values[0].lstrip().startswith("["):
        parsed = _json("tags", values[0])
        return parsed if isinstance(parsed, list) else [parsed]  # pyright: ignore[reportUnknownVariableType] - JSON
    return list(values)


def _json(field: str, value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise _invalid(field, f"not JSON: {error}") from error


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _file_pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
