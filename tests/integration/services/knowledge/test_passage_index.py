"""What every passage index must do; an adapter joins by its name among the params of the fixture `index`."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

import lancedb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.knowledge.adapters.lancedb_index import LanceDbIndex
from services.knowledge.metadata import facts
from services.knowledge.ports import PassageIndex, Scope
from tests.integration.services.knowledge.indexed_passages import (
    DIMENSION,
    EVERYONE,
    ORGANIZATION,
    passage,
    said,
    scope,
    vector,
)


async def test_an_organisation_without_passages_finds_nothing(index: PassageIndex) -> None:
    assert await index.lexical(scope(), "anything", 5) == []
    assert await index.similar(scope(), vector(0), 5) == []
    assert await index.by_ids(ORGANIZATION, [uuid4()]) == []
    await index.remove(ORGANIZATION, [uuid4()])
    assert await index.versions(ORGANIZATION) == set()
    await index.maintain(ORGANIZATION)


async def test_words_and_vectors_find_their_passage_as_soon_as_it_is_written(index: PassageIndex) -> None:
    herring, oak = passage("Herring swim in the bay.", 1), passage("Oaks grow on the hill.", 2)
    await index.add(ORGANIZATION, [herring, oak])
    assert [found.chunk_id for found in await index.lexical(scope(), "swimming herrings?", 5)] == [herring.chunk_id]
    similar = await index.similar(scope(), vector(2), 5)
    assert [found.chunk_id for found in similar] == [oak.chunk_id, herring.chunk_id]
    assert similar[0].score == pytest.approx(1, abs=1e-5)
    late = passage("A late herring.", 3)
    await index.add(ORGANIZATION, [late])
    assert {found.chunk_id for found in await index.lexical(scope(), "herring", 5)} == {herring.chunk_id, late.chunk_id}
    await index.maintain(ORGANIZATION)
    assert {found.chunk_id for found in await index.lexical(scope(), "herring", 5)} == {herring.chunk_id, late.chunk_id}


async def test_a_header_is_searched_but_is_not_content(index: PassageIndex) -> None:
    await index.add(ORGANIZATION, [passage("It opens at nine.", header="Lighthouse › Hours")])
    found = await index.lexical(scope(), "lighthouse", 5)
    assert [one.content for one in found] == ["It opens at nine."]


async def test_organisations_are_apart(index: PassageIndex) -> None:
    await index.add(ORGANIZATION, [passage("Herring")])
    other = Scope(UUID(int=2), EVERYONE)
    assert await index.lexical(other, "herring", 5) == []
    assert await index.similar(other, vector(0), 5) == []


async def test_only_the_named_readers_find_a_passage_and_their_list_is_full(index: PassageIndex) -> None:
    private = [passage(f"Herring {number}", 1, readers=("user:a",)) for number in range(30)]
    grouped = [passage(f"Herring of group {number}", 1, readers=("user:b", "group:g")) for number in range(3)]
    await index.add(ORGANIZATION, [*private, *grouped])
    readers = ("organization", "user:c", "group:g")
    assert len(await index.lexical(scope(readers), "herring", 3)) == 3
    found = await index.similar(scope(readers), vector(1), 3)
    assert {one.chunk_id for one in found} == {one.chunk_id for one in grouped}
    assert await index.lexical(scope(), "herring", 3) == []


@pytest.mark.parametrize(
    ("filters", "hits"),
    [
        ({"category": "fish"}, 1),
        ({"category": "it's"}, 0),
        ({"tags": ["b", "x"]}, 1),
        ({"tags": ["'); DROP TABLE x; --"]}, 0),
        ({"date_from": date(2026, 3, 5)}, 1),
        ({"date_from": date(2026, 3, 6)}, 0),
        ({"date_to": date(2026, 3, 5)}, 1),
        ({"date_to": date(2026, 3, 4)}, 0),
        ({"date_from": date.min, "date_to": date.max}, 1),
        ({"language": "de"}, 1),
        ({"language": "en"}, 0),
        ({"source": "it's \\ here"}, 1),
        ({"source": "it"}, 0),
        ({"collection_id": UUID(int=7)}, 1),
        ({"collection_id": UUID(int=8)}, 0),
        ({"media_type": "text/markdown"}, 1),
        ({"media_type": "text/plain"}, 0),
        ({"document_ids": [UUID(int=8), UUID(int=9)]}, 1),
        ({"document_ids": [UUID(int=8)]}, 0),
        ({"metadata": {"year": 2024.0}}, 1),
        ({"metadata": {"year": "2024", "place": "we're"}}, 1),
        ({"metadata": {"year": 2024, "place": "weir"}}, 0),
        ({"metadata": {"yea": "r=2024"}}, 0),
        ({"category": "fish", "language": "de", "metadata": {"year": 2025}}, 0),
    ],
)
async def test_filters_narrow_both_searches(index: PassageIndex, filters: dict, hits: int) -> None:
    said = {"language": "de", "source": "it's \\ here", "collection_id": UUID(int=7)}
    metadata = facts({"year": 2024, "place": "we're"})
    one = passage("Herring", document_id=UUID(int=9), category="fish", tags=("a", "b"), facts=metadata, **said)
    await index.add(ORGANIZATION, [one])
    assert len(await index.lexical(scope(**filters), "herring", 5)) == hits
    assert len(await index.similar(scope(**filters), vector(0), 5)) == hits


HOSTILE = (
    "'",
    "''",
    "\\",
    "\\'",
    "a' OR '1'='1",
    "'); DROP TABLE x; --",
    "%",
    '"',
    "\n",
    "--",
    "{}",
    "$1",
    "é😀",
    "[1]",
)


@settings(max_examples=3, deadline=None)
@given(st.sets(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30), max_size=6))
async def test_every_text_is_a_value_and_none_is_sql(values: set[str]) -> None:
    """Each row is found by its own value and by no other's, written as a row and as a change."""
    texts = sorted({*values, *HOSTILE})
    with TemporaryDirectory() as folder:
        index = LanceDbIndex(Path(folder), exact_below=1_000)
        rows = [passage("herring", source=text, tags=(text or "-",), facts=facts({"k": text})) for text in texts]
        await index.add(ORGANIZATION, rows)

        async def check() -> None:
            for text, row in zip(texts, rows, strict=True):
                asked = scope(source=text, metadata={"k": text}, tags=[text or "-"])
                assert [one.chunk_id for one in await index.similar(asked, vector(0), 99)] == [row.chunk_id]

        await check()
        texts = texts[::-1]
        for text, row in list(zip(texts, rows, strict=True))[: len(HOSTILE)]:
            await index.update(
                ORGANIZATION, row.version, *said(text, source=text, tags=(text or "-",), facts=facts({"k": text}))
            )
        texts, rows = texts[: len(HOSTILE)], rows[: len(HOSTILE)]
        await index.remove(ORGANIZATION, sorted(await index.versions(ORGANIZATION) - {row.version for row in rows}))
        await check()


async def test_documents_that_external_ids_mean_are_the_only_ones(index: PassageIndex) -> None:
    await index.add(ORGANIZATION, [passage("Herring", document_id=UUID(int=9))])
    for named, hits in (((UUID(int=9), UUID(int=8)), 1), ((UUID(int=8),), 0), ((), 0)):
        assert len(await index.lexical(replace(scope(), named=named), "herring", 5)) == hits


async def test_a_table_of_the_former_kind_goes_on_and_learns_the_new_columns(tmp_path: Path) -> None:
    """Made with the columns that tables had before documents had a language and dates of their own."""
    written = [passage("old herring", category="fish", tags=("a",)), passage("older herring", position=1)]
    await LanceDbIndex(tmp_path, exact_below=1_000).add(ORGANIZATION, written)
    connection = await lancedb.connect_async(tmp_path)
    table = await connection.open_table(f"org_{ORGANIZATION.hex}")
    await table.add_columns({"created_at": "dated_at"})
    await table.drop_columns(["dated_at", "language", "source", "collection_id", "media_type", "facts"])
    former: Any = await table.schema()
    handles = [LanceDbIndex(tmp_path, exact_below=1_000) for _ in range(3)]
    found = await asyncio.gather(
        handles[0].lexical(scope(category="fish", date_to=date(2026, 3, 5)), "herring", 9),
        handles[1].similar(scope(tags=["a"], date_from=date(2026, 3, 5)), vector(0), 9),
        handles[2].add(ORGANIZATION, [passage("new herring", language="de", facts=facts({"a": 1}))]),
    )
    assert [len(one) for one in found[:2]] == [1, 1]
    assert len(await handles[1].lexical(scope(), "herring", 9)) == 3
    assert len(await handles[0].lexical(scope(language="de", metadata={"a": "1"}), "herring", 9)) == 1
    for one in written:
        await handles[2].update(ORGANIZATION, one.version, *said(language="en", source="wiki"))
    assert len(await handles[0].similar(scope(language="en", source="wiki"), vector(0), 9)) == 2
    # A process of the former kind may still be writing.
    row: Any = await table.query().limit(1).to_arrow()
    await table.add(row.select(former.names))
    assert len(await handles[0].lexical(scope(), "herring", 9)) == 4


async def test_versions_are_listed_and_removed_by_name(index: PassageIndex) -> None:
    old, new, other = uuid4(), uuid4(), uuid4()
    await index.add(ORGANIZATION, [passage("old herring", version=old), passage("older herring", version=old)])
    await index.add(ORGANIZATION, [passage("new herring", version=new), passage("other herring", version=other)])
    assert await index.versions(ORGANIZATION) == {old, new, other}
    await index.remove(ORGANIZATION, [old, uuid4()])
    assert await index.versions(ORGANIZATION) == {new, other}
    await index.maintain(ORGANIZATION)
    assert {found.content for found in await index.lexical(scope(), "herring", 5)} == {"new herring", "other herring"}


async def test_searches_give_the_vector_that_a_passage_was_written_with(index: PassageIndex) -> None:
    await index.add(ORGANIZATION, [passage("Herring", 3)])
    for found in (await index.lexical(scope(), "herring", 1), await index.similar(scope(), vector(1), 1)):
        assert found[0].vector is not None
        np.testing.assert_allclose(found[0].vector, vector(3), atol=1e-6)


async def test_another_handle_sees_what_was_written_at_once(tmp_path: Path) -> None:
    writer, reader = LanceDbIndex(tmp_path, exact_below=1_000), LanceDbIndex(tmp_path, exact_below=1_000)
    assert await reader.lexical(scope(), "herring", 5) == []
    for number in range(1, 4):
        await writer.add(ORGANIZATION, [passage(f"Herring {number}")])
        assert len(await reader.lexical(scope(), "herring", 5)) == number


async def test_a_documents_passages_come_in_order_and_in_pages(index: PassageIndex) -> None:
    document_id, version = uuid4(), uuid4()
    rows = [passage(f"part {n}", document_id=document_id, version=version, position=n) for n in range(7)]
    await index.add(ORGANIZATION, rows[::-1])
    first = await index.of_document(ORGANIZATION, document_id, version, 0, 5)
    rest = await index.of_document(ORGANIZATION, document_id, version, 5, 5)
    assert [one.content for one in [*first, *rest]] == [f"part {n}" for n in range(7)]
    assert [one.chunk_id for one in await index.by_ids(ORGANIZATION, [rows[3].chunk_id])] == [rows[3].chunk_id]


async def test_a_large_organisation_gets_a_vector_index_that_finds_the_same(tmp_path: Path) -> None:
    index = LanceDbIndex(tmp_path, exact_below=500)
    random = np.random.default_rng(7)
    rows = []
    for number in range(600):
        row = random.standard_normal(DIMENSION).astype(np.float32)
        rows.append(passage(f"row {number}", vector=row / np.linalg.norm(row)))
    await index.add(ORGANIZATION, rows)
    await index.maintain(ORGANIZATION)
    found = [(await index.similar(scope(), row.vector, 1))[0].chunk_id for row in rows[:100]]
    assert sum(one == row.chunk_id for one, row in zip(found, rows, strict=False)) >= 97


async def test_token_vectors_are_those_of_one_model(index: PassageIndex) -> None:
    old, new = passage("Old.", 1), passage("New.", 2, model_revision="r2")
    await index.add(ORGANIZATION, [old, new])
    ids = [old.chunk_id, new.chunk_id, uuid4()]
    assert await index.tokens(ORGANIZATION, ids, "r1") == {(old.chunk_id, old.version): b"\x01"}
    assert await index.tokens(ORGANIZATION, ids, "r2") == {(new.chunk_id, new.version): b"\x02"}
    assert await index.tokens(ORGANIZATION, [], "r1") == {}
    assert await index.tokens(uuid4(), ids, "r1") == {}


async def test_what_is_said_of_a_version_changes_at_once_and_of_no_other(index: PassageIndex) -> None:
    version = uuid4()
    rows = [passage(f"herring {n}", n, version=version, heading_path=("Header", "Fish")) for n in range(3)]
    await index.add(ORGANIZATION, [*rows, passage("herring of another", 4)])
    attributes = said("It's Zander", ("user:a", "collection:'c'"), category="o'cat", tags=("t'",))
    await index.update(ORGANIZATION, version, *attributes)
    assert [one.content for one in await index.lexical(scope(), "herring", 9)] == ["herring of another"]
    for readers in (("user:a",), ("collection:'c'",)):
        found = await index.lexical(scope(readers, category="o'cat", tags=["t'"]), "zander fish", 9)
        assert {one.chunk_id for one in found} == {one.chunk_id for one in rows}
        similar = await index.similar(scope(readers), vector(1), 9)
        assert {one.chunk_id for one in similar} == {one.chunk_id for one in rows}
        np.testing.assert_allclose(similar[0].vector, vector(1), atol=1e-6)
    await index.update(ORGANIZATION, version, *said(readers=()))
    assert await index.lexical(scope(("user:a",)), "herring", 9) == []
    await index.maintain(ORGANIZATION)
    await index.update(ORGANIZATION, version, *said())
    assert len(await index.lexical(scope(), "herring", 9)) == 4
    assert len(await index.by_ids(ORGANIZATION, [one.chunk_id for one in rows])) == 3
    await index.update(UUID(int=2), version, *said())
    await index.update(ORGANIZATION, uuid4(), *said())


@pytest.mark.parametrize("rows", [1, 2, 300, 700])
async def test_what_was_removed_is_forgotten_to_the_last_byte_and_the_rest_stays(tmp_path: Path, rows: int) -> None:
    """Below and above the size that has a vector index; from pieces written at different times."""
    index = LanceDbIndex(tmp_path, exact_below=500)
    gone = uuid4()
    await index.add(ORGANIZATION, [passage(f"herring {n}", n % DIMENSION) for n in range(rows)])
    await index.maintain(ORGANIZATION)
    secret = passage(
        "quetzalcoatlus lives here",
        version=gone,
        header="quetzalcoatlus",
        table_header="quetzalcoatlus",
        tags=("quetzalcoatlus",),
        source="quetzalcoatlus",
        facts=("a=quetzalcoatlus",),
    )
    await index.add(ORGANIZATION, [secret, passage("late herring")])
    await index.maintain(ORGANIZATION)
    await index.update(ORGANIZATION, gone, *said("quetzalcoatlus again"))

    def holding() -> list[Path]:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return [path for path in files if b"quetzalcoatl" in path.read_bytes()]

    assert holding()
    await index.remove(ORGANIZATION, [gone])
    await index.rewrite(ORGANIZATION)
    # Whole milliseconds later: no state is as young as nothing.
    await asyncio.sleep(0.01)
    await index.forget(ORGANIZATION, timedelta(milliseconds=1))
    assert holding() == []
    assert len(await index.lexical(scope(), "herring", rows + 9)) == rows + 1
    assert len(await index.similar(scope(), vector(1), 9)) == min(9, rows + 1)


async def test_writers_of_several_processes_undo_nothing_of_each_other(tmp_path: Path) -> None:
    handles = [LanceDbIndex(tmp_path, exact_below=500) for _ in range(3)]
    versions = [uuid4() for _ in range(6)]
    await handles[0].add(ORGANIZATION, [passage("herring", version=version) for version in versions])
    writes = [
        handles[n % 3].update(ORGANIZATION, version, *said(f"Title {n}", ("user:a",)))
        for n, version in enumerate(versions)
    ]
    added = [handles[n % 3].add(ORGANIZATION, [passage(f"new {n}")]) for n in range(6)]
    tidied = [handle.maintain(ORGANIZATION) for handle in handles] + [handles[1].rewrite(ORGANIZATION)]
    await asyncio.gather(*writes, *added, *tidied)
    assert len(await handles[2].lexical(scope(("user:a",)), "title", 99)) == 6
    assert len(await handles[0].lexical(scope(), "new", 99)) == 6
