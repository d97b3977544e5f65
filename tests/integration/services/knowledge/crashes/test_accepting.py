"""kill -9 of the API at each step of a request: what was sent is taken in whole or not at all, and nothing is left."""

import base64
from collections.abc import Callable

import httpx
import pytest

from tests.integration.services.knowledge.conftest import Person
from tests.integration.services.knowledge.crashes.conftest import Crashes
from tests.integration.services.knowledge.crashes.dying import Death
from tests.integration.services.knowledge.crashes.readers import found_by, page, passages_of, watched
from tests.integration.services.knowledge.crashes.steps import ACCEPTING, DELETING, PARTS, parametrize

MakePerson = Callable[..., Person]

pytestmark = pytest.mark.chaos

SMOKE = [Death("services.knowledge.uploads:Uploads._write", "before")]
TUS = {"Tus-Resumable": "1.0.0"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "accepting", ACCEPTING, SMOKE)
    parametrize(metafunc, "deleting", DELETING)
    parametrize(metafunc, "sending", PARTS)


async def test_an_upload_is_taken_in_or_not(crashes: Crashes, person: MakePerson, accepting: Death) -> None:
    alice = person()
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"), external_id="bird")
        await crashes.stores.at_rest(alice.subject.organization_id)
    old = await passages_of(alice, document_id)
    api, unlucky = await crashes.start_api(accepting, alice)
    async with watched(alice) as seen:
        with pytest.raises(httpx.TransportError):
            await unlucky.send(page("egret"), external_id="bird")
        await api.died()
        assert await passages_of(alice, document_id) == old
        async with crashes.another_worker():
            await crashes.stores.at_rest(alice.subject.organization_id)
            after = await passages_of(alice, document_id)
            # Whoever got no answer sends it again.
            assert await alice.add(page("egret"), external_id="bird") == document_id
            await crashes.stores.at_rest(alice.subject.organization_id)
            new = await passages_of(alice, document_id)
    assert after in (old, new)
    assert old != new
    assert [contents for contents in seen if contents not in (sorted(old), sorted(new))] == []
    assert await found_by(alice, "weir") == [sorted(new)] * 3


async def test_a_document_is_deleted_or_not(crashes: Crashes, person: MakePerson, deleting: Death) -> None:
    alice = person()
    async with crashes.another_worker():
        document_id = await alice.add(page("heron"))
        await crashes.stores.at_rest(alice.subject.organization_id)
    everything = [sorted(await passages_of(alice, document_id))] * 3
    api, unlucky = await crashes.start_api(deleting, alice)
    with pytest.raises(httpx.TransportError):
        await unlucky.delete(f"/documents/{document_id}")
    await api.died()
    deleted = (await alice.get(f"/documents/{document_id}")).status_code == 404
    expected = [[], [], []] if deleted else everything
    assert await found_by(alice, "weir") == expected
    async with crashes.another_worker():
        await crashes.stores.at_rest(alice.subject.organization_id)
        assert await found_by(alice, "weir") == expected
        if deleted:
            assert (await alice.post(f"/documents/{document_id}/restore")).status_code == 200
            assert await found_by(alice, "weir") == everything


async def test_an_upload_in_parts_goes_on(crashes: Crashes, person: MakePerson, sending: Death) -> None:
    alice = person()
    content = page("heron").encode()
    first, rest = content[:100], content[100:]
    name = base64.b64encode(b"heron.md").decode()
    announced = TUS | {"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
    api, unlucky = await crashes.start_api(sending, alice)
    made = await unlucky.http.post("/documents/uploads", headers=alice.headers | announced)
    path = made.headers["Location"]
    if sending.nth > 1:
        assert (await part(unlucky, path, 0, first)).status_code == 204
    with pytest.raises(httpx.TransportError):
        await part(unlucky, path, *((len(first), rest) if sending.nth > 1 else (0, content)))
    await api.died()
    async with crashes.another_worker():
        shown = await alice.http.head(path, headers=alice.headers | TUS)
        offset = int(shown.headers["Upload-Offset"])
        assert offset in (len(first), len(content))
        sent = await part(alice, path, offset, content[offset:])
        assert sent.status_code == 204, sent.text
        await crashes.stores.at_rest(alice.subject.organization_id)
        (document,) = (await alice.get("/documents")).json()["items"]
        passages = await passages_of(alice, document["document_id"])
        assert await found_by(alice, "weir") == [sorted(passages)] * 3


async def part(person: Person, path: str, offset: int, content: bytes) -> httpx.Response:
    headers = TUS | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return await person.http.patch(path, headers=person.headers | headers, content=content)
