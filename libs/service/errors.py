"""Every error as the envelope, or as OpenAI's error object under `/v1/`."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from libs.clients.context import current_context
from libs.contracts.errors import ErrorCode, ErrorEnvelope, FootnoteError, told
from libs.contracts.openai import error_envelope, openai_status
from libs.service.openai_errors import openai_validation_error, speaks_openai
from libs.telemetry.logs import get_logger

log = get_logger(__name__)

CODES_OF_STATUS = {
    400: ErrorCode.MALFORMED_BODY,
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    408: ErrorCode.REQUEST_TIMEOUT,
    409: ErrorCode.CONFLICT,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
    415: ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    422: ErrorCode.VALIDATION_ERROR,
    429: ErrorCode.RATE_LIMITED,
    503: ErrorCode.UPSTREAM_UNAVAILABLE,
}
SERVER_ERROR = 500
# What FastAPI says of every body that it can't read, whatever the cause.
UNREADABLE = "There was an error parsing the body"
ENCODING_CHARS = 40


def error_response(path: str, error: FootnoteError) -> JSONResponse:
    """The answer for an error on a path, in the path's own protocol."""
    request_id = current_context().request_id
    status = error.status
    if speaks_openai(path):
        status = openai_status(status)
        body: dict[str, Any] = error_envelope(status, error.code, error.message, error.details.get("param"))
    else:
        body = ErrorEnvelope(
            code=error.code, message=error.message, details=error.details, request_id=request_id
        ).model_dump()
    return JSONResponse(body, status, {**error.headers, "X-Request-ID": request_id})


def validation_error(errors: list[Any]) -> FootnoteError:
    """Pydantic's findings as one 422 that names each field, without repeating what was sent."""
    if any(item["type"] == "json_invalid" for item in errors):
        where = errors[0]["ctx"].get("error", "")
        return FootnoteError(ErrorCode.MALFORMED_BODY, f"The body isn't valid JSON: {where}.", 400)
    fields = [
        {"field": ".".join(str(part) for part in item["loc"] if part != "body") or "body", "message": told(item)}
        for item in errors
    ]
    named = "; ".join(f"{field['field']}: {field['message']}" for field in fields[:5])
    return FootnoteError(
        ErrorCode.VALIDATION_ERROR,
        f"The request isn't valid. {named}",
        422,
        {"fields": fields, "param": fields[0]["field"]},
    )


def internal_error() -> FootnoteError:
    """What a caller learns of an error that nobody foresaw."""
    message = "Something went wrong on our side. Give the request id to your operator."
    return FootnoteError(ErrorCode.INTERNAL, message, SERVER_ERROR)


def _wrong_content_type(content_type: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        f"This address reads 'application/json', not {content_type or 'a body without a Content-Type'!r}.",
        415,
    )


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _encoding(request: Request) -> str:
    """The body's Content-Encoding; empty where there is none to undo."""
    stated = request.headers.get("content-encoding", "").strip().lower()
    return "" if stated == "identity" else stated


def _wrong_encoding(encoding: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        f"A body with the Content-Encoding {encoding[:ENCODING_CHARS]!r} isn't read. Send it as it is.",
        415,
    )


def _unreadable(cause: BaseException) -> FootnoteError:
    """What keeps JSON from being read that isn't its grammar."""
    match cause:
        case RecursionError():
            what = "it nests too deeply"
        case UnicodeDecodeError():
            what = "it isn't in UTF-8"
        case ValueError():
            what = "a number in it has too many digits"
        case _:
            return FootnoteError(ErrorCode.MALFORMED_BODY, UNREADABLE, 400)
    return FootnoteError(ErrorCode.MALFORMED_BODY, f"The body isn't JSON that can be read: {what}.", 400)


def install_error_handlers(app: FastAPI) -> None:
    async def footnote_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, FootnoteError)  # noqa: S101 - registered for this class only
        if error.status >= SERVER_ERROR:
            log.warning("request failed", code=error.code, path=request.url.path, reason=error.message)
        return error_response(request.url.path, error)

    async def invalid_request(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
        findings = list(error.errors())
        content_type = _content_type(request)
        if any(tuple(item["loc"]) == ("body",) for item in findings) and not content_type.endswith("json"):
            return error_response(request.url.path, _wrong_content_type(content_type))
        path = request.url.path
        readable = all(item["type"] != "json_invalid" for item in findings)
        if not readable and (encoding := _encoding(request)):
            return error_response(path, _wrong_encoding(encoding))
        if speaks_openai(path) and readable:
            return error_response(path, openai_validation_error(findings))
        return error_response(path, validation_error(findings))

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
        code = CODES_OF_STATUS.get(error.status_code, ErrorCode.INTERNAL)
        message = str(error.detail)
        if message == UNREADABLE and error.__cause__ and _content_type(request).endswith("json"):
            encoding = _encoding(request)
            return error_response(
                request.url.path, _wrong_encoding(encoding) if encoding else _unreadable(error.__cause__)
            )
        if error.status_code == 404:  # noqa: PLR2004 - HTTP's number
            message = f"There is nothing at {request.url.path!r}. See /docs for what there is."
        headers = dict(error.headers or {})
        return error_response(request.url.path, FootnoteError(code, message, error.status_code, headers=headers))

    app.add_exception_handler(FootnoteError, footnote_error)
    app.add_exception_handler(RequestValidationError, invalid_request)
    app.add_exception_handler(HTTPException, http_error)
