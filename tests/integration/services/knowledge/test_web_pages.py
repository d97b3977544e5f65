"""`POST /documents/web` against a site on loopback that the settings allow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
import pytest

from libs.config.settings import Settings
from libs.contracts.identity import Role
from tests.integration.libs.fetch.test_fetcher import PUBLIC, Answer, Site, reply
from tests.integration.libs.fetch.test_fetcher import serving as serving_site
from tests.integration.services.knowledge.conftest import People, Person, client_of

pytestmark = pytest.mark.usefixtures("worker")

HTML = {"Content_Type": "text/html"}


@asynccontextmanager
async def visiting(
    pages: dict[str, bytes | Answer], settings: Settings, people: People, **fetching: object
) -> AsyncIterator[tuple[Site, Person, str]]:
    """A site, someone whose installation may fetch from it, and its address."""
    async with serving_site(Site(pages)) as site:
        changed = {"ports": [site.port], "allowed_networks": [ip_network(f"{PUBLIC}/32")]} | fetching
        opened = settings.model_copy(update={"fetching": settings.fetching.model_copy(update=changed)})
        async with client_of(opened, people) as client:
            yield site, people.person(client), f"http://{PUBLIC}:{site.port}"


async def added(person: Person, url: str, **fields: object) -> dict[str, object]:
    answer = await person.post("/documents/web", json={"url": url, **fields})
    assert answer.status_code == 202, answer.text
    return await person.finished(answer.json()["document_id"])


async def test_a_page_becomes_a_document_named_by_its_address_and_is_replaced(
    knowledge_settings: Settings, people: People
) -> None:
    page = b"<title>Opening</title><p>The museum opens at ten.</p>"
    async with visiting({"/hours.php": reply(page, **HTML)}, knowledge_settings, people) as (site, person, address):
        url = f"{address}/hours.php"
        document = await added(person, url, category="visits")
        assert (document["external_id"], document["source"], document["title"]) == (url, url, "Opening")
        assert document["status"] == "completed"
        site.pages["/hours.php"] = reply(page.replace(b"ten", b"nine"), **HTML)
        again = await added(person, url)
        assert again["document_id"] == document["document_id"]
        assert await person.contents("museum opens") == ["The museum opens at nine."]


async def test_a_page_kept_private_is_in_nobodys_way(knowledge_settings: Settings, people: People) -> None:
    pages: dict[str, bytes | Answer] = {"/plan": reply(b"<p>The plan is to sail.</p>", **HTML)}
    async with visiting(pages, knowledge_settings, people) as (_, first, address):
        organization, url = first.subject.organization_id, f"{address}/plan"
        member = people.person(first.http, organization)
        admin = people.person(first.http, organization, Role.ADMIN)
        private = await added(first, url, access="private")
        hers = await added(member, url, external_id=None)
        assert (await added(first, url))["document_id"] == private["document_id"]
        assert private["external_id"] == f"web:{first.subject.user_id}:{url}"
        assert hers["external_id"] == url
        assert (await member.patch(f"/documents/{hers['document_id']}", json={"access": "private"})).status_code == 200
        admins = await added(admin, url)
        assert admins["external_id"] == f"web:{admin.subject.user_id}:{url}"
        assert len({one["document_id"] for one in (private, hers, admins)}) == 3
        for person in (admin, people.person(first.http, organization)):
            body = {"url": url, "external_id": private["external_id"]}
            refused = await person.post("/documents/web", json=body)
            assert refused.status_code == 422
            assert refused.json()["details"]["fields"][0]["field"] == "external_id"


async def test_a_sources_names_are_its_own(knowledge_settings: Settings, people: People) -> None:
    async with client_of(knowledge_settings, people) as client:
        person = people.person(client)
        name = {"external_id": "source:4f9f1f0e-0000-4000-8000-000000000000:https://example.com/"}
        document = await person.send("A boat.")
        headers = person.headers
        answers = [
            await person.post("/documents", json={"title": "A", "text": "A", **name}),
            await person.post("/documents", files={"file": ("a.txt", b"A")}, data=name),
            await person.post("/documents/web", json={"url": "https://example.com/", **name}),
            await client.put(f"/documents/{document}/external_id", json=name, headers=headers),
        ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert {answer.json()["details"]["fields"][0]["field"] for answer in answers} == {"external_id"}


async def test_what_the_host_says_of_type_and_encoding_counts(knowledge_settings: Settings, people: People) -> None:
    latin = "Der Käse ist mild, die Brücke lang.".encode("latin-1")
    pages: dict[str, bytes | Answer] = {
        "/page.7": reply(latin, Content_Type="text/plain; charset=ISO-8859-1"),
        "/readme.md": reply(b"# Trains\n\nThe train leaves at noon.", Content_Type="text/plain"),
        "/logo": reply(b"\x7fELF\x00\x00", Content_Type="application/octet-stream"),
    }
    async with visiting(pages, knowledge_settings, people) as (_, person, address):
        await added(person, f"{address}/page.7")
        assert await person.contents("Brücke") == ["Der Käse ist mild, die Brücke lang."]
        assert (await added(person, f"{address}/readme.md"))["title"] == "Trains"
        refused = await person.post("/documents/web", json={"url": f"{address}/logo"})
        assert (refused.status_code, refused.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://169.254.169.254/latest/meta-data"),
        *(
            "file:///etc/passwd",
            "http://2130706433/",
            "http://user:word@example.com/",
            "http://127.0.0.2:1/",
            "nonsense",
        ),
    ],
)
async def test_addresses_inside_the_network_are_refused_by_default(
    url: str, knowledge_settings: Settings, people: People
) -> None:
    async with client_of(knowledge_settings, people) as client:
        answer = await people.person(client).post("/documents/web", json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    assert answer.json()["details"]["fields"][0]["field"] == "url"


async def test_a_nul_in_a_field_is_refused_by_name(knowledge_settings: Settings, people: People) -> None:
    async with client_of(knowledge_settings, people) as client:
        body = {"url": "https://example.com/", "tags": ["a\x00b"]}
        answer = await people.person(client).post("/documents/web", json=body)
    assert (answer.status_code, answer.json()["details"]["fields"][0]["field"].split(".")[0]) == (422, "tags")


async def test_what_cannot_be_fetched_leaves_nothing(knowledge_settings: Settings, people: People) -> None:
    async def endless(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()

    pages: dict[str, bytes | Answer] = {
        "/robots.txt": reply(b"User-agent: *\nDisallow: /closed"),
        "/closed": reply(b"no"),
        "/inside": reply(status="302 Found", Location="http://127.0.0.1/"),
        "/endless": endless,
    }
    small = knowledge_settings.model_copy(update={"max_upload_bytes": 1_000_000})
    async with visiting(pages, small, people) as (_, person, address):
        answers = {
            path: await person.post("/documents/web", json={"url": f"{address}{path}"})
            for path in ("/closed", "/inside", "/gone", "/endless")
        }
        listed = (await person.get("/documents")).json()["items"]
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/closed": 422,
        "/inside": 422,
        "/gone": 422,
        "/endless": 413,
    }
    assert "robots.txt" in answers["/closed"].json()["message"]
    assert listed == []


async def test_an_organisation_fetches_few_pages_at_once(knowledge_settings: Settings, people: People) -> None:
    arrived: asyncio.Queue[None] = asyncio.Queue()
    going_on = asyncio.Event()

    async def waiting(_head: str, writer: asyncio.StreamWriter) -> None:
        arrived.put_nowait(None)
        await going_on.wait()
        writer.write(reply(b"Hello", Content_Type="text/plain"))
        await writer.drain()

    async with visiting({"/slow": waiting}, knowledge_settings, people) as (_, person, address):

        async def ask(number: int) -> httpx.Response:
            body = {"url": f"{address}/slow", "external_id": str(number)}
            return await person.post("/documents/web", json=body)

        tasks = [asyncio.create_task(ask(number)) for number in range(4)]
        for _ in tasks:
            await arrived.get()
        assert (await ask(5)).status_code == 429
        going_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*tasks)} == {202}
