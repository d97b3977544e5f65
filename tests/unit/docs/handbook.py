"""The handbook's pages, as the tests read them."""

import re
from dataclasses import dataclass
from pathlib import Path

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

    def examples(self, language: str) -> list[str]:
        return [body for name, body in _FENCE.findall(self.source) if name == language]


def pages() -> dict[str, Page]:
    return {path.name: Page(path.name, path.read_text(encoding="utf-8")) for path in sorted(HANDBOOK.glob("*.md"))}
