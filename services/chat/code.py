"""Which parts of a Markdown text are code while it arrives. Whatever might be read as text, is text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_FENCE = re.compile(r"(?P<indent> {0,3})(?P<signs>`{3,}|~{3,})(?P<rest>[^\n]*)")
# With more on it, or a stop, a line might go on so that it is no fence.
_LANGUAGE = re.compile(r"[ \t]*[\w+#-]*[ \t]*")
# Items of lists and quotations, which may hold blocks that end with them.
_INSIDE = r"[ \t]*(?:(?:[-*+>]|\d{1,9}[.)])[ \t]*)*"
_LIKE_A_FENCE = re.compile(rf"{_INSIDE}(?:`{{3,}}[^`\n]*|~{{3,}}.*)$")
# Nothing in a block of HTML is Markdown until a blank line, or, in some, until an end that may never come.
_HTML = re.compile(rf"{_INSIDE}<[a-z/!?]", re.IGNORECASE)
_LONG_HTML = re.compile(rf"{_INSIDE}<(?:pre|script|style|textarea|!|\?)", re.IGNORECASE)
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
# The first of them on a line decides; a tag without quotation marks holds no backtick.
_NEXT = re.compile(r"(?P<escaped>\\`)|(?P<whole><[a-z/!?][^<>`\"']*>)|(?P<tag><[a-z/!?])|(?P<ticks>`+)", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """`block`: lines with their fences; `span`: code within a line, with its backticks."""

    text: str
    kind: Literal["text", "span", "block"]


@dataclass(frozen=True)
class _Fence:
    indent: int
    sign: str
    length: int


class CodeFinder:
    """Tells the code of a text, piece by piece, as CommonMark reads it."""

    def __init__(self) -> None:
        self._fence: _Fence | None = None
        self._line = ""  # so far, where the last piece ended within it
        self._doubtful = False  # whether backticks of this paragraph may belong together otherwise
        self._in_html = False
        self._lost = False  # whether blocks may begin and end otherwise, from here on

    def parts(self, piece: str) -> list[Part]:
        """The piece's parts, which joined are the piece."""
        parts: list[Part] = []
        for line in _LINES.findall(piece):
            text = line.removesuffix("\n")
            found = list(self._read(text)) if text else []
            if line != text:
                self._end_line()
                kind = found[-1].kind if found else "block" if self._fence else "text"
                found.append(Part("\n", "block" if kind == "block" else "text"))
            parts += found
        return parts

    @property
    def in_block(self) -> bool:
        """Whether what comes next is a block's, or the fence that closes it."""
        return self._fence is not None and not self._lost

    @property
    def lost(self) -> bool:
        """Whether nothing more is taken for code."""
        return self._lost

    def give_up(self) -> None:
        """From here on nothing is taken for code."""
        self._lost = True

    def _end_line(self) -> None:
        if not self._line.strip():
            self._doubtful = self._in_html = False
        self._line = ""

    def _read(self, text: str) -> Iterator[Part]:
        """A line, or as much of it as is there."""
        goes_on, self._line = bool(self._line), self._line + text
        if goes_on and _FENCE.match(self._line) and text.strip():
            # It was judged by its beginning, and is no fence for what follows.
            self._lost = True
        elif not goes_on and self._is_fence(text):
            yield Part(text, "block")
            return
        if self._fence and not self._lost:
            yield Part(text, "block")
        else:
            yield from self._spans(text)

    def _is_fence(self, line: str) -> bool:
        found = _FENCE.fullmatch(line)
        if self._fence:
            return self._closes(self._fence, line, found)
        self._in_html = self._in_html or _HTML.match(line) is not None
        self._lost = self._lost or _LONG_HTML.match(line) is not None
        if not _LIKE_A_FENCE.match(line):
            return False
        if found is None or not _LANGUAGE.fullmatch(found["rest"]) or self._in_html or self._lost:
            # Whether it is one depends on what is around it, and so does where it ends.
            self._lost = True
            return False
        self._fence = _Fence(len(found["indent"]), found["signs"][0], len(found["signs"]))
        return True

    def _closes(self, fence: _Fence, line: str, found: re.Match[str] | None) -> bool:
        indent = len(line) - len(line.lstrip(" "))
        if line.strip() and indent < fence.indent:
            # It may have ended with a list's item that it stands in.
            self._lost = True
            return False
        if found is None or found["signs"][0] != fence.sign or len(found["signs"]) < fence.length:
            return False
        if found["rest"].strip():
            return False
        if indent != fence.indent:
            self._lost = True
            return False
        self._fence, self._doubtful = None, False
        return True

    def _spans(self, text: str) -> Iterator[Part]:
        at = place = 0
        while not (self._doubtful or self._lost or self._in_html):
            found = _NEXT.search(text, place)
            if found is None:
                break
            place = found.end()
            if found["whole"]:
                continue
            closing = found["ticks"] and re.compile(rf"(?<!`){found['ticks']}(?!`)").search(text, place)
            if not closing:
                self._doubtful = True
                break
            place = closing.end()
            # A table's cells end at each bar, also in code.
            if "|" not in text[found.start() : place]:
                if found.start() > at:
                    yield Part(text[at : found.start()], "text")
                yield Part(text[found.start() : place], "span")
                at = place
        if at < len(text):
            yield Part(text[at:], "text")
