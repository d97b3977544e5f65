import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.knowledge.chunking import units
from services.knowledge.chunking.chunks import Chunk, chunk
from services.knowledge.parsing.builder import DocumentBuilder
from services.knowledge.parsing.document import Block, BlockKind, ParsedDocument, ParseLimits

Counter = Callable[[Sequence[str]], Sequence[int]]


def word_pieces(texts: Sequence[str]) -> list[int]:
    """Like a word-piece tokenizer: a token for each four letters of a word and for each mark."""
    return [sum(-(-len(piece) // 4) for piece in re.findall(r"\w+|[^\w\s]", text)) for text in texts]


def characters(texts: Sequence[str]) -> list[int]:
    """White space counts, so the whole is more than its parts."""
    return [len(text) for text in texts]


def unknown_words(texts: Sequence[str]) -> list[int]:
    """Like a tokenizer to which every long word is one unknown token."""
    return [len(text.split()) for text in texts]


def document_of(*pieces: tuple[str, ...] | str) -> ParsedDocument:
    """Builds a document: ("#", heading), ("-", item, …), ("|", cell, …) rows, ("`", code), or a paragraph."""
    builder = DocumentBuilder(ParseLimits())
    for piece in pieces:
        match piece:
            case str():
                builder.paragraph(piece)
            case (marks, text) if marks.startswith("#"):
                builder.heading(len(marks), text)
            case ("-", *items):
                for item in items:
                    builder.list_item(item)
            case ("|", *cells):
                builder.table_row(cells)
            case ("`", text):
                builder.code(text)
            case _:
                raise AssertionError(piece)
    return builder.build(None)


def check(document: ParsedDocument, chunks: Sequence[Chunk], count: Counter, max_tokens: int) -> None:
    text = document.text
    assert [one.index for one in chunks] == list(range(len(chunks)))
    for before, after in pairwise(chunks):
        assert before.start < after.start
        assert before.end < after.end
    covered: set[int] = set()
    for one in chunks:
        assert one.text == text[one.start : one.end]
        assert one.text.strip() == one.text
        assert one.token_count == count([one.text])[0]
        assert one.token_count <= max_tokens or len(one.text) == 1
        covered.update(range(one.start, one.end))
    assert all(index in covered for index, letter in enumerate(text) if not letter.isspace())


def texts_of(chunks: Sequence[Chunk]) -> list[str]:
    return [one.text for one in chunks]


words = st.text("abcxyzäß漢字́😀.,!?#|-_\u200d", min_size=1, max_size=12) | st.sampled_from(
    ["The", "cat", "sat.", "Dr.", "e.g.", "x" * 90, "。", "end!", "1.", "- "]
)
lines = st.lists(words, min_size=1, max_size=30).map(" ".join)
pieces = st.one_of(
    lines,
    st.lists(lines, min_size=1, max_size=3).map("\n".join),
    st.tuples(st.sampled_from(["#", "##", "###"]), lines),
    st.lists(lines, min_size=1, max_size=8).map(lambda items: ("-", *items)),
    st.lists(words, min_size=1, max_size=4).map(lambda cells: ("|", *cells)),
    st.lists(lines, min_size=1, max_size=5).map(lambda code: ("`", "\n    ".join(code))),
)
documents = (
    st.lists(pieces, min_size=1, max_size=12)
    .filter(lambda found: any(re.search(r"[^\W_]", str(piece)) for piece in found))
    .map(lambda found: document_of("start", *found))
)
counters = st.sampled_from([word_pieces, characters, unknown_words])


@settings(deadline=None)
@given(documents, counters, st.integers(1, 120), st.integers(0, 40))
def test_every_visible_character_is_in_a_chunk_within_budget(
    document: ParsedDocument, count: Counter, max_tokens: int, overlap: int
):
    overlap = min(overlap, max_tokens - 1)
    chunks = chunk(document, count, max_tokens=max_tokens, overlap_tokens=overlap)
    check(document, chunks, count, max_tokens)
    assert chunk(document, count, max_tokens=max_tokens, overlap_tokens=overlap) == chunks


@settings(deadline=None)
@given(documents, counters, st.integers(1, 120), st.integers(1, 200))
def test_a_text_that_is_cut_a_stretch_at_a_time_loses_nothing(
    document: ParsedDocument, count: Counter, max_tokens: int, stretch: int
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(units, "STRETCH_CHARACTERS", stretch)
        chunks = chunk(document, count, max_tokens=max_tokens, overlap_tokens=0)
    check(document, chunks, count, max_tokens)


def test_no_stretch_ends_with_a_heading(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(units, "STRETCH_CHARACTERS", 1)
    sections = [piece for number in range(5) for piece in (("#", f"H{number}"), f"Text {number}.")]
    assert texts_of(chunk(document_of(*sections), word_pieces)) == [f"H{n}\n\nText {n}." for n in range(5)]


def test_rows_far_down_a_table_know_its_first_row(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(units, "STRETCH_CHARACTERS", 100)
    rows = [("|", f"row {number}", "x " * 10) for number in range(50)]
    chunks = chunk(document_of(("|", "name", "text"), *rows), word_pieces, max_tokens=40, overlap_tokens=0)
    assert {one.table_header for one in chunks[1:]} == {"| name | text |"}


@settings(deadline=None)
@given(st.text("ab .\n\t#漢", min_size=1, max_size=400), st.lists(st.integers(0, 400), max_size=8), counters)
def test_text_that_no_block_covers_is_not_lost(text: str, cuts: list[int], count: Counter):
    cuts = sorted({cut for cut in cuts if cut <= len(text)})
    blocks = tuple(Block(start, end, BlockKind.PARAGRAPH) for start, end in zip(cuts[::2], cuts[1::2], strict=False))
    document = ParsedDocument(text, None, blocks)
    check(document, chunk(document, count, max_tokens=20, overlap_tokens=5), count, 20)


@settings(deadline=None)
@given(documents, st.integers(10, 120))
def test_a_chunk_stays_under_what_its_heading_path_says(document: ParsedDocument, max_tokens: int):
    for one in chunk(document, word_pieces, max_tokens=max_tokens, overlap_tokens=5):
        for block in document.blocks:
            if block.start < one.end and one.start < block.end and block.kind is not BlockKind.HEADING:
                assert block.heading_path[: len(one.heading_path)] == one.heading_path


@settings(deadline=None)
@given(st.text("ab漢 .", min_size=500, max_size=2000), st.integers(5, 60))
def test_the_tokenizer_reads_the_text_a_bounded_number_of_times(text: str, max_tokens: int):
    read = 0

    def counting(texts: Sequence[str]) -> list[int]:
        nonlocal read
        read += sum(map(len, texts))
        return word_pieces(texts)

    chunk(document_of("start", text), counting, max_tokens=max_tokens, overlap_tokens=0)
    assert read <= 6 * len(text)


def test_sections_of_the_highest_level_are_never_mixed():
    document = document_of(
        ("#", "Travel"), ("##", "Trains"), "Book early.", ("##", "Planes"), "Book late.", ("##", "Ships"), "Never."
    )
    chunks = chunk(document, word_pieces)
    assert texts_of(chunks) == ["Travel\n\nTrains\n\nBook early.", "Planes\n\nBook late.", "Ships\n\nNever."]
    assert [one.heading_path for one in chunks] == [("Travel", "Trains"), ("Travel", "Planes"), ("Travel", "Ships")]


def test_small_sections_below_share_a_chunk_and_large_ones_do_not():
    small = document_of(("#", "FAQ"), ("##", "A"), ("###", "Q1?"), "Yes.", ("###", "Q2?"), "No.", ("##", "B"), "Text.")
    assert chunk(small, word_pieces)[0].text.endswith("Q1?\n\nYes.\n\nQ2?\n\nNo.")
    assert chunk(small, word_pieces)[0].heading_path == ("FAQ", "A")
    long = "word " * 100
    large = document_of(("#", "FAQ"), ("##", "A"), ("###", "Q1?"), long, ("###", "Q2?"), long, ("##", "B"), "Text.")
    assert [one.heading_path[-1] for one in chunk(large, word_pieces)] == ["Q1?", "Q2?", "B"]


def test_a_heading_stays_with_the_text_below_it():
    document = document_of("word " * 95, ("#", "Next"), "More words follow here.")
    assert texts_of(chunk(document, word_pieces, max_tokens=100))[-1] == "Next\n\nMore words follow here."


def test_a_paragraph_is_cut_between_sentences_and_the_cut_overlaps():
    sentences = [f"This is sentence number {index} of the paragraph." for index in range(20)]
    first, second, *_ = chunk(document_of(" ".join(sentences)), word_pieces, max_tokens=100, overlap_tokens=15)
    assert first.text.endswith("paragraph.")
    assert second.text.startswith("This is sentence")
    last_sentence = first.text[first.text.rindex("This") :]
    assert second.text.startswith(last_sentence)
    assert second.start < first.end


def test_blocks_are_not_cut_where_they_fit_and_do_not_overlap():
    paragraphs = ["alpha " * 20, "beta " * 20, "gamma " * 20]
    chunks = chunk(document_of(*paragraphs), word_pieces, max_tokens=45, overlap_tokens=20)
    assert texts_of(chunks) == [paragraph.strip() for paragraph in paragraphs]


def test_a_table_is_cut_between_rows():
    rows = [("|", f"row {index}", "value " * 5) for index in range(30)]
    chunks = chunk(document_of(("|", "Name", "Value"), *rows), word_pieces, max_tokens=80)
    assert len(chunks) > 3
    assert all(one.text.startswith("| ") and one.text.endswith(" |") for one in chunks)
    assert chunks[0].text.startswith("| Name | Value |")


def test_rows_know_the_first_row_of_their_table():
    rows = [("|", f"row {number}", "x " * 10) for number in range(6)]
    chunks = chunk(document_of("Before.", ("|", "name", "text"), *rows, "After."), word_pieces, max_tokens=40)
    first = next(one.index for one in chunks if "| name | text |" in one.text)
    below = [one for one in chunks if one.index > first and one.text.startswith("|")]
    assert len(below) > 1
    assert {one.table_header for one in below} == {"| name | text |"}
    assert {one.table_header for one in chunks if one not in below} == {None}


def test_a_very_long_first_row_is_not_repeated():
    rows = [("|", *(f"column {number}" for number in range(200))), *(("|", f"row {n}", "x " * 10) for n in range(20))]
    chunks = chunk(document_of(*rows), word_pieces, max_tokens=40)
    assert {one.table_header for one in chunks} == {None}


def test_a_row_that_is_cut_is_not_its_own_header():
    chunks = chunk(document_of(("|", "word " * 200)), word_pieces, max_tokens=40)
    assert len(chunks) > 1
    assert {one.table_header for one in chunks} == {None}


def test_a_word_longer_than_a_chunk_is_cut():
    chunks = chunk(document_of("before " + "x" * 1000 + " after"), word_pieces, max_tokens=50, overlap_tokens=0)
    assert "".join(texts_of(chunks)).replace(" ", "") == "before" + "x" * 1000 + "after"


def test_a_long_unknown_word_does_not_make_a_giant_chunk():
    chunks = chunk(document_of("y" * 100_000), unknown_words, max_tokens=50, overlap_tokens=0)
    assert max(len(one.text) for one in chunks) <= 50 * 12


def test_hash_follows_text_and_heading_path_and_nothing_else():
    before = chunk(document_of(("#", "A"), "Same text."), word_pieces)
    after = chunk(document_of(("#", "New"), "Something new.", ("#", "A"), "Same text."), word_pieces)
    elsewhere = chunk(document_of(("#", "B"), "Same text."), word_pieces)
    assert before[0].content_hash == after[-1].content_hash
    assert before[0].content_hash != elsewhere[0].content_hash


def test_page_is_where_the_chunk_begins():
    text = "On page one.\n\nOn page two."
    blocks = (Block(0, 12, BlockKind.PARAGRAPH, (), 1), Block(14, 26, BlockKind.PARAGRAPH, (), 2))
    document = ParsedDocument(text, None, blocks)
    assert [one.page for one in chunk(document, word_pieces)] == [1]
    assert [one.page for one in chunk(document, word_pieces, max_tokens=4, overlap_tokens=0)] == [1, 2]


@pytest.mark.parametrize(("max_tokens", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_senseless_limits_are_refused(max_tokens: int, overlap: int):
    with pytest.raises(ValueError, match="overlap_tokens"):
        chunk(document_of("text"), word_pieces, max_tokens=max_tokens, overlap_tokens=overlap)
