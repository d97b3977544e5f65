"""What documents are filtered by: in searches and listings, changed at once, and never past their readers."""

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pypdf import PdfReader, PdfWriter

from services.knowledge.metadata import written
from tests.integration.services.knowledge import samples
from tests.integration.services.knowledge.conftest import Person

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]

QUERY = "heron at the weir"
PAGE = "The heron stands at the weir and waits for fish."
GERMAN = "Der Reiher steht am Wehr und wartet auf Fische: heron at the weir."


async def found(person: Person, **filters: Any) -> set[str]:
    """The titles that both searches find, and a listing where it has the filters."""
    lexical, similar = [
        {one["title"] for one in await person.search(QUERY, strategy=strategy, filters=filters)}
        for strategy in ("lexical", "vector")
    ]
    assert lexical == similar
    if not filters.keys() & {"document_ids", "external_ids"}:
        metadata = {f"metadata.{key}": written(value) for key, value in filters.get("metadata", {}).items()}
        rest = {key: value for key, value in filters.items() if key != "metadata"}
        listed = (await person.get("/documents", params={"limit": 100, **rest, **metadata})).raise_for_status()
        assert {one["title"] for one in listed.json()["items"]} == similar
    return similar


async def change(person: Person, document_id: str, **changes: Any) -> dict[str, Any]:
    answer = await person.patch(f"/documents/{document_id}", json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(person: Person, field: str, path: str = "/search", **filters: Any) -> None:
    body = {"query": QUERY, "filters": filters} if path == "/search" else {"filters": filters}
    answer = await person.post(path, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["details"]["fields"][0]["field"].startswith(field), answer.text


async def test_each_filter_finds_what_it_names_and_follows_a_change(person: MakePerson) -> None:
    ann = person()
    made = await ann.post("/documents/collections", json={"name": "Birds"})
    collection_id = made.raise_for_status().json()["collection_id"]
    metadata = {"year": 2024, "draft": False, "place": "it's = 'the' weir", "share": 0.5}
    one = await ann.add(
        PAGE,
        "One",
        language="en",
        source="wiki's",
        collection_id=collection_id,
        external_id="ext-1",
        metadata=metadata,
        date="2020-06-07",
    )
    two = await ann.add(GERMAN, "Two", metadata={"year": "2024"}, category="birds", tags=["a"])
    assert (await ann.show(two))["language"] == "de"
    before: dict[str, Any] = {
        "language": "en",
        "source": "wiki's",
        "collection_id": collection_id,
        "document_ids": [one, str(uuid4())],
        "external_ids": ["ext-1", "ext-2"],
        "date_to": "2020-06-07",
    }
    for key, value in before.items():
        assert await found(ann, **{key: value}) == {"One"}, key
    assert await found(ann, **before) == {"One"}
    for key, value in metadata.items():
        assert "One" in await found(ann, metadata={key: value}), key
    assert await found(ann, metadata={"year": 2024.0}) == {"One", "Two"}
    assert await found(ann, metadata={"year": 2024, "draft": "false"}) == {"One"}
    assert await found(ann, date_from="2020-06-08") == await found(ann, language="de") == {"Two"}
    assert await found(ann, category="birds", tags=["b", "a"]) == {"Two"}
    assert await found(ann, media_type="text/markdown") == {"One", "Two"}
    assert await found(ann, language="fr") == await found(ann, metadata={"year": 2025}) == set()
    changed = await change(
        ann, one, language="fr", source="s", collection_id=None, metadata={"year": 1}, date="2030-01-01"
    )
    assert (changed["language"], changed["date"]) == ("fr", "2030-01-01T00:00:00Z")
    for key in ("language", "source", "collection_id", "date_to"):
        assert await found(ann, **{key: before[key]}) == set(), key
    assert await found(ann, language="fr", source="s", metadata={"year": "1"}, date_from="2030-01-01") == {"One"}
    cleared = await change(ann, one, language=None, source=None, metadata=None, date=None)
    assert cleared["language"] == "en"
    assert datetime.fromisoformat(cleared["date"]) - datetime.now(UTC) < timedelta(minutes=5)
    assert await found(ann, language="en", date_from=cleared["date"][:10]) == {"One"}


async def test_filters_show_nobody_what_they_may_not_read(person: MakePerson) -> None:
    ann = person()
    ben, stranger = person(ann.subject.organization_id), person()
    made = await ann.post("/documents/collections", json={"name": "Secret", "access": "private"})
    closed = made.raise_for_status().json()["collection_id"]
    said = {"external_id": "x", "metadata": {"k": "v"}, "source": "s", "language": "en"}
    secret = await ann.add(PAGE, "Secret", collection_id=closed, **said)
    asked: list[dict[str, Any]] = [
        {"document_ids": [secret]}, {"external_ids": ["x"]}, {"metadata": {"k": "v"}}, {"source": "s"},
        {"language": "en"},
    ]  # fmt: skip
    for filters in asked:
        assert await found(ann, **filters) == {"Secret"}
        for other in (ben, stranger):
            assert await found(other, **filters) == set()
    # A collection is known to whom it is open, and to whoever reads a document in it.
    for other in (ben, stranger):
        await refused(other, "filters.collection_id", collection_id=closed)
        await refused(other, "filters.collection_id", "/documents/export", collection_id=closed)
        listed = await other.get("/documents", params={"collection_id": closed})
        assert (listed.status_code, listed.json()["details"]["fields"][0]["field"]) == (422, "query.collection_id")
    await refused(ann, "filters.collection_id", collection_id=str(uuid4()))
    await change(ann, secret, access="organization")
    assert await found(ben, collection_id=closed) == {"Secret"}
    await refused(stranger, "filters.collection_id", collection_id=closed)


async def test_a_wrong_filter_is_named_wherever_it_is_given(person: MakePerson) -> None:
    ann = person()
    await refused(ann, "filters.language", language="xx")
    await refused(ann, "filters.date_to", date_from="2026-02-01", date_to="2026-01-31")
    await refused(ann, "filters.metadata", metadata={"' OR 1=1 --": "x"})
    await refused(ann, "filters.source", source="a\x00b")
    # Not with httpx's own JSON, which can't say it.
    half = b'{"query": "x", "filters": {"source": "\\ud83d", "metadata": {"\\ud83d": 1}, "\\ud83d": 1}}'
    answer = await ann.http.post("/search", content=half, headers={**ann.headers, "Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    for name, value in (
        ("language", "xx"), ("date_from", "1.1.2026"), ("collection_id", "'"), ("metadata.BIG", "1"),
        ("tags", "x" * 121), ("metadata.a", "x" * 501),
    ):  # fmt: skip
        listed = await ann.get("/documents", params={name: value})
        assert listed.status_code == 422, (name, listed.text)
        assert listed.json()["details"]["fields"][0]["field"].startswith(f"query.{name}"), listed.text
    for body, field in (({"date": "soon"}, "date"), ({"date": 5}, "date"), ({"language": "EN"}, "language")):
        answer = await ann.post("/documents", json={"title": "T", "text": PAGE, **body})
        assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, field)
    files = {"file": ("a.md", PAGE.encode())}
    for data, field in (({"date": "31.1.2026"}, "date"), ({"language": "deutsch"}, "language")):
        answer = await ann.post("/documents", files=files, data=data)
        assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, field)


async def test_a_document_is_as_old_as_it_is_said_to_be_else_as_its_file_else_as_its_upload(person: MakePerson) -> None:
    ann = person()
    writer = PdfWriter(PdfReader(io.BytesIO(samples.pdf([[(12, 72, 700, PAGE)]]))))
    writer.add_metadata({"/ModDate": "D:20200607100910+02'00'"})
    pdf = io.BytesIO()
    writer.write(pdf)
    document = await ann.upload("a.pdf", pdf.getvalue(), external_id="x", language="en")
    assert (document["date"], document["language"]) == ("2020-06-07T08:09:10Z", "en")
    stated = await ann.upload("a.pdf", pdf.getvalue(), external_id="x", date="1848-02-21")
    assert stated["date"] == "1848-02-21T00:00:00Z"
    # The same bytes keep what was stated of them; others speak for themselves.
    again = await ann.upload("a.pdf", pdf.getvalue(), external_id="x", category="c")
    assert again["date"] == "1848-02-21T00:00:00Z"
    assert (await change(ann, again["document_id"], date=None))["date"] == "2020-06-07T08:09:10Z"
    before = datetime.now(UTC) - timedelta(seconds=5)
    changed = await ann.upload("a.md", PAGE.encode(), external_id="x")
    assert datetime.fromisoformat(changed["date"]) > before
    unchanged = await ann.upload("a.md", PAGE.encode(), external_id="x")
    assert unchanged["date"] == changed["date"]
    reindexed = await ann.post(f"/documents/{changed['document_id']}/reindex")
    assert reindexed.status_code == 202
    assert (await ann.finished(changed["document_id"]))["date"] == changed["date"]
    assert changed["language"] == "en"


@pytest.mark.parametrize(
    ("path", "unknown"),
    [
        ("/documents?acces=private&limit=5", "acces"),
        ("/documents?metadata=x", "metadata"),
        ("/documents/inventory?prefiks=a", "prefiks"),
        ("/documents/uploads?limit=5", "limit"),
        ("/documents/collections?metadata.team=red", "metadata.team"),
        ("/search/glossary?search=x", "search"),
    ],
)
async def test_a_parameter_that_an_address_does_not_have_is_named(person: MakePerson, path: str, unknown: str) -> None:
    answer = await person().get(path)
    assert answer.status_code == 422
    assert [field["field"] for field in answer.json()["details"]["fields"]] == [f"query.{unknown}"]
