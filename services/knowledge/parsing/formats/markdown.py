"""Markdown (CommonMark with tables): the text a reader sees, without the marks that style it."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from services.knowledge.parsing.builder import DocumentBuilder, clean
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.document import ParsedDocument, ParseLimits
from services.knowledge.parsing.formats.front_matter import split_front_matter
from services.knowledge.parsing.formats.html import add_fragment
from services.knowledge.parsing.formats.template_tags import resolve_template_tags

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_HEADING_ID = re.compile(r"\s*\{#[\w:.-]{1,200}\}\s*$")
_LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    said, markdown = split_front_matter(clean(decode(data)))
    builder = DocumentBuilder(limits)
    builder.date = said.date
    return _Reader(builder).read(_PARSER.parse(resolve_template_tags(markdown)), said.title)


class _Reader:
    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._lists: list[int | None] = []  # per open list, the number of its next item; None where items have bullets
        self._marker = ""
        self._heading_level = 0
        self._cells: list[str] | None = None

    def read(self, tokens: Sequence[Token], title: str | None) -> ParsedDocument:
        for token in tokens:
            self._read(token)
        return self._builder.build(title or self._builder.first_heading)

    def _read(self, token: Token) -> None:  # noqa: C901, PLR0912 - a case per kind of token
        match token.type:
            case "heading_open":
                self._heading_level = int(token.tag[1:])
            case "inline":
                self._text(_plain(token.children or ()))
            case "heading_close":
                self._heading_level = 0
            case "bullet_list_open":
                self._lists.append(None)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1))
            case "list_item_open":
                self._marker = self._next_marker()
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
                if not self._lists:
                    self._builder.close()
            case "fence" | "code_block":
                self._code(token.content)
            case "tr_open":
                self._cells = []
            case "tr_close":
                self._builder.table_row(self._cells or ())
                self._cells = None
            case "table_close":
                self._builder.close()
            case "html_block":
                add_fragment(self._builder, token.content)
            case _:
                pass

    def _text(self, text: str) -> None:
        if self._cells is not None:
            self._cells.append(text)
        elif self._heading_level:
            self._builder.heading(self._heading_level, _HEADING_ID.sub("", text))
        elif self._lists:
            self._item(text)
        else:
            self._builder.paragraph(text)

    def _code(self, code: str) -> None:
        if self._lists:
            self._item(code.rstrip())
        else:
            self._builder.code(code)

    def _item(self, text: str) -> None:
        self._builder.list_item(text, len(self._lists) - 1, self._marker)
        self._marker = ""

    def _next_marker(self) -> str:
        number = self._lists[-1]
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "


def _plain(tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    for token in tokens:
        match token.type:
            case "text" | "code_inline" | "text_special":
                pieces.append(token.content)
            case "softbreak":
                pieces.append(" ")
            case "hardbreak":
                pieces.append("\n")
            case "image":
                pieces.append(_plain(token.children or ()))
            case "html_inline" if _LINE_BREAK.fullmatch(token.content):
                pieces.append("\n")
            case _:
                pass
    return "".join(pieces)
