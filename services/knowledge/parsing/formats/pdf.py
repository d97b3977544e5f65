"""PDF: the text of each page, in paragraphs, under the headings that the outline or the size of the type gives.

A page without text is drawn, and what can be recognised on it is its text; so is a page that a picture covers and that
has a few words beside it, as a scan with a page number has.
"""

import re
import time
from typing import TYPE_CHECKING

from services.knowledge.parsing.builder import DocumentBuilder, one_line
from services.knowledge.parsing.document import FailureCode, ParsedDocument, ParseFailure, ParseLimits, text_too_long
from services.knowledge.parsing.formats.page_text import Headings, Line, add_page, lines_of_picture
from services.knowledge.parsing.formats.pdf_pages import PdfPages

if TYPE_CHECKING:  # most PDFs need no numpy, which takes a while to import
    import numpy as np
    from numpy.typing import NDArray

# A page is drawn with about 170 dots per inch.
LONGEST_SIDE = 2_000
# Of the processor time; the rest is for what comes after.
_SHARE_FOR_PICTURES = 0.8
# A page number and a line at the foot or head of a scan.
_FEW_CHARACTERS = 150
# Recognised letters replace the few that the file has where they are this many times as many.
_MANY_TIMES = 2
# Titles that programs make up: a file's name, or a word for none.
_PRODUCER_TITLE = re.compile(
    r"\(?(?:anonymous|unspecified|untitled|no title|document ?\d*)\)?|microsoft (?:word|powerpoint|excel)\b.*"
    r"|.*\.(?:docx?|pptx?|xlsx?|pdf|indd|tex|dvi|qxd|jpe?g|png|tiff?)|[\W\d_]*",
    re.IGNORECASE,
)


def parse(data: bytes, limits: ParseLimits) -> ParsedDocument:
    started = time.process_time()
    pdf = PdfPages(data)
    builder = DocumentBuilder(limits)
    pages = _read_pages(pdf, limits, builder.warnings)
    blank = [index for index, lines in pages.items() if not lines]
    until = started + _SHARE_FOR_PICTURES * limits.cpu_seconds
    _recognise(pdf, pages, blank, until)
    _recognise_scans(pdf, pages, {*pages} - {*blank}, until, builder.warnings)
    if not any(pages.values()):
        raise ParseFailure(FailureCode.EMPTY, "The PDF has no text, and none can be recognised on its pages.")
    headings = Headings(pages, pdf.outline())
    for index, lines in pages.items():
        builder.page = index + 1
        add_page(builder, index, lines, headings)
        builder.close()
    builder.date = pdf.date
    title = one_line(pdf.title)
    return builder.build(builder.first_heading if _PRODUCER_TITLE.fullmatch(title) else title)


def _read_pages(pdf: PdfPages, limits: ParseLimits, warnings: list[str]) -> dict[int, list[Line]]:
    pages: dict[int, list[Line]] = {}
    unreadable: list[int] = []
    characters = 0
    for index in range(len(pdf)):
        lines = pdf.lines(index)
        if lines is None:
            unreadable.append(index + 1)
            continue
        pages[index] = lines
        characters += _characters(lines)
        if characters > limits.text_characters:
            raise text_too_long(limits)
    if unreadable and not pages:
        raise ParseFailure(FailureCode.CORRUPT, "No page of the PDF can be read: it is damaged or incomplete.")
    if unreadable:
        warnings.append(f"Pages that can't be read were left out: {', '.join(map(str, unreadable[:20]))}.")
    return pages


def _recognise(pdf: PdfPages, pages: dict[int, list[Line]], blank: list[int], until: float) -> None:
    """Fills the pages that have no text but a picture. Raises `ParseFailure` when there are too many for the time."""
    for done, index in enumerate(blank):
        drawn = pdf.picture(index, LONGEST_SIDE)
        if drawn is None:
            continue
        if time.process_time() > until:
            message = f"{len(blank):,} of its pages are pictures, and {done:,} could be read in time. Split it."
            raise ParseFailure(FailureCode.TIMEOUT, message)
        pages[index] = _lines_drawn(drawn)


def _recognise_scans(
    pdf: PdfPages, pages: dict[int, list[Line]], written: set[int], until: float, warnings: list[str]
) -> None:
    """Reads the pages that have few words and a picture over all; without time for it they keep those words."""
    late: list[int] = []
    for index in sorted(written):
        characters = _characters(pages[index])
        if characters > _FEW_CHARACTERS or not pdf.is_covered(index):
            continue
        if time.process_time() > until:
            late.append(index + 1)
        elif drawn := pdf.picture(index, LONGEST_SIDE):
            recognised = _lines_drawn(drawn)
            if _characters(recognised) >= _MANY_TIMES * characters:
                pages[index] = [*recognised, *_unrecognised(pages[index], recognised)]
    if late:
        warnings.append(f"Pictures on these pages weren't read for want of time: {', '.join(map(str, late[:20]))}.")


def _unrecognised(written: list[Line], recognised: list[Line]) -> list[Line]:
    """What is written over the picture and wasn't recognised in it, as another script isn't."""
    seen = _letters("".join(line.text for line in recognised))
    return [line for line in written if _letters(line.text) not in seen]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _characters(lines: list[Line]) -> int:
    return sum(len(line.text) for line in lines)


def _lines_drawn(drawn: "tuple[NDArray[np.uint8], float]") -> list[Line]:
    from services.knowledge.parsing.ocr import read_lines  # noqa: PLC0415 - most PDFs need none

    picture, points_per_pixel = drawn
    return lines_of_picture(read_lines(picture), picture.shape[0], points_per_pixel)
