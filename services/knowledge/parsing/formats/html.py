"""HTML: the page's own content, without its scripts, navigation and controls."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.charsets import decode
from services.knowledge.parsing.dates import first_instant
from services.knowledge.parsing.document import ParsedDocument, ParseLimits

_DECLARED_WITHIN = 4096
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_DROPPED = (
    "script, style, noscript, template, nav, iframe, object, embed, svg, canvas, audio, video, map, "
    "button, select, input, textarea, datalist, dialog, "
    "[hidden], [aria-hidden=true], [role=navigation], [role=search], [role=menu], [role=menubar], "
    "body > header:not(:has(h1)), body > footer, body > [role=banner]:not(:has(h1)), body > [role=contentinfo], "
    '[style*="display:none"], [style*="display: none"], '
    # MediaWiki, the wiki that most organisations run, marks its controls by class alone.
    ".mw-jump-link, .mw-editsection, .vector-dropdown, .navbox"
)
_MAIN = "main, [role=main]"
# A main element with less than this share of the page's text isn't where the content is.
_LEAST_MAIN_SHARE = 0.25
_LEAST_LAYOUT_SHARE = 0.5
# The last change, then the first.
_DATES = ('property="article:modified_time"', 'property="article:published_time"', 'name="date"')
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ANY_HEADING = ", ".join(_HEADINGS)
# ruff: noqa: SIM905 - a word list is read and compared more easily as words
_PARAGRAPHS = frozenset(
    """address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form header
    hgroup hr html legend main menu option p section summary""".split()
)
_LISTS = frozenset(("ul", "ol"))
_TABLE_PARTS = frozenset(("caption", "td", "th", "tr", "table"))
_WHITE_SPACE = re.compile(r"[ \t\n\r\f]+")


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    declared = _CHARSET.search(data[:_DECLARED_WITHIN])
    tree = LexborHTMLParser(decode(data, declared[1].decode("ascii") if declared else None))
    title = tree.css_first("head title, title")
    builder = DocumentBuilder(limits)
    title_text = title.text() if title else None
    said = [found.attributes.get("content") for name in _DATES for found in tree.css(f"head meta[{name}]")]
    builder.date = first_instant(said)
    root = tree.body
    if root:
        for node in root.css(_DROPPED):
            node.decompose()
        _Flow(builder).read(_main_of(root))
    return builder.build(title_text or builder.first_heading)


def add_fragment(builder: DocumentBuilder, html: str) -> None:
    """Adds the content of a piece of HTML, as Markdown allows between its paragraphs."""
    tree = LexborHTMLParser(html)
    if tree.body:
        for node in tree.body.css(_DROPPED):
            node.decompose()
        _Flow(builder).read(tree.body)


def _main_of(body: LexborNode) -> LexborNode:
    candidates = body.css(_MAIN)
    if len(candidates) != 1:
        return body
    share = len(_visible(candidates[0])) / max(1, len(_visible(body)))
    return candidates[0] if share >= _LEAST_MAIN_SHARE else body


def _visible(node: LexborNode) -> str:
    return _WHITE_SPACE.sub(" ", node.text())


class _Flow:
    """Turns the tree into blocks, without recursion: a page may nest its elements as deep as it likes."""

    def __init__(self, builder: DocumentBuilder) -> None:
        self._builder = builder
        self._inline: list[str] = []
        self._preformatted = 0
        self._lists: list[int | None] = []  # per open list, the number of its next item; None where items have bullets
        self._marker = ""
        self._cells: list[str] = []  # of the row being read
        self._tables = 0  # open ones: the data table being read and those within its cells

    def read(self, root: LexborNode) -> None:
        node, entering, last = root, True, root.mem_id  # nodes compare by their whole HTML
        while True:
            if entering:
                descend = self._enter(node)
                if descend and node.child:
                    node = node.child
                    continue
            self._leave(node)
            if node.mem_id == last:
                break
            if node.next:
                node, entering = node.next, True
            elif node.parent:
                node, entering = node.parent, False
            else:
                break
        self._flush()
        self._builder.close()

    def _enter(self, node: LexborNode) -> bool:
        if node.is_text_node:
            text = node.text_content or ""
            self._inline.append(text.replace("\n", "\v") if self._preformatted else text)
            return False
        tag = node.tag or ""
        if tag == "br":
            self._inline.append("\v")
        elif tag in _LISTS:
            self._flush()
            self._lists.append(_first_number(node) if tag == "ol" else None)
        elif tag == "li":
            self._flush()
            self._marker = self._next_marker()
        elif tag == "pre":
            self._flush()
            self._preformatted += 1
        elif tag in _HEADINGS or tag in _PARAGRAPHS:
            self._flush()
        elif tag == "table" and (self._tables or not _is_layout(node)):
            self._flush()
            if not self._tables:
                self._builder.close()
            self._tables += 1
        return not node.is_comment_node

    def _leave(self, node: LexborNode) -> None:
        tag = node.tag or ""
        if tag in _HEADINGS:
            self._flush(heading=_HEADINGS[tag])
        elif tag in _PARAGRAPHS or tag == "li":
            self._flush()
        elif tag in _LISTS:
            self._flush()
            if self._lists:
                self._lists.pop()
            if not self._lists and not self._tables:
                self._builder.close()
        elif tag == "pre":
            self._flush(code=True)
            self._preformatted = max(0, self._preformatted - 1)
        elif tag in _TABLE_PARTS:
            self._leave_table_part(tag)

    def _leave_table_part(self, tag: str) -> None:
        if self._tables != 1:  # a layout's cell, or a table within a cell, which becomes that cell's text
            self._flush()
            self._tables -= tag == "table" and self._tables > 0
        elif tag == "caption":
            self._builder.paragraph(self._take())
        elif tag in ("td", "th"):
            self._cells.append(self._take())
        elif tag == "tr":
            self._builder.table_row(self._cells)
            self._cells = []
        else:
            self._tables = 0
            self._builder.close()

    def _take(self) -> str:
        text = _joined(self._inline)
        self._inline.clear()
        return text

    def _flush(self, *, heading: int | None = None, code: bool = False) -> None:
        """Ends the run of text read so far, as the kind of block it turned out to be."""
        if self._tables:
            self._inline.append(" ")
            return
        if code and not self._lists:
            self._builder.code("".join(self._inline).replace("\v", "\n"))
            self._inline.clear()
            return
        text = self._take()
        if not text:
            return
        if heading:
            self._builder.heading(heading, text)
        elif self._lists:
            self._builder.list_item(text, len(self._lists) - 1, self._marker)
            self._marker = ""
        else:
            self._builder.paragraph(text)

    def _next_marker(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "


def _is_layout(table: LexborNode) -> bool:
    """Whether a table arranges a page rather than data: it holds headings, or mostly another table."""
    if table.css_first(_ANY_HEADING):
        return True
    # A selector finds the element itself as well, where it stands within a cell.
    nested = next((found for found in table.css("table") if found.mem_id != table.mem_id), None)
    return nested is not None and len(_visible(nested)) > _LEAST_LAYOUT_SHARE * len(_visible(table))


def _first_number(node: LexborNode) -> int:
    start = node.attributes.get("start") or ""
    return int(start) if start.isdecimal() and len(start) < 9 else 1  # noqa: PLR2004 - longer is no numbering


def _joined(inline: list[str]) -> str:
    """Returns inline text with white space collapsed as browsers do; a vertical tab stands for `<br>`."""
    text = _WHITE_SPACE.sub(" ", "".join(inline))
    return "\n".join(line.strip() for line in text.split("\v")).strip()
