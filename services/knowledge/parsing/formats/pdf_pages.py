"""PDFium's pages as lines of text with their place. The only file that knows pypdfium2, which has no types."""

import ctypes
import re
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pypdfium2  # pyright: ignore[reportMissingTypeStubs] - it has none
import pypdfium2.raw  # pyright: ignore[reportMissingTypeStubs] - it has none

from services.knowledge.parsing.dates import pdf_instant
from services.knowledge.parsing.document import FailureCode, ParseFailure, encrypted
from services.knowledge.parsing.formats.page_text import Line, OutlineEntry

if TYPE_CHECKING:  # most PDFs need no numpy, which takes a while to import
    import numpy as np
    from numpy.typing import NDArray

_pdfium: Any = pypdfium2.raw
_NEEDS_PASSWORD = (_pdfium.FPDF_ERR_PASSWORD, _pdfium.FPDF_ERR_SECURITY)
# PDFium puts this where a word is broken at the end of a line.
_BROKEN_WORD = re.compile("[\x02\ufffe]\r?\n?")
# An Arabic lam-alef is one glyph for two letters. PDFium, turning a right-to-left line round glyph by glyph, leaves
# the two letters in visual order.
_TURNED_LAM_ALEF = re.compile("[\u0622\u0623\u0625\u0627]\u0644")
_MOST_OF_A_PAGE = 0.6
_MOST_OUTLINE_ENTRIES = 5_000


class PdfPages:
    """An open PDF. Raises `ParseFailure` (`encrypted`, `corrupt`) when it can't be opened."""

    def __init__(self, data: bytes) -> None:
        try:
            self._pdf: Any = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if error.err_code in _NEEDS_PASSWORD:
                raise encrypted() from error
            message = "The file isn't a readable PDF: it is damaged or incomplete."
            raise ParseFailure(FailureCode.CORRUPT, message) from error

    def __len__(self) -> int:
        return len(self._pdf)

    @property
    def title(self) -> str:
        return self._pdf.get_metadata_value("Title")

    @property
    def date(self) -> datetime | None:
        """When it was last changed, else made."""
        said = (pdf_instant(self._pdf.get_metadata_value(key)) for key in ("ModDate", "CreationDate"))
        return next((found for found in said if found), None)

    def outline(self) -> list[OutlineEntry]:
        """The bookmarks, in order; those that lead to no page are left out."""
        entries: list[OutlineEntry] = []
        try:
            for bookmark in self._pdf.get_toc(max_depth=8):
                target = bookmark.get_dest()
                page = target.get_index() if target else None
                if page is not None:
                    entries.append(OutlineEntry(bookmark.get_title(), bookmark.level, page))
                if len(entries) >= _MOST_OUTLINE_ENTRIES:
                    break
        except (pypdfium2.PdfiumError, UnicodeError):
            return entries
        return entries

    def lines(self, index: int) -> list[Line] | None:
        """The lines of the page at `index` (from 0) in the file's own order; None when the page can't be read."""
        try:
            page: Any = self._pdf[index]
            text_page: Any = page.get_textpage()
            try:
                return list(_lines(text_page))
            finally:
                text_page.close()
                page.close()
        except pypdfium2.PdfiumError:
            return None

    def is_covered(self, index: int) -> bool:
        """Whether a single picture takes most of the page, as it does where the page was scanned."""
        try:
            page: Any = self._pdf[index]
            try:
                width, height = page.get_size()
                pictures = page.get_objects(filter=[_pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3)
                return any(_area(picture) > _MOST_OF_A_PAGE * width * height for picture in pictures)
            finally:
                page.close()
        except (pypdfium2.PdfiumError, ValueError):
            return False

    def picture(self, index: int, longest_side: int) -> "tuple[NDArray[np.uint8], float] | None":
        """The page as a picture of shape (height, width, 3), blue first, and the points that a pixel stands for.

        None where there is nothing on the page, or it can't be drawn.
        """
        try:
            page: Any = self._pdf[index]
            try:
                if next(page.get_objects(max_depth=1), None) is None:
                    return None
                scale = longest_side / max(1.0, *page.get_size())
                bitmap: Any = page.render(scale=scale, rev_byteorder=False)
                return bitmap.to_numpy()[:, :, :3].copy(), 1 / scale
            finally:
                page.close()
        except (pypdfium2.PdfiumError, ValueError):
            return None


def _area(picture: Any) -> float:
    left, bottom, right, top = picture.get_bounds()
    return (right - left) * (top - bottom)


def _lines(text_page: Any) -> Iterator[Line]:
    # The page's text has a character for each of PDFium's, so that offsets are its indices.
    text: str = text_page.get_text_range()
    aligned = len(text) == text_page.count_chars()
    if aligned:
        text = _with_lam_alef_in_order(text_page, text)
    position = 0
    for line in _BROKEN_WORD.sub(lambda found: "\x02" * len(found[0]), text).split("\n"):
        stripped = line.strip()
        if stripped:
            first = position + len(line) - len(line.lstrip())
            left, bottom, _, top = text_page.get_charbox(first, loose=True) if aligned else (0.0, 0.0, 0.0, 0.0)
            yield Line(stripped.replace("\x02", ""), top - bottom, left, bottom)
        position += len(line) + 1


def _with_lam_alef_in_order(text_page: Any, text: str) -> str:
    letters: list[str] | None = None
    for match in _TURNED_LAM_ALEF.finditer(text):
        start = match.start()
        if _origin(text_page, start) == _origin(text_page, start + 1):
            letters = letters or list(text)
            letters[start], letters[start + 1] = letters[start + 1], letters[start]
    return "".join(letters) if letters else text


def _origin(text_page: Any, index: int) -> tuple[float, float]:
    x, y = ctypes.c_double(), ctypes.c_double()
    _pdfium.FPDFText_GetCharOrigin(text_page, index, x, y)
    return x.value, y.value
