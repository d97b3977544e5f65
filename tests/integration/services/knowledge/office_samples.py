"""Small office files, books and messages made on the spot, from the parts that their formats need at least."""

import io
import struct
import zipfile
from collections.abc import Mapping

Entry = bytes | dict[str, "Entry"]
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SECTOR, STREAM_SECTORS = 512, 8  # a shorter stream would lie in another one
END, FREE = 0xFFFFFFFE, 0xFFFFFFFF


def package(parts: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


def relations(*found: tuple[str, str, str]) -> str:
    entries = "".join(
        f'<Relationship Id="{id_}" Type="{RELATION}/{kind}" Target="{target}"/>' for id_, kind, target in found
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{entries}</Relationships>'
    )


def presentation(*slides: str, notes: str = "") -> bytes:
    """A PPTX whose slides hold the given shapes; the notes belong to the first."""
    listed = "".join(f'<p:sldId id="{256 + n}" r:id="s{n}"/>' for n in range(len(slides)))
    named = 'xmlns:a="urn:a" xmlns:p="urn:p" xmlns:r="urn:r"'
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": relations(("r", "officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": f"<p:presentation {named}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": relations(
            *((f"s{n}", "slide", f"slides/slide{n}.xml") for n in range(len(slides)))
        ),
    }
    for number, shapes in enumerate(slides):
        parts[f"ppt/slides/slide{number}.xml"] = f"<p:sld {named}><p:spTree>{shapes}</p:spTree></p:sld>"
    if notes:
        parts["ppt/slides/_rels/slide0.xml.rels"] = relations(("n", "notesSlide", "../notesSlides/notes.xml"))
        parts["ppt/notesSlides/notes.xml"] = f"<p:notes {named}>{shape(notes)}</p:notes>"
    return package(parts)


def shape(*paragraphs: str, placeholder: str = "body") -> str:
    texts = "".join(f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>" for text in paragraphs)
    return f'<p:sp><p:nvSpPr><p:ph type="{placeholder}"/></p:nvSpPr><p:txBody>{texts}</p:txBody></p:sp>'


def workbook(sheets: Mapping[str, str]) -> bytes:
    """An XLSX of named sheets, each given as its rows' XML."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    names = list(sheets)
    listed = "".join(f'<sheet name="{name}" sheetId="{n + 1}" r:id="s{n}"/>' for n, name in enumerate(names))
    return package(
        {
            "[Content_Types].xml": "<Types/>",
            "_rels/.rels": relations(("r", "officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook {main} xmlns:r="{RELATION}"><sheets>{listed}</sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(
                *((f"s{n}", "worksheet", f"worksheets/s{n}.xml") for n in range(len(names)))
            ),
            **{
                f"xl/worksheets/s{n}.xml": f"<worksheet {main}><sheetData>{sheets[name]}</sheetData></worksheet>"
                for n, name in enumerate(names)
            },
        }
    )


def row(number: int, *cells: str) -> str:
    made = "".join(
        f'<c r="{chr(65 + n)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for n, cell in enumerate(cells) if cell
    )
    return f'<row r="{number}">{made}</row>'


def open_document(kind: str, body: str, manifest: str = "<m/>") -> bytes:
    names = 'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:table="urn:ta" xmlns:draw="urn:d"'
    return package(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document {names}><office:body>{body}</office:body></office:document>",
            "META-INF/manifest.xml": manifest,
        }
    )


def book(*chapters: str) -> bytes:
    """An EPUB of the chapters' bodies, with a table of contents that isn't part of the text."""
    items = "".join(
        f'<item id="c{n}" href="c{n}.xhtml" media-type="application/xhtml+xml"/>' for n in range(len(chapters))
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    return package(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container><rootfile full-path="in/book.opf"/></container>',
            "in/book.opf": f"<package><title>The book</title>{items}"
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
            f'<spine><itemref idref="nav"/>{spine}</spine></package>',
            "in/nav.xhtml": "<html><body><p>contents</p></body></html>",
            **{f"in/c{n}.xhtml": f"<html><head><title/></head><body>{c}</body></html>" for n, c in enumerate(chapters)},
        }
    )


def compound(root: dict[str, "Entry"]) -> bytes:
    """A compound file (OLE). Streams are filled up with NULs to the size from which they have sectors of their own."""
    entries: list[tuple[str, int, int, int]] = []  # name, kind, child or start, size; siblings follow one another
    links: list[int] = []
    content = bytearray()

    def add(folder: Mapping[str, "Entry"]) -> int:
        first, last = FREE, -1
        for name, entry in folder.items():
            index = len(entries)
            entries.append((name, 2, 0, 0))
            links.append(FREE)
            if isinstance(entry, bytes):
                start = len(content) // SECTOR
                size = max(len(entry), STREAM_SECTORS * SECTOR)
                content.extend(entry.ljust(-(-size // SECTOR) * SECTOR, b"\0"))
                entries[index] = (name, 2, start, size)
            else:
                entries[index] = (name, 1, add(entry), 0)
            if last >= 0:
                links[last] = index
            first, last = (index if first == FREE else first), index
        return first

    entries.append(("Root Entry", 5, 0, 0))
    links.append(FREE)
    entries[0] = ("Root Entry", 5, add(root), 0)
    directory = b"".join(_directory_entry(*entry, link) for entry, link in zip(entries, links, strict=True))
    directory = directory.ljust(-(-len(directory) // SECTOR) * SECTOR, b"\0")
    sectors = len(content) // SECTOR
    chains = list(range(1, sectors + 1))
    for _, kind, start, size in entries:
        if kind == 2:
            chains[start + -(-size // SECTOR) - 1] = END
    directory_sectors = len(directory) // SECTOR
    chains += [*range(sectors + 1, sectors + directory_sectors), END]
    table_sectors = -(-(len(chains) + 8) // (SECTOR // 4))
    table_start = len(chains)
    chains += [0xFFFFFFFD] * table_sectors
    table = struct.pack(f"<{len(chains)}I", *chains).ljust(table_sectors * SECTOR, b"\xff")
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 62, 3, 0xFFFE, 9, 6, b"", 0, table_sectors,
        sectors, 0, STREAM_SECTORS * SECTOR, END, 0, END, 0,
    )  # fmt: skip
    listed = [table_start + n for n in range(table_sectors)] + [FREE] * (109 - table_sectors)
    return header + struct.pack("<109I", *listed) + bytes(content) + directory + table


def _directory_entry(name: str, kind: int, start: int, size: int, link: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    child = start if kind != 2 else FREE
    first = start if kind == 2 else 0 if kind == 1 else END
    return struct.pack(
        "<64sHBBIII16sIQQIQ", encoded, len(encoded), kind, 1, FREE, link, child, b"", 0, 0, 0, first, size
    )


def message(subject: str, body: str, attachments: Mapping[str, bytes]) -> bytes:
    """An Outlook message (MSG)."""
    text = "001F"
    made: dict[str, Entry] = {
        "__properties_version1.0": bytes(32) + struct.pack("<IIQ", 0x00390040, 0, 133_485_408_000_000_000),
        f"__substg1.0_0037{text}": subject.encode("utf-16-le"),
        f"__substg1.0_0C1A{text}": "Ada".encode("utf-16-le"),
        f"__substg1.0_1000{text}": body.encode("utf-16-le"),
    }
    for number, (name, content) in enumerate(attachments.items()):
        made[f"__attach_version1.0_#{number:08X}"] = {
            f"__substg1.0_3707{text}": name.encode("utf-16-le"),
            "__substg1.0_37010102": content,
        }
    return compound(made)
