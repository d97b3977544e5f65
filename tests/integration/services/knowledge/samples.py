"""Small documents made on the spot."""

import io
import zipfile
from collections.abc import Sequence

import docx
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from pypdf import PdfReader, PdfWriter

Text = tuple[int, int, int, str]  # size, x, y, text


def pdf(
    pages: Sequence[Sequence[Text]], title: str = "", *, outline: Sequence[tuple[str, int]] = (), password: str = ""
) -> bytes:
    """A PDF of the pages' texts, with an outline of (title, page index) and a password to open it."""
    count = len(pages)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {count} /Kids [{' '.join(f'{4 + 2 * index} 0 R' for index in range(count))}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, texts in enumerate(pages):
        stream = "".join(f"BT /F1 {size} Tf {x} {y} Td ({text}) Tj ET\n" for size, x, y, text in texts)
        resources = "/Resources << /Font << /F1 3 0 R >> >>"
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * index} 0 R {resources} >>",
            f"<< /Length {len(stream)} >>\nstream\n{stream}endstream",
        ]
    body, offsets = b"%PDF-1.7\n", list[int]()
    for number, text in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{text}\nendobj\n".encode("cp1252")
    entries = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    table = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{entries}"
    trailer = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    data = body + (table + trailer).encode()
    if not (title or outline or password):
        return data
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    if title:
        writer.add_metadata({"/Title": title})
    for entry, page in outline:
        writer.add_outline_item(title=entry, page_number=page)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def saved(document: Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def word(*body: str) -> bytes:
    """A DOCX whose body is the given WordprocessingML."""
    document = docx.Document()
    declared = nsdecls("w")
    for xml in body:
        at = len(document.element.body) - 1
        document.element.body.insert(at, parse_xml(xml.replace(">", f" {declared}>", 1)))
    return saved(document)


def with_part(package: bytes, name: str, content: bytes) -> bytes:
    """The DOCX with one of its parts replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, content if part == name else old.read(part))
    return buffer.getvalue()
