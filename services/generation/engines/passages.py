"""A passage's sentences, and which of them can stand in an answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from libs.text.pointing import points_back
from libs.text.sentences import Span, split_sentences
from services.generation.ports import Document

# Longer is a text without sentences: a log, a listing, data.
_LONGEST_STATEMENT = 800
_SHORT_HEADING_WORDS = 8
_LONG_HEADING_WORDS = 12
# Of the words of a title longer than "and" or "for", more than this share are capitalised.
_TITLE_SHARE = 0.6
_SHORTEST_TELLING_WORD = 4
# After links are taken out, a sentence that had one must still say something.
_FEWEST_WORDS_BESIDE_LINKS = 4

_BLOCK_MARKER = re.compile(r"(?:>\s*)*(?:(?P<item>[-*+•‣◦–]|\d{1,3}[.)]|[a-z]\))\s+)?(?:\[[ xX]\]\s+)?")
_MARKER = re.compile(r"\s*\[\d{1,4}(?:, ?\d{1,4})*\]")
_HEADING = re.compile(r"#{1,6}\s+(?P<text>.*?)\s*#*$")
_NOT_PROSE = re.compile(r"\||```|~~~|-{3}|={3}|<!--|\{\{|\{%")
# Commands, their options, and data.
_CODE = re.compile(r"\$ |(?:curl|sudo|git|pip|npm|docker|kubectl) -{0,2}\w|-[A-Za-z] |--\w|[{}\[\]<]|.*\\$")
_FEWEST_ITEM_WORDS = 2
_LINK = re.compile(r"!?\[[^\]]*\]\([^)]*\)|<?https?://\S+|\bwww\.\S+")
_WORD = re.compile(r"[^\W\d_]{2,}|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+")
_TERMINATED = re.compile(r"[.!?…:;。！？｡][\"'”’»)\]}*_`」』）]*$")
# "Work your week!" cheers, and tells nothing.
_EXCLAIMED = re.compile(r"[!！][\"'”’»)\]}*_`」』）]*$")
_DANGLING = re.compile(
    r"(?:it|its|this|these|that|those|they|their|them|he|his|she|her|such|both|here|there(?! (?:is|are|was|were)\b)|"
    r"then|also|however|therefore|otherwise|instead|afterwards|in that case|for this reason|if so)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sentence:
    """A sentence of the passage `document` (its place among the request's).

    `text` is the passage's own words on one line, without the list marker before it and without bracketed numbers,
    which a reader would take for our citations. `statement` says that it can be an answer by itself; a `heading` never
    is one, but names what follows it, nor is a table's first row, its `header`. `lead_in` is the place, among all
    sentences, of the line that introduces the list it belongs to, or of its table's header.
    """

    document: int
    document_id: int
    text: str
    context: str
    statement: bool
    heading: bool
    item: bool
    lead_in: int | None
    row: bool = False
    header: bool = False

    @property
    def data(self) -> bool:
        """Whether it tells something without being a statement: a row of a table, a command, a link."""
        return not (self.statement or self.heading or self.header or self.text.endswith("?"))

    @property
    def introduces_list(self) -> bool:
        return self.text.endswith(":")

    @property
    def dangling(self) -> bool:
        """Whether it opens with a word that points to what was said before."""
        return _DANGLING.match(self.text) is not None or points_back(self.text)

    @property
    def terminated(self) -> bool:
        return _TERMINATED.search(self.text) is not None


def read_sentences(documents: Sequence[Document]) -> list[Sentence]:
    """The sentences of all passages that have words, in order."""
    sentences: list[Sentence] = []
    for number, document in enumerate(documents):
        sentences.extend(_sentences(number, document, len(sentences)))
    return sentences


def _sentences(number: int, document: Document, first: int) -> Iterator[Sentence]:
    heading, lead_in, header, place = "", None, None, first
    spans = [span for span in split_sentences(document.text) if _WORD.search(document.text, span.start, span.end)]
    rows = [_is_row(document.text[span.start : span.end]) for span in spans]
    if document.table_header and rows and rows[0]:
        yield _header(number, document, _on_one_line(document.table_header), document.title)
        header, place = place, place + 1
    for span, row, row_follows in zip(spans, rows, [*rows, False][1:], strict=True):
        raw = document.text[span.start : span.end]
        found = _HEADING.match(raw)
        if found or _stands_as_heading(document.text, span):
            heading, lead_in = found["text"] if found else raw.strip(), None
            found = True
        marker = _BLOCK_MARKER.match(raw)
        item = bool(marker and marker["item"])
        text = _on_one_line(raw[marker.end() if marker else 0 :])
        if not _WORD.search(text):
            continue
        header = header if row else None
        if not item and lead_in is not None and lead_in != place - 1 and text[0].isupper():
            lead_in = None  # the list is over; what follows its items directly still belongs to them
        context = " ".join(part for part in (document.title, heading) if part)
        if row and header is None and row_follows:
            yield _header(number, document, text, context)
            header, place = place, place + 1
            continue
        # A bare word in a list means something only below the line that introduces it.
        names_only = item and lead_in is None and len(_WORD.findall(text)) < _FEWEST_ITEM_WORDS
        statement = not found and not names_only and _is_statement(raw, text)
        introduced_by = header if row else lead_in if item else None
        yield Sentence(number, document.id, text, context, statement, bool(found), item, introduced_by, row=row)
        if statement and text.endswith(":") and not item:
            lead_in = place
        place += 1


def _header(number: int, document: Document, text: str, context: str) -> Sentence:
    return Sentence(number, document.id, text, context, False, False, False, None, row=True, header=True)


def _is_row(raw: str) -> bool:
    return raw.startswith("|")


def _on_one_line(raw: str) -> str:
    return " ".join(_MARKER.sub("", raw).split())


def _stands_as_heading(text: str, span: Span) -> bool:
    """Whether an unmarked line is a heading: short, unfinished, a paragraph by itself with text below it."""
    line = text[span.start : span.end]
    by_itself = text[max(0, span.start - 2) : span.start] in {"", "\n\n"} and text.startswith("\n\n", span.end)
    if not by_itself or "\n" in line.strip() or _BLOCK_MARKER.sub("", line, count=1) != line:
        return False
    unfinished = not _TERMINATED.search(line) and not line.rstrip().endswith((",", "-"))
    return unfinished and len(_WORD.findall(line)) <= _LONG_HEADING_WORDS and not _NOT_PROSE.match(line)


def _is_statement(raw: str, text: str) -> bool:
    """Whether a sentence says something: not a question, a cry, a heading, a row of a table, markup, or links alone."""
    if _NOT_PROSE.match(raw) or len(text) > _LONGEST_STATEMENT or text.endswith("?"):
        return False
    beside_links = _LINK.sub(" ", text)
    words = len(_WORD.findall(beside_links))
    links_alone = beside_links != text and words < _FEWEST_WORDS_BESIDE_LINKS
    cry = _EXCLAIMED.search(text) and words <= _SHORT_HEADING_WORDS and not any(map(str.isdigit, text))
    if links_alone or cry or _CODE.match(text):
        return False
    if _TERMINATED.search(text):
        return True
    if _names_only(text):
        return False
    bare = _BLOCK_MARKER.sub("", raw, count=1) == raw
    return not (bare and words <= _SHORT_HEADING_WORDS and ":" not in text and not any(map(str.isdigit, text)))


def _names_only(text: str) -> bool:
    """Whether an unfinished line is a title: "Leave Policy and Forms", as where a link stood."""
    telling = [word for word in _WORD.findall(text) if len(word) >= _SHORTEST_TELLING_WORD]
    capitalized = sum(word[0].isupper() for word in telling)
    return ":" not in text and len(telling) > 1 and capitalized > _TITLE_SHARE * len(telling)
