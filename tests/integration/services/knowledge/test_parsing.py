"""Documents of every format through the sandbox, as the service reads them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import docx
import pytest

from services.knowledge.parsing.document import BlockKind, FailureCode, ParsedDocument, ParseFailure, ParseLimits
from services.knowledge.parsing.media_types import FORMATS, MediaType
from services.knowledge.parsing.sandbox import Sandbox
from tests.integration.services.knowledge import samples

Parse = Callable[..., Awaitable[ParsedDocument]]
HEADING, PARAGRAPH, LIST, TABLE, CODE = BlockKind
TEXTS = (
    *(MediaType.MARKDOWN, MediaType.HTML, MediaType.PLAIN_TEXT, MediaType.SOURCE_CODE),
    *(MediaType.CSV, MediaType.EML),
)


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(children=1) as opened:
        yield opened


@pytest.fixture
def parse(sandbox: Sandbox, tmp_path: Path) -> Parse:
    async def parse_bytes(content: bytes | str, name: str, limits: ParseLimits | None = None) -> ParsedDocument:
        path = tmp_path / "blob"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        document = await sandbox.parse(path, name, limits)
        position = 0
        for block in document.blocks:
            assert not document.text[position : block.start].strip()
            position = block.end
        assert not document.text[position:].strip()
        return document

    return parse_bytes


def blocks(document: ParsedDocument) -> list[tuple[BlockKind, str]]:
    return [(block.kind, document.text[block.start : block.end]) for block in document.blocks]


def paths(document: ParsedDocument) -> dict[str, tuple[str, ...]]:
    return {document.text[block.start : block.end]: block.heading_path for block in document.blocks}


async def failure_of(awaitable: Awaitable[ParsedDocument]) -> FailureCode:
    with pytest.raises(ParseFailure) as raised:
        await awaitable
    assert raised.value.message
    return raised.value.code


async def test_markdown_keeps_structure_and_drops_marks(parse: Parse):
    document = await parse(
        "# Leave *policy*\n\nYou get **20** [days](https://x.y/z)\nper year.<br>Really.\n\n"
        "## How {#how}\n\n1. Ask\n2. Wait\n   - patiently\n\n| Kind | Days |\n|---|---|\n| sick | 5 |\n\n"
        "```sh\n# not a heading\nrun\n```\n\n<div><h2>Raw</h2><script>no()</script>kept</div>\n\n![a diagram](d.png)\n",
        "leave.md",
    )
    assert document.title == "Leave policy"
    assert blocks(document) == [
        (HEADING, "Leave policy"),
        (PARAGRAPH, "You get 20 days per year.\nReally."),
        (HEADING, "How"),
        (LIST, "1. Ask\n2. Wait\n  - patiently"),
        (TABLE, "| Kind | Days |\n| sick | 5 |"),
        (CODE, "# not a heading\nrun"),
        (HEADING, "Raw"),
        (PARAGRAPH, "kept"),
        (PARAGRAPH, "a diagram"),
    ]
    assert paths(document)["| Kind | Days |\n| sick | 5 |"] == ("Leave policy", "How")
    assert paths(document)["kept"] == ("Leave policy", "Raw")


@pytest.mark.parametrize(
    ("front_matter", "title"),
    [
        ("---\ntitle: A day off\ntags: [a]\n---\n", "A day off"),
        ("---\r\ntitle: Windows\r\n---\r\n", "Windows"),
        ("---\ntitle: Not: strict: YAML\n---\n", "Not: strict: YAML"),
        ('+++\ntitle = "TOML"\n+++\n', "TOML"),
        ("---\nname: x\n---\n", "Heading"),
        ("\ufeff---\ntitle: With a mark\n---\n", "With a mark"),
        ("---\na: &a [x, x]\nb: &b [*a, *a]\ntitle: *b\n---\n", "Heading"),
    ],
)
async def test_front_matter_gives_the_title_and_is_not_text(parse: Parse, front_matter: str, title: str):
    document = await parse(f"{front_matter}# Heading\n\nText.", "a.md")
    assert (document.title, document.text) == (title, "Heading\n\nText.")


async def test_text_between_rules_is_not_front_matter(parse: Parse):
    assert "Just words" in (await parse("---\nJust words here\n---\nMore.", "a.md")).text


async def test_template_tags_leave_their_text(parse: Parse):
    document = await parse(
        'Ask in {% slack_channel "people" %} about {{< term text="Pods" id="p" >}} or [this]({% page "/x" %}).'
        ' {{< note >}}Write `{{< note >}}`.\n\n```\n{% raw %}\n```\n\n{% include "footer.html" %}',
        "a.md",
    )
    assert document.text == "Ask in people about Pods or this. Write {{< note >}}.\n\n{% raw %}"


async def test_html_keeps_content_and_drops_the_page_around_it(parse: Parse):
    document = await parse(
        "<html><head><title>The  page</title><style>p{}</style></head><body><header>Site</header><nav>Menu</nav>"
        "<main><h1>Rules</h1><p>One<br>two <b>bo</b>ld.</p><ol start=3><li>three<ul><li>sub</ul><li>four</ol>"
        "<table><caption>Days</caption><tr><th>Kind<th>Days<tr><td>sick<td><p>5</p></table><pre>a\n  b</pre>"
        "<button>Buy</button><p hidden>secret</p><h2>More</h2>tail<script>x</script></main><footer>Imprint</footer>",
        "page.html",
    )
    assert document.title == "The page"
    assert blocks(document) == [
        (HEADING, "Rules"),
        (PARAGRAPH, "One\ntwo bold."),
        (LIST, "3. three\n  - sub\n4. four"),
        (PARAGRAPH, "Days"),
        (TABLE, "| Kind | Days |\n| sick | 5 |"),
        (CODE, "a\n  b"),
        (HEADING, "More"),
        (PARAGRAPH, "tail"),
    ]


async def test_html_tables_that_arrange_a_page_are_not_data(parse: Parse):
    layout = await parse("<table><tr><td><h1>Title</h1><p>Text</p></td><td>Side</td></tr></table>", "a.html")
    assert blocks(layout) == [(HEADING, "Title"), (PARAGRAPH, "Text"), (PARAGRAPH, "Side")]
    nested = await parse(
        "<table><tr><td>one cell of text</td><td><table><tr><td>in</td><td>ner</td></tr></table></td></tr></table>",
        "a.html",
    )
    assert blocks(nested) == [(TABLE, "| one cell of text | in ner |")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("Größe: 漢字".encode("utf-16"), "a.txt"),
        ("Größe: plain letters around it".encode("utf-16-le"), "a.txt"),
        ("Größe, Länge und Höhe über alles, für Straßen schön gemäß".encode("cp1252"), "a.txt"),
        ("<meta charset=windows-1251><p>Привет".encode("cp1251"), "a.html"),
        ("佐藤太郎と髙橋淳は名古屋に住んでいます。".encode("cp932"), "a.txt"),
        ("\ufeffGröße".encode(), "a.md"),
    ],
)
async def test_text_in_any_encoding(parse: Parse, content: bytes, name: str):
    text = (await parse(content, name)).text
    assert any(word in text for word in ("Größe", "Привет", "髙橋淳"))
    assert "\ufeff" not in text


async def test_text_holds_nothing_that_a_store_refuses(parse: Parse):
    document = await parse("a\x00b\x07c\u00add\u200be\r\nf\x0cg\u00a0h\r\ri", "a.txt")
    assert document.text == "abcde\nf\ng h\n\ni"


async def test_docx_keeps_structure_and_everything_visible(parse: Parse):
    made = docx.Document()
    made.add_heading("Handbook", 0)
    made.add_heading("Travel", 1)
    made.add_paragraph("By train.")
    made.add_paragraph("first", style="List Bullet")
    made.add_paragraph("second", style="List Number")
    table = made.add_table(2, 3)
    for index, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"c{index}"
    table.cell(1, 0).merge(table.cell(1, 1))
    made.add_heading("Planes", 2)
    document = await parse(samples.saved(made), "h.docx")
    assert document.title == "Handbook"
    assert blocks(document) == [
        (HEADING, "Handbook"),
        (HEADING, "Travel"),
        (PARAGRAPH, "By train."),
        (LIST, "- first\n- second"),
        (TABLE, "| c0 | c1 | c2 |\n| c3 c4 | c5 |"),
        (HEADING, "Planes"),
    ]
    assert document.blocks[-1].heading_path == ("Handbook", "Travel", "Planes")


async def test_docx_reads_what_word_shows(parse: Parse):
    document = await parse(
        samples.word(
            "<w:p><w:r><w:t>kept </w:t></w:r><w:ins><w:r><w:t>inserted</w:t></w:r></w:ins>"
            "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del><w:r><w:tab/><w:t>tab</w:t></w:r></w:p>",
            "<w:sdt><w:sdtContent><w:p><w:r><w:t>in a control</w:t></w:r></w:p></w:sdtContent></w:sdt>",
            "<w:p><w:r><w:pict><w:txbxContent><w:p><w:r><w:t>in a box</w:t></w:r></w:p></w:txbxContent></w:pict></w:r></w:p>",
            '<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr><w:r><w:t>by outline</w:t></w:r></w:p>',
        ),
        "w.docx",
    )
    assert blocks(document) == [
        (PARAGRAPH, "kept inserted\ttab"),
        (PARAGRAPH, "in a control"),
        (PARAGRAPH, "in a box"),
        (HEADING, "by outline"),
    ]


BODY = [
    (11, 72, 700 - 14 * line, f"This line of the text is number {line} and it runs on to the next") for line in range(6)
]


async def test_pdf_has_pages_paragraphs_and_headings_by_size(parse: Parse):
    document = await parse(
        samples.pdf(
            [[(18, 72, 740, "Annual report"), *BODY], [(14, 72, 740, "Outlook"), *BODY, (11, 72, 500, "The end.")]]
        ),
        "r.pdf",
    )
    assert document.title == "Annual report"
    paragraph = " ".join(text for *_, text in BODY)
    assert [(block.kind, block.page, block.heading_path) for block in document.blocks] == [
        (HEADING, 1, ("Annual report",)),
        (PARAGRAPH, 1, ("Annual report",)),
        (HEADING, 2, ("Annual report", "Outlook")),
        (PARAGRAPH, 2, ("Annual report", "Outlook")),
        (PARAGRAPH, 2, ("Annual report", "Outlook")),
    ]
    assert blocks(document)[1] == (PARAGRAPH, paragraph)
    assert blocks(document)[4] == (PARAGRAPH, "The end.")


async def test_pdf_outline_tells_headings_from_large_type(parse: Parse):
    page = [(20, 72, 740, "A large slogan"), (11, 72, 720, "1. Introduction"), *BODY]
    document = await parse(samples.pdf([page], "From the file", outline=[("Introduction", 0)]), "r.pdf")
    assert document.title == "From the file"
    assert [text for kind, text in blocks(document) if kind is HEADING] == ["1. Introduction"]


async def test_pdf_rows_stay_lines_and_bullets_become_a_list(parse: Parse):
    rows = [
        (11, 72, 700 - 14 * line, f"SKU-{line}847 Electronics $45.00 $13,005.00 2024-10-1{line}") for line in range(3)
    ]
    points = [(11, 72, 600 - 14 * line, f"• point number {line}") for line in range(2)]
    document = await parse(samples.pdf([[*rows, *points]]), "r.pdf")
    assert blocks(document) == [
        (PARAGRAPH, "\n".join(text for *_, text in rows)),
        (LIST, "- point number 0\n- point number 1"),
    ]


async def test_encrypted_documents(parse: Parse):
    assert await failure_of(parse(samples.pdf([BODY], password="secret"), "a.pdf")) is FailureCode.ENCRYPTED
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600
    assert await failure_of(parse(ole, "a.docx")) is FailureCode.ENCRYPTED


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
async def test_truncated_documents(parse: Parse, share: float):
    for content, name in (
        (samples.pdf([BODY] * 3), "a.pdf"),
        (samples.word("<w:p><w:r><w:t>x</w:t></w:r></w:p>"), "a.docx"),
    ):
        assert await failure_of(parse(content[: int(len(content) * share)], name)) is FailureCode.CORRUPT


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.module)
async def test_empty_documents(parse: Parse, entry):
    assert await failure_of(parse(b"", f"a{entry.extensions[0]}")) is FailureCode.EMPTY
    if entry.media_type in TEXTS:
        assert await failure_of(parse(b" \n\t\x00 \n", f"a{entry.extensions[0]}")) is FailureCode.EMPTY


async def test_documents_without_visible_text(parse: Parse):
    assert await failure_of(parse(samples.pdf([[]]), "scan.pdf")) is FailureCode.EMPTY
    assert await failure_of(parse(samples.word(), "a.docx")) is FailureCode.EMPTY
    assert await failure_of(parse("---\ntitle: only\n---\n", "a.md")) is FailureCode.EMPTY
    assert await failure_of(parse("<script>x</script><nav>y</nav>", "a.html")) is FailureCode.EMPTY


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"just words", "a.pdf", FailureCode.CORRUPT),
        (b"%PDF-1.7 and nothing more", "a.pdf", FailureCode.CORRUPT),
        (b"just words", "a.docx", FailureCode.CORRUPT),
        (b"PK\x05\x06" + b"\0" * 18, "a.docx", FailureCode.EMPTY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.docx", FailureCode.CORRUPT),
        (bytes(range(256)) * 20, "a.txt", FailureCode.CORRUPT),
        (b"\x89PNG\r\n\x1a\n\x00", "a.md", FailureCode.CORRUPT),
        (b"\x7fELF\x02\x01\x01\x00", "a.md", FailureCode.UNSUPPORTED),
        (b"a,b\n1,2", "a.xyz", FailureCode.UNSUPPORTED),
    ],
)
async def test_mislabelled_documents(parse: Parse, content: bytes, name: str, code: FailureCode):
    assert await failure_of(parse(content, name)) is code


async def test_arabic_ligatures_of_a_pdf_are_in_reading_order(data_dir: Path, sandbox: Sandbox):
    text = (await sandbox.parse(data_dir / "documents/files/dl/right_to_left_01.pdf", "a.pdf")).text
    assert "الإنتاجية" in text
    assert "المشكلات" in text
