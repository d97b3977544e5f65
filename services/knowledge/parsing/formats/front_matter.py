"""The metadata block that many Markdown files open with: YAML between `---` lines, or TOML between `+++` lines."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import yaml

from services.knowledge.parsing.dates import first_instant

_MOST_CHARACTERS = 64 * 1024
_BLOCK = {
    "---": re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
    "+++": re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
}
_YAML_LINE = re.compile(r"\s*(?:$|#|-\s|[\w.\"'-]+\s*:)|\s+\S")
_YAML_FIELD = re.compile(r"^(\w+)\s*:\s*(.+?)\s*$", re.MULTILINE)
# The last change, then the first.
_DATES = ("lastmod", "last_modified", "updated", "date")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    title: str | None = None
    date: datetime | None = None


def split_front_matter(markdown: str) -> tuple[FrontMatter, str]:
    """Returns what the front matter says, if there is any, and the Markdown after it.

    Text between two thematic breaks that isn't metadata stays part of the Markdown.
    """
    fence = markdown[:3]
    match = _BLOCK[fence].match(markdown, 0, _MOST_CHARACTERS) if fence in _BLOCK else None
    if not match:
        return FrontMatter(), markdown
    rest = markdown[match.end() :]
    metadata = _toml(match[1]) if fence == "+++" else _yaml(match[1])
    if metadata is not None:
        return _said(metadata), rest
    if fence == "---" and all(_YAML_LINE.match(line) for line in match[1].splitlines()):
        # Metadata that a strict reader refuses, such as a title with a colon in it.
        fields = {field[1]: field[2].strip("\"'") for field in reversed(list(_YAML_FIELD.finditer(match[1])))}
        return _said(fields), rest
    return FrontMatter(), markdown


def _said(metadata: Mapping[str, Any]) -> FrontMatter:
    title = metadata.get("title")
    return FrontMatter(
        str(title) if isinstance(title, str | int | float) else None, first_instant(map(metadata.get, _DATES))
    )


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return None


def _yaml(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return {}
    try:
        metadata: object = yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else None
