"""The handbook's pages, as the tests read them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from libs.config.settings import CONFIG_DIR

HANDBOOK = Path(__file__).resolve().parents[3] / "docs" / "handbook"
INDEX = "README.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
_CODE_SPAN = re.compile(r"`([^`]+)`")
_MARKUP = re.compile(r"[`*]")


@dataclass(frozen=True)
class Page:
    name: str
    source: str

    @property
    def prose(self) -> str:
        """The page without its code examples."""
        return _FENCE.sub("", self.source)

    @property
    def code_spans(self) -> list[str]:
        """What stands between backticks in the prose, also where a line breaks inside."""
        return _CODE_SPAN.findall(" ".join(self.prose.split()))

    @property
    def text(self) -> str:
        """The page on one line, without the marks of code and emphasis."""
        return " ".join(_MARKUP.sub("", self.source).split())

    @property
    def headings(self) -> list[tuple[int, str]]:
        return [(len(marks), title) for marks, title in _HEADING.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the tables, without the marks of code."""
        lines = [line for line in self.prose.splitlines() if line.startswith("|")]
        return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]

    def table(self, header: str) -> dict[str, list[str]]:
        """The table whose first column is headed `header`, by that column."""
        found = self.rows
        start = next(index for index, row in enumerate(found) if row[0] == header)
        body: list[list[str]] = []
        for row in found[start + 2 :]:
            if len(row) != len(found[start]):
                break
            body.append(row)
        return {row[0]: row[1:] for row in body}

    def examples(self, language: str) -> list[str]:
        return [body for name, body in _FENCE.findall(self.source) if name == language]


def pages() -> dict[str, Page]:
    return {path.name: Page(path.name, path.read_text(encoding="utf-8")) for path in sorted(HANDBOOK.glob("*.md"))}


def base_settings() -> dict[str, Any]:
    """config/base.yaml as it is written: what is in force where nobody says otherwise."""
    return yaml.safe_load((CONFIG_DIR / "base.yaml").read_text(encoding="utf-8"))
