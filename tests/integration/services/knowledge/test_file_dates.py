"""What each format says of its own age."""

import io
import zipfile
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader, PdfWriter

from services.knowledge.parsing.dispatch import parse_document
from services.knowledge.parsing.document import ParseLimits
from services.knowledge.parsing.media_types import detect_type
from tests.integration.services.knowledge import office_samples as office
from tests.integration.services.knowledge import samples

SEVENTH = datetime(2020, 6, 7, 8, 9, 10, tzinfo=UTC)
CORE = "<c><title>T</title><created>2019-01-01T00:00:00Z</created><modified>2020-06-07T08:09:10Z</modified></c>"
META = (
    "<office:document-meta xmlns:office='o' xmlns:meta='m' xmlns:dc='d'>"
    "<meta:creation-date>2019-01-01T00:00:00</meta:creation-date><dc:date>2020-06-07T08:09:10</dc:date>"
    "</office:document-meta>"
)
MAIL = b"Subject: Hi\nDate: Sun, 07 Jun 2020 10:09:10 +0200\nContent-Type: text/plain\n\nHello."
PAGE = (
    b"<html><head><meta property='article:published_time' content='2019-01-01'>"
    b"<meta property='article:modified_time' content='2020-06-07T08:09:10Z'></head><body><p>text</body></html>"
)


def with_parts(package: bytes, **parts: str) -> bytes:
    """The package with the parts; `_` in a name stands for `/`."""
    with zipfile.ZipFile(io.BytesIO(package)) as given:
        kept = {name: given.read(name) for name in given.namelist()}
    return office.package(kept | {name.replace("_", "/") + ".xml": content for name, content in parts.items()})


def dated_pdf(**said: str) -> bytes:
    writer = PdfWriter(PdfReader(io.BytesIO(samples.pdf([[(12, 72, 700, "Some text")]]))))
    writer.add_metadata({f"/{name}": value for name, value in said.items()})
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


def book(metadata: str) -> bytes:
    made = office.book("<p>text</p>")
    with zipfile.ZipFile(io.BytesIO(made)) as given:
        kept = {name: given.read(name) for name in given.namelist()}
    return office.package(
        kept | {"in/book.opf": kept["in/book.opf"].replace(b"<title>", metadata.encode() + b"<title>")}
    )


def date_of(content: bytes, name: str) -> datetime | None:
    media_type = detect_type(name, content[:8192])
    assert media_type is not None
    return parse_document(media_type, content, ParseLimits()).date


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (dated_pdf(CreationDate="D:20190101", ModDate="D:20200607100910+02'00'"), "a.pdf"),
        (dated_pdf(CreationDate="D:20200607080910Z", ModDate="soon"), "a.pdf"),
        (with_parts(office.presentation(office.shape("text")), docProps_core=CORE), "a.pptx"),
        (with_parts(office.workbook({"S": office.row(1, "text")}), docProps_core=CORE), "a.xlsx"),
        (with_parts(office.open_document("text", "<text:p>text</text:p>"), meta=META), "a.odt"),
        (book("<date>2020-06-07T08:09:10Z</date><meta property='dcterms:modified'>2021-01-01</meta>"), "a.epub"),
        (book("<meta property='dcterms:modified'>2020-06-07T08:09:10Z</meta>"), "a.epub"),
        (MAIL, "a.eml"),
        (b"---\ntitle: T\ndate: 2019-01-01\nlastmod: 2020-06-07 08:09:10\n---\n\ntext", "a.md"),
        (b"---\ntitle: Not: YAML\ndate: 2020-06-07T08:09:10Z\n---\n\ntext", "a.md"),
        (b"+++\ndate = 2020-06-07T08:09:10Z\n+++\n\ntext", "a.md"),
        (PAGE, "a.html"),
    ],
)
def test_a_files_own_date_is_that_of_its_last_change(content: bytes, name: str):
    assert date_of(content, name) == SEVENTH


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (dated_pdf(ModDate="D:99999999999999"), "a.pdf"),
        (with_parts(office.presentation(office.shape("text")), docProps_core="<c><modified>"), "a.pptx"),
        (office.workbook({"S": office.row(1, "text")}), "a.xlsx"),
        (b"Subject: Hi\nDate: today\n\nHello.", "a.eml"),
        (b"Subject: Hi\nDate: Sun, 07 Jun 0 99:99:99\n\nHello.", "a.eml"),
        (b"---\ndate: [1, 2]\n---\n\ntext", "a.md"),
        (b"just text", "a.txt"),
    ],
)
def test_what_is_no_date_is_none_and_the_text_is_read(content: bytes, name: str):
    assert date_of(content, name) is None


def test_an_outlook_message_is_as_old_as_it_was_sent():
    sent = date_of(office.message("Hi", "Hello.", {}), "a.msg")
    assert sent == datetime(2024, 1, 1, tzinfo=UTC)
