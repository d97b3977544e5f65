"""New content for other readers: nobody sees the old content who may not, before and after the new one is there.

No worker runs but where a test says so: what lies between the upload and its indexing is what is looked at.
"""

from collections.abc import Callable

from libs.config.settings import Settings
from tests.integration.services.knowledge.conftest import Person, working

MakePerson = Callable[..., Person]


async def passages(person: Person, document_id: str) -> dict[str, str]:
    page = (await person.get(f"/documents/{document_id}/passages")).raise_for_status().json()
    return {item["content"]: item["chunk_id"] for item in page["items"]}


async def test_opening_a_document_with_its_new_content_never_opens_the_old(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add("# Pay\n\nThe secret salary is nine.", "Pay", external_id="pay", access="private")
        chunk_id = next(iter((await passages(alice, document_id)).values()))
    await alice.send("# Pay\n\nSalaries are public now.", "Pay", external_id="pay", access="organization")
    assert (await colleague.get(f"/documents/{document_id}")).status_code == 404
    assert (await colleague.get(f"/documents/{document_id}/passages")).status_code == 404
    assert (await colleague.post("/internal/readable", json={"chunk_ids": [chunk_id]})).json()["chunk_ids"] == []
    async with working(knowledge_settings):
        await alice.finished(document_id)
        contents = await colleague.contents("salary")
    assert contents
    assert "secret" not in "".join(contents)


async def test_closing_a_document_with_its_new_content_closes_the_old_at_once(
    person: MakePerson, knowledge_settings: Settings
) -> None:
    alice = person()
    colleague = person(alice.subject.organization_id)
    async with working(knowledge_settings):
        document_id = await alice.add("# Pay\n\nThe salary is nine.", "Pay", external_id="pay")
        assert await colleague.contents("salary")
    await alice.send("# Pay\n\nThe salary is ten.", "Pay", external_id="pay", access="private")
    assert await colleague.contents("salary") == []
    assert (await colleague.get(f"/documents/{document_id}")).status_code == 404
    assert await alice.contents("salary")
    async with working(knowledge_settings):
        await alice.finished(document_id)
        assert await colleague.contents("salary") == []
