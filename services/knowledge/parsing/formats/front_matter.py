"""The metadata block that many Markdown files open with: YAML between `---` lines, or TOML between `+++` lines."""

import re
import tomllib
from typing import Any, cast

import yaml

_MOST_CHARACTERS = 64 * 1024
_BLOCK = {
    "---": re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
    "+++": re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE),
}
_YAML_LINE = re.compile(r"\s*(?:$|#|-\s|[\w.\"'-]+\s*:)|\s+\S")
_YAML_TITLE = re.compile(r"^title\s*:\s*(.+?)\s*$", re.MULTILINE)


def split_front_matter(markdown: str) -> tuple[str | None, str]:
    """Returns the title that the front matter gives, if any, and the Markdown after it.

    Text between two thematic breaks that isn't metadata stays part of the Markdown.
    """
    fence = markdown[:3]
    match = _BLOCK[fence].match(markdown, 0, _MOST_CHARACTERS) if fence in _BLOCK else None
    if not match:
        return None, markdown
    rest = markdown[match.end() :]
    metadata = _toml(match[1]) if fence == "+++" else _yaml(match[1])
    if metadata is not None:
        title = metadata.get("title")
        return (str(title) if isinstance(title, str | int | float) else None), rest
    if fence == "---" and all(_YAML_LINE.match(line) for line in match[1].splitlines()):
        # Metadata that a strict reader refuses, such as a title with a colon in it.
        title = _YAML_TITLE.search(match[1])
        return (title[1].strip("\"'") if title else None), rest
    return None, markdown


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
