"""S3 prefixes as sources, against a bucket on loopback that checks signatures."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select, text

from libs.config.settings import OperatorBucket, Settings
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.contracts.identity import Role, Subject
from libs.fetch.addresses import networks
from libs.s3.bucket import SILENCE_S
from libs.stores.postgres import Database
from services.knowledge.catching_up import IndexCatchUp
from services.knowledge.documents import Documents, Shower
from services.knowledge.main import blob_store, passage_index, uploads
from services.knowledge.models import RevisionRow
from services.knowledge.sources import bucket_sync
from services.knowledge.sources.bucket_sync import BucketSync
from services.knowledge.sources.buckets import Buckets
from services.knowledge.sources.runner import SourceRunner
from services.knowledge.sources.source_documents import SourceDocuments
from services.knowledge.upload_rows import Upload
from tests.integration.services.knowledge.conftest import People, Person, client_of
from tests.s3_server import ACCESS_KEY, SECRET_KEY, Answer, S3Server, hang, headers_of, refusing, s3_server

MAX_BYTES = 20_000


class Billing:
    """Counts nothing; `full` stands for a plan without room."""

    full = False

    async def change_storage(self, _change: object) -> None:
        if self.full:
            raise FootnoteError(ErrorCode.QUOTA_EXCEEDED, "The plan's storage is used up.", 429)


@dataclass
class Place:
    """An admin, a bucket, and a worker that brings them in step when it is asked to."""

    admin: Person
    bucket: S3Server
    settings: Settings
    database: Database
    billing: Billing
    source_id: str = ""

    @property
    def body(self) -> dict[str, Any]:
        credentials = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
        named = {"kind": "s3", "bucket": "reports", "prefix": "docs/", "endpoint": self.bucket.url}
        return {**named, "credentials": credentials}

    async def register(self, **fields: Any) -> None:
        answer = await self.admin.post("/documents/sources", json=self.body | fields)
        assert answer.status_code == 201, answer.text
        assert SECRET_KEY not in answer.text
        self.source_id = answer.json()["source_id"]

    async def run(self, silence_s: float = SILENCE_S) -> dict[str, Any]:
        await self.admin.post(f"/documents/sources/{self.source_id}/runs")
        accepting = uploads(self.settings, self.database, blob_store(self.settings, self.database), self.billing)  # pyright: ignore - counts nothing
        catch_up = IndexCatchUp(self.database, passage_index(self.settings, self.database))
        kept = SourceDocuments(self.database, Documents(self.database, catch_up, Shower(timedelta(days=30))), accepting)
        buckets = Buckets(self.settings.s3_sources, self.settings.secrets_dir, silence_s=silence_s)
        runner = SourceRunner(self.database, kept, {"s3": BucketSync(self.database, kept, buckets, MAX_BYTES)})
        assert await runner.turn()
        return (await self.admin.get(f"/documents/sources/{self.source_id}/runs")).json()["items"][0]

    async def names(self) -> dict[str, str]:
        """Document ids by object key."""
        items = (await self.admin.get("/documents/inventory", params={"prefix": "source:"})).json()["items"]
        return {item["external_id"].split(":", 2)[2]: item["document_id"] for item in items}


def counts(run: dict[str, Any]) -> dict[str, int]:
    """Those that aren't zero."""
    named = {name: run[name] for name in ("added", "updated", "unchanged", "moved", "deleted", "failed")}
    return {name: count for name, count in named.items() if count}


@pytest.fixture(scope="module")
async def running(knowledge_settings: Settings, people: People) -> AsyncIterator[tuple[S3Server, Settings, Any]]:
    """A bucket, settings under which its loopback endpoint may be read, and the service under them."""
    async with s3_server() as bucket:
        port = int(bucket.url.rpartition(":")[2])
        opened = {"allowed_networks": list(networks(["127.0.0.0/8"])), "ports": [port]}
        options = knowledge_settings.s3_sources.model_copy(update=opened)
        settings = knowledge_settings.model_copy(update={"s3_sources": options})
        async with client_of(settings, people) as client:
            yield bucket, settings, client


@pytest.fixture
async def place(running: tuple[S3Server, Settings, Any], people: People, database: Database) -> Place:
    bucket, settings, client = running
    bucket.empty()
    async with database.transaction() as session:
        await session.execute(text("TRUNCATE sources CASCADE"))
    return Place(people.person(client, role=Role.ADMIN), bucket, settings, database, Billing())


async def test_a_deleted_document_stays_so_and_an_updated_one_keeps_what_is_said_of_it(place: Place) -> None:
    place.bucket.put("docs/a.md", b"# A\n\nBoats.")
    place.bucket.put("docs/b.md", b"# B\n\nTrains.")
    await place.register(attributes={"access": "organization"})
    await place.run()
    ids = await place.names()
    await place.admin.delete(f"/documents/{ids['docs/a.md']}")
    said = {"access": "private", "metadata": {"authority": 2}}
    assert (await place.admin.patch(f"/documents/{ids['docs/b.md']}", json=said)).status_code == 200
    place.bucket.put("docs/a.md", b"# A\n\nMore boats.")
    place.bucket.put("docs/b.md", b"# B\n\nMore trains.")
    assert counts(await place.run()) == {"updated": 1}
    assert set(await place.names()) == {"docs/b.md"}
    document_id = UUID(ids["docs/b.md"])
    newest = select(RevisionRow).where(RevisionRow.document_id == document_id).order_by(RevisionRow.number.desc())
    async with place.database.transaction() as session:
        row = await session.scalar(newest.limit(1))
    assert row
    assert (row.access, row.custom["authority"], str(row.custom["last_modified"])[:4]) == ("private", 2, "2026")


async def test_objects_are_added_updated_moved_and_deleted(place: Place) -> None:
    bucket = place.bucket
    for key in ("docs/a.md", "docs/b.md", "docs/sub/../c d+é.md", "elsewhere/x.md"):
        bucket.put(key, f"Content of {key}.")
    bucket.put("docs/sub/", "")
    bucket.put("docs/film.MP4", "no text")
    await place.register(attributes={"category": "trips", "metadata": {"desk": 4}}, interval_hours=24)
    run = await place.run()
    assert (counts(run), run["skipped"], run["error"]) == ({"added": 3}, {".mp4": 1}, None)
    before = await place.names()
    assert set(before) == {"docs/a.md", "docs/b.md", "docs/sub/../c d+é.md"}
    shown = await place.admin.show(before["docs/a.md"])
    assert shown["metadata"] == {"desk": 4, "last_modified": "2026-01-01T00:00:01+00:00"}
    assert (shown["source"], shown["category"]) == ("s3://reports/docs/a.md", "trips")
    assert shown["date"] == "2026-01-01T00:00:01Z"

    bucket.asked.clear()
    assert counts(await place.run()) == {"unchanged": 3}
    assert bucket.asked == [""]

    bucket.put("docs/a.md", "Other content.")
    bucket.put("docs/b.md", "Content of docs/b.md.")  # touched, not changed
    bucket.put("docs/moved.md", bucket.objects["reports"]["docs/sub/../c d+é.md"].content)
    bucket.delete("docs/sub/../c d+é.md")
    assert counts(await place.run()) == {"updated": 1, "unchanged": 1, "moved": 1}
    after = await place.names()
    assert after["docs/moved.md"] == before["docs/sub/../c d+é.md"]
    assert (await place.admin.show(after["docs/moved.md"]))["source"] == "s3://reports/docs/moved.md"
    async with place.database.transaction() as session:
        told = "SELECT count(*) FROM knowledge.outbox WHERE topic = 'index-behind' AND payload ->> 'document_id' = :id"
        assert await session.scalar(text(told), {"id": after["docs/moved.md"]}) == 1

    bucket.delete("docs/moved.md")
    assert counts(await place.run()) == {"unchanged": 2, "deleted": 1}
    assert set(await place.names()) == {"docs/a.md", "docs/b.md"}
    assert counts(await place.run()) == {"unchanged": 2}


async def test_nothing_is_deleted_by_a_listing_that_fails_or_is_empty(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("docs/a.md", "docs/b.md"):
        place.bucket.put(key, f"Content of {key}.")
    await place.register()
    await place.run()
    kept = await place.names()

    async def half(answer: Answer) -> None:
        await answer.whole(200, b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents>")

    for broken, words in (
        (refusing(403, "AccessDenied"), "AccessDenied"),
        (refusing(404, "NoSuchBucket"), "no such bucket"),
        (half, "can't be read"),
        (hang, "stopped answering"),
    ):
        place.bucket.broken[""] = broken
        run = await place.run(silence_s=0.2 if broken is hang else SILENCE_S)
        assert words in run["error"]
        assert counts(run) == {}
    place.bucket.broken.clear()
    monkeypatch.setattr(bucket_sync, "MAX_OBJECTS", 1)
    assert "more than 1 objects" in (await place.run())["error"]
    objects = dict(place.bucket.objects["reports"])
    place.bucket.objects["reports"].clear()
    assert "no object below the prefix, where 2 documents" in (await place.run())["error"]
    assert await place.names() == kept

    monkeypatch.undo()
    place.bucket.objects["reports"].update(objects)
    assert counts(await place.run()) == {"unchanged": 2}


async def test_an_object_that_fails_does_not_fail_the_rest_nor_lose_what_may_have_moved_to_it(place: Place) -> None:
    bucket = place.bucket
    for key in ("docs/a.md", "docs/b.md", "docs/old.md", "docs/gone.md"):
        bucket.put(key, f"Content of {key}.")
    await place.register()
    await place.run()
    before = await place.names()

    bucket.put("docs/new.md", bucket.objects["reports"]["docs/old.md"].content)
    bucket.delete("docs/old.md")
    bucket.delete("docs/gone.md")
    bucket.put("docs/large.md", "x" * (MAX_BYTES + 1))
    bucket.put("docs/nul\x00.md", "x")
    bucket.put("docs/archived.md", "cold")
    bucket.put("docs/binary", b"\x7fELF\x00\x00")
    bucket.broken |= {
        "docs/new.md": refusing(403, "AccessDenied"),
        "docs/archived.md": refusing(403, "InvalidObjectState"),
    }
    run = await place.run()
    assert (counts(run), run["skipped"]) == ({"unchanged": 2, "deleted": 1, "failed": 4}, {"(none)": 1})
    reasons = {failure["address"]: failure["reason"] for failure in run["failures"]}
    assert "20,000 bytes" in reasons["s3://reports/docs/large.md"]
    assert "archived" in reasons["s3://reports/docs/archived.md"]
    assert "Rename it" in reasons["s3://reports/docs/nul\\x00.md"]
    assert counts(await place.run()) == {"unchanged": 2, "failed": 4}

    bucket.broken.clear()
    bucket.asked.clear()
    run = await place.run()
    assert (counts(run), run["skipped"]) == ({"added": 1, "unchanged": 2, "moved": 1, "failed": 2}, {"(none)": 1})
    assert "docs/binary" not in bucket.asked
    assert (await place.names())["docs/new.md"] == before["docs/old.md"]


async def test_an_object_that_changes_while_it_is_read_is_never_stored_mixed(place: Place) -> None:
    bucket = place.bucket
    bucket.put("docs/a.md", "First content.")
    await place.register()

    async def changed(answer: Answer) -> None:
        await answer.begin(200, headers_of(bucket.objects["reports"]["docs/a.md"]))
        await answer.body(b"First", more=True)
        raise ConnectionError

    bucket.broken["docs/a.md"] = changed
    assert counts(await place.run()) == {"failed": 1}
    assert await place.names() == {}
    bucket.broken.clear()
    bucket.put("docs/a.md", "Second content.")
    assert counts(await place.run()) == {"added": 1}


async def test_a_document_that_is_deleted_while_its_object_is_stored_stays_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.bucket.put("docs/a.md", "First content.")
    await place.register()
    await place.run()
    document_id = (await place.names())["docs/a.md"]
    place.bucket.put("docs/a.md", "Second content.")
    accept = SourceDocuments.accept

    async def deleted_meanwhile(documents: SourceDocuments, subject: Subject, upload: Upload) -> bool:
        await place.admin.delete(f"/documents/{document_id}")
        return await accept(documents, subject, upload)

    monkeypatch.setattr(SourceDocuments, "accept", deleted_meanwhile)
    assert counts(await place.run()) == {}
    assert await place.names() == {}
    monkeypatch.undo()
    assert (await place.admin.post(f"/documents/{document_id}/restore")).status_code == 200
    assert counts(await place.run()) == {"updated": 1}


async def test_a_full_plan_stops_taking_in_and_still_deletes(place: Place) -> None:
    for key in ("docs/a.md", "docs/b.md"):
        place.bucket.put(key, f"Content of {key}.")
    await place.register()
    await place.run()
    place.bucket.delete("docs/b.md")
    place.bucket.put("docs/c.md", "More.")
    place.bucket.put("docs/d.md", "Even more.")
    place.billing.full = True
    run = await place.run()
    assert (counts(run), run["error"]) == (
        {"unchanged": 1, "deleted": 1, "failed": 2},
        "The plan's storage is used up.",
    )
    place.billing.full = False
    assert counts(await place.run()) == {"added": 2, "unchanged": 1}


async def test_a_silent_endpoint_ends_the_run(place: Place) -> None:
    for number in range(9):
        place.bucket.put(f"docs/{number}.md", f"Page {number}.")
        place.bucket.broken[f"docs/{number}.md"] = hang
    await place.register()
    # The listing is to arrive within it, whatever else keeps this process busy.
    run = await place.run(silence_s=1.0)
    assert "stopped answering" in run["error"]
    assert (run["failed"], await place.names()) == (2, {})


async def test_endings_choose_and_can_be_changed(place: Place) -> None:
    for key in ("docs/a.md", "docs/b.txt", "docs/c-DRAFT.md"):
        place.bucket.put(key, f"Content of {key}.")
    await place.register(include=[".MD", ".txt"], exclude=["-draft.md"])
    assert counts(await place.run()) == {"added": 2}
    changed = await place.admin.patch(
        f"/documents/sources/{place.source_id}", json={"include": [".md"], "interval_hours": 2}
    )
    assert (changed.json()["s3"]["include"], changed.json()["interval_hours"]) == ([".md"], 2)
    assert counts(await place.run()) == {"unchanged": 1, "deleted": 1}


async def test_credentials_are_encrypted_replaced_and_never_shown(place: Place) -> None:
    place.bucket.put("docs/a.md", "Content.")
    await place.register(credentials={"access_key_id": ACCESS_KEY, "secret_access_key": "an-old-secret"})
    assert "SignatureDoesNotMatch" in (await place.run())["error"]
    answers = [
        await place.admin.patch(
            f"/documents/sources/{place.source_id}", json={"credentials": place.body["credentials"]}
        ),
        await place.admin.get("/documents/sources"),
        await place.admin.get(f"/documents/sources/{place.source_id}/runs"),
    ]
    assert counts(await place.run()) == {"added": 1}
    async with place.database.transaction() as session:
        stored = str((await session.execute(text("SELECT * FROM sources"))).mappings().one())
    for secret in (SECRET_KEY, "an-old-secret", ACCESS_KEY):
        assert secret not in stored
        assert all(answer.is_success and secret not in answer.text for answer in answers)
    async with place.database.transaction() as session:  # as a row from another source would be
        # Another byte than is there, whichever that is.
        await session.execute(text("UPDATE sources SET secret = set_byte(secret, 19, get_byte(secret, 19) # 1)"))
    assert "can't be read" in (await place.run())["error"]


async def test_an_operators_bucket_is_read_by_the_named_organisation_below_its_prefix_only(
    place: Place, people: People
) -> None:
    place.bucket.put("docs/a.md", "Content.")
    listed = OperatorBucket(
        organizations=[place.admin.subject.organization_id],
        bucket="reports",
        prefix="docs/",
        endpoint=place.bucket.url,
        access_key_id=ACCESS_KEY,
        secret_access_key=SecretStr(SECRET_KEY),
    )
    options = place.settings.s3_sources.model_copy(update={"buckets": [listed]})
    place.settings = place.settings.model_copy(update={"s3_sources": options})
    async with client_of(place.settings, people) as client:
        place.admin = people.person(client, place.admin.subject.organization_id, Role.ADMIN)
        stranger = people.person(client, None, Role.ADMIN)
        body = place.body | {"credentials": None}
        for asking, wanted in (
            (stranger, body),
            (place.admin, body | {"prefix": ""}),
            (place.admin, body | {"bucket": "other"}),
        ):
            answer = await asking.post("/documents/sources", json=wanted)
            assert (answer.status_code, answer.json()["details"]["fields"][0]["field"]) == (422, "credentials")
        await place.register(credentials=None)
        assert counts(await place.run()) == {"added": 1}
        place.settings = place.settings.model_copy(update={"s3_sources": options.model_copy(update={"buckets": []})})
        assert "doesn't list the bucket" in (await place.run())["error"]


async def test_a_source_inside_the_network_is_not_read(place: Place, knowledge_settings: Settings) -> None:
    await place.register(endpoint=place.bucket.url.replace("127.0.0.1", "localhost"))
    place.settings = knowledge_settings.model_copy(
        update={"s3_sources": place.settings.s3_sources.model_copy(update={"allowed_networks": []})}
    )
    assert "no public address" in (await place.run())["error"]
    assert place.bucket.asked == []


async def test_a_source_that_can_not_be_one_is_refused(place: Place) -> None:
    admin = place.admin
    for wrong in (
        {"bucket": "../x"},
        {"bucket": "a"},
        {"prefix": "a\x00"},
        {"region": "eu-west-1.evil.example/"},
        {"endpoint": "https://example.com"},  # another port than those that are open
        {"endpoint": f"{place.bucket.url}/path"},
        {"endpoint": "https://key:secret@example.com"},
        {"endpoint": "file:///etc"},
        {"credentials": None},
        {"credentials": {"access_key_id": "a\r\nb", "secret_access_key": SECRET_KEY}},
        {"credentials": {"access_key_id": "a", "secret_access_key": ""}},
        {"include": [""]},
        {"depth": 1},
        {"kind": "ftp"},
        {"kind": ["s3"]},
    ):
        answer = await admin.post("/documents/sources", json=place.body | wrong)
        assert answer.status_code == 422, wrong
        assert SECRET_KEY not in answer.text
    web = await admin.post("/documents/sources", json={"address": "https://example.com/"})
    source = web.json()["source_id"]
    assert (await admin.patch(f"/documents/sources/{source}", json={"include": [".md"]})).status_code == 422
    assert (await admin.patch(f"/documents/sources/{UUID(int=0)}", json={"interval_hours": 1})).status_code == 404
    shown = (await admin.patch(f"/documents/sources/{source}", json={"interval_hours": None})).json()
    assert (shown["interval_hours"], shown["s3"]) == (None, None)


async def test_a_deleted_source_takes_its_documents_and_states_with_it(place: Place) -> None:
    place.bucket.put("docs/a.md", "Content.")
    await place.register()
    await place.run()
    answer: httpx.Response = await place.admin.delete(f"/documents/sources/{place.source_id}")
    assert answer.status_code == 204
    with pytest.raises(KeyError):
        await place.run()
    assert await place.names() == {}
    async with place.database.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM source_objects")) == 0
