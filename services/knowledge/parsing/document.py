"""What parsing a file yields: its plain text with the place of every block, or the reason there is none."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self


class BlockKind(StrEnum):
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A run of `ParsedDocument.text`.

    `start` and `end` are character offsets (end exclusive). `heading_path` names the headings above the block, the
    outermost first; a heading's own path ends with itself. `page` counts from 1; None where a format has no pages.
    A list has an item per line (`- `), a table a row per line (`| cell | cell |`, the header row first).
    """

    start: int
    end: int
    kind: BlockKind
    heading_path: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The canonical plain text of a document, which every character span refers to.

    `blocks` are in order, do not overlap, and leave only white space between them. The text holds at least one visible
    character, no NUL, no other control character than newline and tab, and no lone surrogate.
    `warnings` say, for a person, what could not be read. `language` is the ISO 639-1 code of the language that most of
    the text is in, None where that can't be told; `media_type` is the type that the content turned out to be. `date` is
    when the file says that it was last changed, else made; nobody has checked it.
    """

    text: str
    title: str | None
    blocks: tuple[Block, ...]
    warnings: tuple[str, ...] = ()
    language: str | None = None
    media_type: str | None = None
    date: datetime | None = None


class FailureCode(StrEnum):
    ENCRYPTED = "encrypted"
    CORRUPT = "corrupt"
    EMPTY = "empty"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    CRASHED = "crashed"


class ParseFailure(Exception):  # noqa: N818 - a verdict on a document, stored and shown, not a fault of the program
    """Why a document has no text: a code for programs and a message for a person."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one document may cost. Beyond any of these it ends as `too_large` or `timeout`.

    `nesting` is how many archives or messages may lie within each other, `members` how many files they may hold and
    `unpacked_bytes` how large those may be, all together.
    """

    file_bytes: int = 256 * 1024 * 1024
    # A table of a million rows and eight columns, which as rows of text is 102 million.
    text_characters: int = 120_000_000
    blocks: int = 500_000
    memory_bytes: int = 1280 * 1024 * 1024
    cpu_seconds: int = 60
    wall_seconds: float = 90.0
    nesting: int = 3
    members: int = 1_000
    unpacked_bytes: int = 512 * 1024 * 1024

    @classmethod
    def of(cls, memory_mb: int, timeout_s: float) -> Self:
        """The limits with this much memory and processor time; waiting may take half as long again."""
        return cls(memory_bytes=memory_mb * 1024 * 1024, cpu_seconds=int(timeout_s), wall_seconds=timeout_s * 1.5)


def encrypted() -> ParseFailure:
    return ParseFailure(FailureCode.ENCRYPTED, "The document is protected with a password. Remove it and try again.")


def text_too_long(limits: ParseLimits) -> ParseFailure:
    most = f"{limits.text_characters:,} characters, or what takes 256 MB"
    message = f"The document's text is longer than {most}. Split it and try again."
    return ParseFailure(FailureCode.TOO_LARGE, message)
