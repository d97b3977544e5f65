"""What S3 answers as XML, read strictly: a listing that can't be read whole is none."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote_plus
from xml.parsers import expat

from libs.s3.errors import S3Error

MAX_DEPTH = 8
_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class S3Object:
    """`etag` without its quotes; it names the content as far as the bucket can tell. `last_modified` in whole seconds.

    A key that isn't UTF-8 holds lone surrogates.
    """

    key: str
    size_bytes: int
    etag: str
    last_modified: datetime


@dataclass(frozen=True)
class Page:
    objects: list[S3Object]
    next_token: str | None


@dataclass(frozen=True)
class ErrorAnswer:
    """Each empty where the answer doesn't say."""

    code: str
    region: str


def parse_page(body: bytes) -> Page:
    """One page of `ListObjectsV2`. Raises S3Error for anything else, the rest of a broken answer included."""
    try:
        reading = _read(body, "ListBucketResult")
        encoded = reading.fields.get("EncodingType") == "url"
        objects = [_object(fields, encoded=encoded) for fields in reading.contents]
        more = {"true": True, "false": False}[reading.fields["IsTruncated"]]
        token = reading.fields["NextContinuationToken"] if more else None
    except (expat.ExpatError, KeyError, ValueError) as error:
        raise S3Error(
            "The address doesn't answer as S3 does: its listing can't be read. Check the endpoint."
        ) from error
    return Page(objects, token)


def parse_error(body: bytes) -> ErrorAnswer:
    """What an error says of itself; texts besides the code and the region are left out."""
    try:
        fields = _read(body, "Error").fields
    except (expat.ExpatError, ValueError):
        return ErrorAnswer("", "")
    code, region = fields.get("Code", ""), fields.get("Region", "")
    return ErrorAnswer(code if _CODE.fullmatch(code) else "", region if _REGION.fullmatch(region) else "")


def _object(fields: Mapping[str, str], *, encoded: bool) -> S3Object:
    size = fields["Size"]
    if not (size.isascii() and size.isdigit()):
        raise ValueError(size)
    last_modified = datetime.fromisoformat(fields["LastModified"])
    if last_modified.tzinfo is None:
        raise ValueError(fields["LastModified"])
    key = unquote_plus(fields["Key"], errors="surrogateescape") if encoded else fields["Key"]
    return S3Object(key, int(size), fields.get("ETag", "").strip('"'), last_modified.replace(microsecond=0))


class _Reading:
    """The texts right below the root, and those of each `Contents`."""

    def __init__(self, root: str) -> None:
        self.fields: dict[str, str] = {}
        self.contents: list[dict[str, str]] = []
        self._root = root
        self._path: list[str] = []
        self._text: list[str] = []

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self._path.append(tag.rpartition("\n")[2])
        if self._path[0] != self._root or len(self._path) > MAX_DEPTH:
            raise ValueError(tag)
        if self._path[1:] == ["Contents"]:
            self.contents.append({})
        self._text.clear()

    def characters(self, text: str) -> None:
        self._text.append(text)

    def end(self, _tag: str) -> None:
        match self._path[1:]:
            case [name]:
                self.fields[name] = "".join(self._text)
            case ["Contents", name]:
                self.contents[-1][name] = "".join(self._text)
            case _:
                pass
        self._path.pop()
        self._text.clear()


def _read(body: bytes, root: str) -> _Reading:
    reading = _Reading(root)
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    parser.StartDoctypeDeclHandler = _refuse  # entities can only be declared there
    parser.Parse(body, True)
    return reading


def _refuse(*_declaration: object) -> None:
    raise ValueError("a document type declaration")
