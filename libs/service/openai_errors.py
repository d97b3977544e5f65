"""Refused bodies in OpenAI's words: what its clients print, and what people search for."""

from collections.abc import Iterable
from typing import Any

from libs.contracts.completions import REFUSED
from libs.contracts.errors import ErrorCode, FootnoteError, told

MISSING = "missing"
UNKNOWN = "extra_forbidden"
NO_CHARACTER = "string_unicode"
# Of a name that a request may make up; more isn't repeated.
NAME_CHARS = 100


def speaks_openai(path: str) -> bool:
    return path.startswith("/v1/")


def openai_validation_error(findings: list[Any]) -> FootnoteError:
    """Pydantic's first finding, as OpenAI tells one at a time, without repeating what was sent."""
    first = findings[0]
    param = parameter(part for part in first["loc"] if part != "body")
    if param is None and first["type"] == NO_CHARACTER:
        message = "A field's name holds half of a surrogate pair, which is no character."
    elif param is None:
        message = "The request has no JSON object as its body. Send one."
    elif first["type"] == MISSING:
        message = f"Missing required parameter: {param!r}."
    elif first["type"] == UNKNOWN:
        message = f"Unrecognized request argument supplied: {param}"
    elif first["type"] in REFUSED:
        message = f"{param!r} {told(first)}."
    else:
        message = f"Invalid {param!r}: {told(first)}."
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"param": param})


def parameter(location: Iterable[str | int]) -> str | None:
    """A field's place as OpenAI writes it: `messages[0].content`; None for the whole body."""
    text = ""
    for part in location:
        name = part if isinstance(part, int) or len(part) <= NAME_CHARS else f"{part[:NAME_CHARS]}…"
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text or None
