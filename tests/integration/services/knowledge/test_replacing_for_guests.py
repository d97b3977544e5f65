"""New content of a public document: its holders read nothing that wasn't public, and see nothing of what is to come.

No worker runs but where a test says so: what lies between the upload and its indexing is what is looked at.
"""

from libs.config.settings import Settings
from tests.integration.services.knowledge.conftest import working
from tests.integration.services.knowledge.test_guests import QUESTION, MakePerson, sees


async def test_a_guest_never_reads_a_content_that_was_not_public(
    person: MakePerson, guest: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    visitor = guest(alice.subject.organization_id)
    made = await alice.post("/documents/collections", json={"name": "Birds", "access": "organization"})
    collection_id = made.json()["collection_id"]
    collection = f"/documents/collections/{collection_id}"
    place = {"external_id": "heron", "collection_id": collection_id}
    async with working(knowledge_settings):
        document_id = await alice.add("The secret heron stands at the weir.", access="organization", **place)
    # The clean content inherits; the old one doesn't follow it into the open.
    await alice.send("The heron stands at the weir.", access=None, **place)
    await alice.patch(collection, json={"access": "public"})
    assert not await sees(visitor, document_id)
    async with working(knowledge_settings):
        await alice.finished(document_id)
        assert await visitor.contents(QUESTION) == ["The heron stands at the weir."]
    # And what is to be for members again is so at once, cached searches included.
    await alice.send("The heron has a name.", access="organization", **place)
    assert not await sees(visitor, document_id)
    async with working(knowledge_settings):
        await alice.finished(document_id)
    assert not await sees(visitor, document_id)
    assert await sees(alice, document_id)


async def test_a_guest_sees_nothing_of_what_is_to_come(
    person: MakePerson, guest: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    visitor = guest(alice.subject.organization_id)
    other_id = await alice.send("The heron stands at the weir.", access="public")
    assert (await visitor.get("/documents")).json()["items"] == []
    async with working(knowledge_settings):
        document_id = await alice.add("The heron stands.", access="public", external_id="heron")
        await alice.post("/documents", json={"title": "x", "text": "", "access": "public", "external_id": "heron"})
        assert (await alice.finished(document_id))["status"] == "failed"
        assert (await alice.finished(other_id))["status"] == "completed"
    shown = await visitor.show(document_id)
    assert (shown["status"], shown["error"], shown["collection_id"]) == ("completed", None, None)
    for status, count in (("failed", 0), ("pending", 0), ("completed", 2)):
        assert len((await visitor.get(f"/documents?status={status}")).json()["items"]) == count
    assert (await visitor.get("/documents?deleted=true")).json()["items"] == []
