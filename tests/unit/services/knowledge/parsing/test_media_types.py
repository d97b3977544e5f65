import subprocess
import sys

import pytest

from services.knowledge.parsing.media_types import MediaType, detect_type

PDF, DOCX, ZIP, OLE, PNG, ELF = (
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\x89PNG\r\n\x1a\n\x00",
    b"\x7fELF\x02\x01\x01\x00",
)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("notes.md", b"# Notes", MediaType.MARKDOWN),
        ("NOTES.MD", b"# Notes", MediaType.MARKDOWN),
        ("page.htm", b"<p>hi", MediaType.HTML),
        ("a.txt", "für".encode("utf-16"), MediaType.PLAIN_TEXT),
        ("BMW.txt", b"BMW is a maker of cars", MediaType.PLAIN_TEXT),
        ("folder.v2/README", b"hello", MediaType.PLAIN_TEXT),
        ("README", b" <!DOCTYPE html><html>", MediaType.HTML),
        ("report.pdf", PDF, MediaType.PDF),
        ("report", PDF, MediaType.PDF),
        ("report.txt", PDF, MediaType.PDF),
        ("about-pdf.md", b"A PDF begins with %PDF-1.7", MediaType.MARKDOWN),
        ("letter.docx", DOCX, MediaType.DOCX),
        ("letter", DOCX + b"...word/document.xml", MediaType.DOCX),
        ("slides.zip.pptx", ZIP, MediaType.PPTX),
        ("sheet.xlsm", ZIP, MediaType.XLSX),
        ("book.epub", ZIP, MediaType.EPUB),
        ("archive.zip", ZIP, MediaType.ZIP),
        ("archive.txt", ZIP, MediaType.ZIP),
        ("archive", ZIP, MediaType.ZIP),
        ("sheet.xls", OLE, MediaType.XLS),
        ("locked.xlsx", OLE, MediaType.XLSX),
        ("mail.msg", OLE, MediaType.MSG),
        ("picture.png", PNG, MediaType.PNG),
        ("picture.txt", PNG, MediaType.PNG),
        ("picture.pdf", PNG, MediaType.PNG),
        ("photo.jpeg", b"\xff\xd8\xff\xe0", MediaType.JPEG),
        ("moving.webp", b"RIFF\0\0\0\0WEBPVP8 ", MediaType.WEBP),
        ("letter.rtf", b"{\\rtf1", MediaType.RTF),
        ("letter.doc.txt", b"{\\rtf1", MediaType.RTF),
        ("data.CSV", b"a,b", MediaType.CSV),
        ("main.rs", b"fn main() {}", MediaType.SOURCE_CODE),
        ("data.jsonl", b"{}", MediaType.JSON),
        ("mail", b"Received: from a by b", MediaType.EML),
    ],
)
def test_known_types(name: str, head: bytes, expected: MediaType):
    assert detect_type(name, head) is expected


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("empty.pdf", b"", MediaType.PDF),
        ("empty.docx", b"", MediaType.DOCX),
        ("garbage.pdf", b"not a pdf at all", MediaType.PDF),
        ("encrypted.docx", OLE, MediaType.DOCX),
        ("binary.txt", b"\x00\x01\x02\x03", MediaType.PLAIN_TEXT),
    ],
)
def test_empty_broken_and_encrypted_files_keep_the_type_of_their_name(name: str, head: bytes, expected: MediaType):
    assert detect_type(name, head) is expected


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("picture.xyz", PNG),
        ("program.md", ELF),
        ("archive.7z", b"7z\xbc\xaf\x27\x1c\x00"),
        ("archive.tgz", b"\x1f\x8b\x08\x00"),
        ("archive.xyz", ZIP),
        ("old.doc", OLE),
        ("old.txt", OLE),
        ("data.xyz", b"some text"),
        ("noname", b"\x00\x01\x02"),
        ("noname", b""),
        ("..", b""),
        ("", b""),
    ],
)
def test_other_types_are_unknown(name: str, head: bytes):
    assert detect_type(name, head) is None


def test_telling_types_and_parsing_in_the_sandbox_import_no_parser():
    heavy = "'lxml', 'pypdfium2', 'selectolax', 'markdown_it', 'charset_normalizer', 'yaml', 'PIL', 'rapidocr', 'numpy', 'py3langid'"
    code = (
        "import sys; import services.knowledge.parsing.media_types, services.knowledge.parsing.sandbox; "
        f"print([name for name in ({heavy}) if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
