"""What is kept of office files, books, messages, archives, data and pictures, and what ends one of them."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter

from services.knowledge.parsing.document import BlockKind, FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.formats import pdf
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge import office_samples as office
from tests.integration.services.knowledge import samples

Parse = Callable[..., Awaitable[ParsedDocument]]
HEADING, PARAGRAPH, LIST, TABLE, CODE = BlockKind


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(children=1) as opened:
        yield opened


@pytest.fixture
def parse(sandbox: Sandbox, tmp_path: Path) -> Parse:
    async def parse_bytes(content: bytes | str, name: str, limits: ParseLimits | None = None) -> ParsedDocument:
        path = tmp_path / "blob"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return await sandbox.parse(path, name, limits)

    return parse_bytes


def blocks(document: ParsedDocument) -> list[tuple[BlockKind, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def places(document: ParsedDocument) -> dict[str, tuple[int | None, tuple[str, ...]]]:
    return {document.text[block.start : block.end]: (block.page, block.heading_path) for block in document.blocks}


async def failure_of(awaitable: Awaitable[ParsedDocument]) -> ParseFailure:
    with pytest.raises(ParseFailure) as raised:
        await awaitable
    assert raised.value.message
    return raised.value


async def test_slides_are_pages_with_their_title_first_and_their_notes(parse: Parse):
    table = "".join(
        f"<a:tr>{''.join(f'<a:tc><a:p><a:r><a:t>{c}</a:t></a:r></a:p></a:tc>' for c in r)}</a:tr>" for r in ("ab", "cd")
    )
    made = office.presentation(
        office.shape("Point one", "Point two")
        + office.shape("Results", placeholder="title")
        + office.shape("7", placeholder="sldNum"),
        f"<p:graphicFrame><a:tbl>{table}</a:tbl></p:graphicFrame>",
        notes="Say this slowly.",
    )
    document = await parse(made, "talk.pptx")
    assert document.title == "Results"
    assert blocks(document) == [
        (HEADING, "Results"),
        (LIST, "- Point one\n- Point two"),
        (PARAGRAPH, "Say this slowly."),
        (TABLE, "| a | b |\n| c | d |"),
    ]
    assert places(document)["Say this slowly."] == (1, ("Results",))
    assert places(document)["| a | b |\n| c | d |"] == (2, ())


async def test_sheets_are_sections_whose_tables_keep_header_and_gaps(parse: Parse):
    made = office.workbook(
        {
            "People": office.row(1, "Name", "Age") + office.row(2, "", "36") + office.row(4, "Total", "1"),
            "Empty": "",
            "Numbers": '<row r="1"><c r="A1"><v>5</v></c><c r="B1"><v>0.25</v></c><c r="C1" t="b"><v>1</v></c></row>',
        }
    )
    document = await parse(made, "people.xlsx")
    assert blocks(document) == [
        (HEADING, "People"),
        (TABLE, "| Name | Age |\n|  | 36 |"),
        (TABLE, "| Total | 1 |"),
        (HEADING, "Numbers"),
        (TABLE, "| 5 | 0.25 | TRUE |"),
    ]
    assert places(document)["Numbers"] == (3, ("Numbers",))


async def test_the_content_of_a_package_counts_more_than_its_name(parse: Parse):
    for name in ("a.docx", "a.zip", "a", "a.txt"):
        assert (await parse(office.workbook({"S": office.row(1, "here")}), name)).media_type.endswith(
            "spreadsheetml.sheet"
        )


async def test_open_documents(parse: Parse):
    cells = (
        "<table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell><text:p>b</text:p></table:table-cell>"
    )
    body = (
        '<text:h text:outline-level="1">Head</text:h>'
        '<text:p>one<text:s text:c="2"/>two <text:span>three</text:span> four'
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>foot</text:p></text:note-body></text:note></text:p>"
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        "<text:list><text:list-item><text:p>item</text:p><text:list><text:list-item><text:p>sub</text:p></text:list-item>"
        f"</text:list></text:list-item></text:list><table:table><table:table-row>{cells}</table:table-row></table:table>"
    )
    assert blocks(await parse(office.open_document("text", body), "a.odt")) == [
        (HEADING, "Head"),
        (PARAGRAPH, "one  two three four"),
        (PARAGRAPH, "foot"),
        (LIST, "- item\n  - sub"),
        (TABLE, "| a | b |"),
    ]
    slides = "<draw:page><text:p>first</text:p></draw:page><draw:page><text:p>second</text:p></draw:page>"
    assert places(await parse(office.open_document("presentation", slides), "a.odp"))["second"] == (2, ())
    locked = office.open_document("text", "", "<m><encryption-data/></m>")
    assert (await failure_of(parse(locked, "a.odt"))).code is FailureCode.ENCRYPTED


async def test_books_read_in_order_without_their_table_of_contents(parse: Parse):
    document = await parse(office.book("<h1>One</h1><p>first</p>", "<h1>Two</h1><ul><li>x</li></ul>"), "a.epub")
    assert document.title == "The book"
    assert document.text == "One\n\nfirst\n\nTwo\n\n- x"


async def test_rtf_keeps_headings_tables_and_letters(parse: Parse):
    document = await parse(
        rb"{\rtf1\ansi\ansicpg1252{\info{\title A letter}}{\pard\outlinelevel1 Head\par}"
        rb"{\pard Gr\'fc\'dfe \u8364 ? 5 \\cell\par}\trowd\cellx1\cellx2\pard\intbl a\cell b c\cell\row\pard after\par}",
        "a.rtf",
    )
    assert document.title == "A letter"
    assert blocks(document) == [
        (HEADING, "Head"),
        (PARAGRAPH, "Grüße € 5 \\cell"),
        (TABLE, "| a | b c |"),
        (PARAGRAPH, "after"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_csv_by_the_delimiter_that_its_lines_agree_on(parse: Parse, delimiter: str):
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter).writerows([["name", "note"], ["Ada", "a,b;c"], ["Bob", "two\nlines"]])
    document = await parse(written.getvalue(), "a.csv")
    assert blocks(document) == [(TABLE, "| name | note |\n| Ada | a,b;c |\n| Bob | two lines |")]


async def test_a_long_csv_is_read_in_bounded_memory(parse: Parse):
    rows = "".join(f"{number},Customer {number % 977},Berlin\n" for number in range(400_000))
    document = await parse(f"id,name,city\n{rows}", "a.csv", ParseLimits(memory_bytes=400 * 2**20, wall_seconds=250))
    assert document.text.startswith("| id | name | city |\n| 0 | Customer 0 | Berlin |")
    assert document.text.count("\n") == 400_000


async def test_json_records_are_a_table_and_the_rest_a_list(parse: Parse):
    records = [{"name": "Ada", "age": 36}, {"name": "Bob", "tags": ["x", "y"]}]
    document = await parse(json.dumps({"title": "People", "count": 2, "people": records}), "a.json")
    assert document.title == "People"
    assert (
        document.text
        == "- title: People\n- count: 2\n- people\n\n| name | age | tags |\n| Ada | 36 |  |\n| Bob |  | x, y |"
    )
    lines = await parse("\n".join(map(json.dumps, records)), "a.jsonl")
    assert blocks(lines)[0][0] is TABLE
    broken = await parse('{"a": 1, // why', "a.json")
    assert broken.text == '{"a": 1, // why'
    assert broken.warnings
    assert (await parse("[" * 5000 + "]" * 5000, "a.json")).warnings


async def test_source_code_is_kept_as_it_is(parse: Parse):
    source = "import os\n\n\ndef one():\n    return 1\n\n    # still one\n\n\ndef two():\n    pass\n"
    assert blocks(await parse(source, "a.py")) == [
        (CODE, "import os"),
        (CODE, "def one():\n    return 1\n\n    # still one"),
        (CODE, "def two():\n    pass"),
    ]


def mail(*attachments: tuple[str, bytes], html: str = "") -> bytes:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "Größe", "Ada <ada@example.com>", "bob@example.com"
    if html:
        made.set_content("<p>" + html, subtype="html")
    else:
        made.set_content("Hello Bob.\n\nSee below.")
    for name, content in attachments:
        made.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return made.as_bytes()


async def test_messages_have_their_attachments_as_sections(parse: Parse):
    attached = (
        ("sheet.xlsx", office.workbook({"S": office.row(1, "x", "y")})),
        ("film.mp4", b"\0\1"),
        ("in.eml", mail()),
    )
    document = await parse(mail(*attached), "a.eml")
    assert document.title == "Größe"
    assert places(document)["| x | y |"] == (1, ("Größe", "sheet.xlsx", "S"))
    assert places(document)["See below."] == (None, ("Größe", "in.eml", "Größe"))
    assert "From: Ada <ada@example.com>" in document.text
    assert [warning for warning in document.warnings if "film.mp4" in warning]
    assert "only <b>" not in (await parse(mail(html="only <b>html"), "a.eml")).text


async def test_outlook_messages(parse: Parse):
    document = await parse(office.message("Plan", "Hello\n\nBye", {"a.csv": b"h,i\n" + b"1,2\n" * 1024}), "a.msg")
    assert document.title == "Plan"
    assert "From: Ada\nDate: 2024-01-01 00:00 UTC" in document.text
    assert [text for kind, text in blocks(document) if kind is PARAGRAPH][1:] == ["Hello", "Bye"]
    assert document.blocks[-1].heading_path == ("Plan", "a.csv")
    assert blocks(document)[-1][1].startswith("| h | i |\n| 1 | 2 |\n")


async def test_archives_have_their_files_as_sections(parse: Parse):
    inner = office.package({"deep.txt": "deep"})
    made = office.package(
        {"a/one.md": "# T\n\ntext", "a/": "", "__MACOSX/x.txt": "no", "in.zip": inner, "x.bin": b"\0"}
    )
    document = await parse(made, "a.zip")
    assert places(document)["text"] == (None, ("a/one.md", "T"))
    assert places(document)["deep"] == (None, ("in.zip", "deep.txt"))
    assert "no" not in document.text.split()
    assert len(document.warnings) == 1
    assert (await failure_of(parse(office.package({"x.bin": b"\0"}), "a.zip"))).code is FailureCode.UNSUPPORTED
    assert (await failure_of(parse(office.package({"x.txt": b""}), "a.zip"))).code is FailureCode.EMPTY
    assert (await failure_of(parse(office.package({}), "a.zip"))).code is FailureCode.EMPTY


async def test_archives_that_hold_too_much_are_refused_before_anything_is_read(parse: Parse):
    deep = office.package({"x.txt": "x"})
    for _ in range(4):
        deep = office.package({"x.zip": deep})
    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(6):
            made.writestr(f"{number}.txt", bytes(100 * 2**20))
    many = office.package({f"{number}.txt": "x" for number in range(1_100)})
    for content in (deep, zeros.getvalue(), many, office.package({"in.zip": many})):
        assert (await failure_of(parse(content, "a.zip"))).code is FailureCode.TOO_LARGE


def picture(*lines: str) -> Image.Image:
    image = Image.new("RGB", (900, 80 + 60 * len(lines)), "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(image).text((40, 30 + 60 * number), line, "black", ImageFont.load_default(32))
    return image


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


async def test_text_in_pictures_and_scans_is_recognised(parse: Parse):
    image = picture("Travel needs approval", "from the finance team")
    for kind in ("PNG", "PDF"):
        text = (await parse(saved(image, kind), f"a.{kind.lower()}")).text
        assert " ".join(text.split()) == "Travel needs approval from the finance team"
    pages = await parse(saved(image, "TIFF", save_all=True, append_images=[picture("The second page")]), "a.tiff")
    assert {block.page for block in pages.blocks} == {1, 2}


def scan_with(text: str, image: Image.Image) -> bytes:
    """A page that the picture covers, with the text at its foot."""
    writer = PdfWriter(clone_from=io.BytesIO(saved(image, "PDF")))
    writer.pages[0].merge_page(PdfReader(io.BytesIO(samples.pdf([[(8, 40, 4, text)]]))).pages[0])
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


async def test_a_scan_with_a_page_number_is_recognised_and_a_written_page_stays_as_it_is(parse: Parse):
    image = picture("Travel needs approval", "from the finance team")
    read = (await parse(scan_with("7", image), "a.pdf")).text
    assert "Travel needs approval" in read
    assert "finance team" in read
    assert read.count("7") == 1
    written = "Trips within a day are free to book, and everything that is longer is approved by finance."
    assert (await parse(scan_with(written, image), "a.pdf")).text == written
    assert (await parse(scan_with("7", Image.new("RGB", (900, 200), "white")), "a.pdf")).text == "7"


def test_scans_with_page_numbers_keep_those_where_the_time_is_too_short():
    image = picture("Travel needs approval", "from the finance team")
    late = pdf.parse(scan_with("Page 7", image), ParseLimits(cpu_seconds=0))
    assert late.text == "Page 7"
    assert late.warnings == ("Pictures on these pages weren't read for want of time: 1.",)


async def test_pictures_without_text_or_with_too_many_pixels(parse: Parse):
    assert (
        await failure_of(parse(saved(Image.new("RGB", (300, 300), "white"), "PNG"), "a.png"))
    ).code is FailureCode.EMPTY
    vast = saved(Image.new("1", (20_000, 20_000)), "PNG")
    assert (await failure_of(parse(vast, "a.png"))).code in (FailureCode.TOO_LARGE, FailureCode.CORRUPT)
    assert (await failure_of(parse(saved(picture("x"), "PNG")[:300], "a.png"))).code is FailureCode.CORRUPT


async def test_too_many_scanned_pages_for_the_time_say_so(parse: Parse):
    pages = [picture(f"page {number}") for number in range(40)]
    scan = saved(pages[0], "PDF", save_all=True, append_images=pages[1:])
    failure = await failure_of(parse(scan, "a.pdf", ParseLimits(cpu_seconds=2, wall_seconds=250)))
    assert failure.code is FailureCode.TIMEOUT


async def test_the_language_is_told_where_the_text_tells_it(parse: Parse):
    assert (await parse("Buchen Sie Züge bitte immer über die Reisestelle.", "a.txt")).language == "de"
    assert (await parse("1 2 3", "a.txt")).language is None


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
async def test_truncated_office_files_are_corrupt(parse: Parse, share: float):
    for content, name in (
        (office.presentation(office.shape("x")), "a.pptx"),
        (office.workbook({"S": office.row(1, "x")}), "a.xlsx"),
        (office.open_document("text", "<text:p>x</text:p>"), "a.odt"),
        (office.book("<p>x</p>"), "a.epub"),
        (office.package({"x.txt": "x"}), "a.zip"),
        (office.message("S", "B", {}), "a.msg"),
    ):
        assert (await failure_of(parse(content[: int(len(content) * share)], name))).code is FailureCode.CORRUPT


async def test_entities_reach_nothing_in_any_package(parse: Parse, tmp_path: Path):
    (tmp_path / "secret").write_text("SECRET")
    attack = f'<!DOCTYPE x [<!ENTITY f SYSTEM "file://{tmp_path}/secret">]>'
    content = samples.with_part(
        office.open_document("text", ""), "content.xml", f"{attack}<x><p>seen &f;</p></x>".encode()
    )
    assert (await parse(content, "a.odt")).text == "seen"
    slide = f"{attack}<x><sp><p><t>seen &f;</t></p></sp></x>".encode()
    talk = samples.with_part(office.presentation(office.shape("x")), "ppt/slides/slide0.xml", slide)
    assert "SECRET" not in (await parse(talk, "a.pptx")).text
