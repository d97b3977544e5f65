"""The one error family, and the envelope in which every service answers errors."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class ErrorCode(StrEnum):
    VALIDATION_ERROR = "VALIDATION_ERROR"
    MALFORMED_BODY = "MALFORMED_BODY"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    IDEMPOTENCY_IN_FLIGHT = "IDEMPOTENCY_IN_FLIGHT"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    OVERLOADED = "OVERLOADED"
    NO_GENERATOR = "NO_GENERATOR"
    MODEL_NOT_FOUND = "MODEL_NOT_FOUND"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"


class FootnoteError(Exception):
    """An error that a caller is meant to see: rendered as the envelope, with `status` as the HTTP status.

    `headers` travel with the response (Retry-After, WWW-Authenticate). Messages quote the value and say what to do.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        status: int,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.details = details or {}
        self.headers = headers or {}


class ErrorEnvelope(BaseModel):
    """The body of every error answer outside `/v1/*`."""

    code: str
    message: str
    details: dict[str, Any] = Field(default_factory=dict[str, Any])
    request_id: str


def not_found(what: str, value: object) -> FootnoteError:
    """404 for something absent and, with the same words, for something that isn't the caller's."""
    return FootnoteError(ErrorCode.NOT_FOUND, f"There is no {what} {str(value)!r}.", 404)


def unauthenticated(message: str) -> FootnoteError:
    return FootnoteError(ErrorCode.UNAUTHENTICATED, message, 401, headers={"WWW-Authenticate": "Bearer"})


def forbidden(message: str) -> FootnoteError:
    return FootnoteError(ErrorCode.FORBIDDEN, message, 403)


def invalid(field: str, message: str) -> FootnoteError:
    """422 in the words of a body that its model refuses, for what only the stored data can tell."""
    details = {"fields": [{"field": field, "message": message}], "param": field}
    return FootnoteError(ErrorCode.VALIDATION_ERROR, f"The request isn't valid. {field}: {message}", 422, details)


def unavailable(service: str, retry_after_s: int = 1) -> FootnoteError:
    return FootnoteError(
        ErrorCode.UPSTREAM_UNAVAILABLE,
        f"The {service} service can't answer right now. Try again in {retry_after_s} s.",
        503,
        {"service": service},
        {"Retry-After": str(retry_after_s)},
    )


def deadline_exceeded(service: str) -> FootnoteError:
    return FootnoteError(
        ErrorCode.DEADLINE_EXCEEDED,
        f"The {service} service didn't answer before the request's deadline. Try again.",
        504,
        {"service": service},
    )


def overloaded(what: str, retry_after_s: int = 1) -> FootnoteError:
    return FootnoteError(
        ErrorCode.OVERLOADED,
        f"Too much work is waiting for {what}. Try again in {retry_after_s} s.",
        429,
        {},
        {"Retry-After": str(retry_after_s)},
    )


def told(finding: Mapping[str, Any]) -> str:
    """What one of pydantic's findings says, without the name that it gives to what our own validators raise."""
    return str(finding["msg"]).removeprefix("Value error, ")
