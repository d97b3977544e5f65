"""Which passages are found by their words, and in which order."""

from pathlib import Path
from uuid import uuid4

import lancedb
import pytest
from lancedb.index import FTS

from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.adapters.lancedb_words import STOP_WORDS
from services.knowledge.ports import IndexedPassage, PassageIndex, Scope
from tests.integration.services.knowledge.indexed_passages import EVERYONE, ORGANIZATION, passage, said, scope


async def test_a_word_within_writing_without_spaces_is_found(index: PassageIndex) -> None:
    library = passage("图书馆每天早上九点开门，周末关闭，需要提前预约座位。", version=uuid4())
    museum = passage("博物馆每天早上十点开门，周一关闭，需要提前购买门票。")
    japanese = passage("東京の図書館は月曜日に休みです。𠮷野家とERR-404コードの説明。")
    await index.add(ORGANIZATION, [library, museum, japanese])

    async def check() -> None:
        for query, one in (
            ("图书馆", library),
            ("图书馆几点开门", library),
            ("購買門票 购买门票", museum),
            ("図書館", japanese),
            ("𠮷野家", japanese),
            ("ERR-404", japanese),
        ):
            assert (await index.lexical(scope(), query, 5))[0].chunk_id == one.chunk_id

    await check()
    for one in (library, museum, japanese):
        await index.update(ORGANIZATION, one.version, *said("開館時間"))
    await check()
    assert len(await index.lexical(scope(), "開館", 5)) == 3
    for query, hits in (("图书馆", 1), ("每天 开门", 2), ("开门 reserved", 0), ("ERR-404", 1), ("the", 0), ("", 0)):
        assert len(await index.lexical(scope(), query, 5, every=True)) == hits


async def check_phrases(index: PassageIndex, written: IndexedPassage) -> None:
    for query in ("lock gate seven", "Locks gates SEVEN", "gate seven", "開館時間", "ERR-404"):
        found = await index.lexical(scope(), query, 5, every=True)
        assert (len(found), found[0].chunk_id) == (5, written.chunk_id), query
    for query, hits in (("seven gate lock", 5), ("lock of the gate seven", 5), ("lock gate eight", 0), ("the of", 0)):
        assert len(await index.lexical(scope(), query, 5, every=True)) == hits


def scattered_words() -> list[IndexedPassage]:
    words = "seven gate lock gate lock seven. 時開間館 開間 時館. 404 says ERR"
    return [passage(f"{words} {number}") for number in range(20)]


async def test_words_in_a_row_come_before_any_number_of_passages_that_have_them_scattered(index: PassageIndex) -> None:
    written = passage("heron " * 60 + "Lock Gate Seven. 開館時間. ERR-404")
    await index.add(ORGANIZATION, [written, *scattered_words()])
    await check_phrases(index, written)
    await index.maintain(ORGANIZATION)
    await check_phrases(index, written)


async def test_a_phrase_of_words_that_are_not_indexed_is_found_as_it_is_written(index: PassageIndex) -> None:
    hamlet = passage("Hamlet: To be, or not\nto be, that is the question.")
    await index.add(ORGANIZATION, [hamlet, passage("To be is not to be or."), passage("or not to bean")])
    for query in ("to be or not to be", "To be, or not to be", "or not to be"):
        (found,) = await index.lexical(scope(), query, 5, every=True)
        assert (found.chunk_id, found.vector is None) == (hamlet.chunk_id, False)
    assert await index.lexical(scope(("user:1",)), "or not to be", 5, every=True) == []
    await index.add(ORGANIZATION, [passage(" ".join(sorted(STOP_WORDS)))])
    for word in STOP_WORDS:
        assert await index.lexical(scope(), word, 5) == []


async def test_a_table_without_the_places_of_words_is_searched_and_learns_them(tmp_path: Path) -> None:
    index = LanceDbIndex(tmp_path, exact_below=1_000)
    written = passage("heron " * 60 + "Lock Gate Seven. 開館時間. ERR-404")
    await index.add(ORGANIZATION, [written, *scattered_words()])
    table = await (await lancedb.connect_async(tmp_path)).open_table(f"org_{ORGANIZATION.hex}")
    former = FTS(language="English", stem=True, ascii_folding=True)
    await table.create_index("search_text", config=former, replace=True)
    assert len(await index.lexical(scope(), "lock gate seven", 50, every=True)) == 21
    await index.maintain(ORGANIZATION)
    await check_phrases(index, written)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "!!!",
        '"',
        "a AND (",
        "x:y^2~",
        "\x00",
        "the of and",
        "😀",
        "שלום עולם",
        "herring " * 10_000,
        "'; --",
        "\ud83d",
    ],
)
async def test_any_text_is_a_query(index: PassageIndex, query: str) -> None:
    await index.add(ORGANIZATION, [passage("Herring")])
    assert len(await index.lexical(scope(), query, 5)) == (1 if "herring" in query else 0)


async def test_the_first_row_of_a_table_is_searched_with_its_rows_under_any_title(index: PassageIndex) -> None:
    row = passage("| Ada | 1815 |", table_header="| name | born |")
    await index.add(ORGANIZATION, [row, passage("unrelated")])
    await index.update(ORGANIZATION, row.version, *said("Renamed"))
    for query in ("born", "renamed", "Ada"):
        (found,) = await index.lexical(Scope(ORGANIZATION, EVERYONE), query, 10)
        assert found.content == "| Ada | 1815 |"
