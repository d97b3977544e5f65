"""What the sandbox and its child say to each other: JSON with a length before it, and a file's bytes as they are.

No pickle: the child has parsed hostile input, and its answer is checked like any other input.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

LENGTH_BYTES = 8
# What the worker takes into its memory: a longer answer ends as a text that is too long, whatever its characters.
MAX_ANSWER_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A document to parse. Its `size` bytes follow the request on the pipe."""

    media_type: str
    size: int
    text_characters: int
    blocks: int
    memory_bytes: int
    cpu_seconds: int


def frame(message: object) -> bytes:
    """Returns the message as JSON, with its length in bytes before it."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else asdict(value)


def body_length(header: bytes) -> int:
    return int.from_bytes(header, "big")


def request_from(body: bytes) -> Request:
    fields: dict[str, Any] = json.loads(body)
    return Request(**fields)
