"""An organisation's glossary over HTTP, and what it changes in searches."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from libs.config.settings import Settings
from libs.contracts.glossary import MEANS_MAX
from libs.contracts.identity import Role
from libs.stores.postgres import Database
from services.knowledge.glossary import entries
from services.knowledge.glossary.expansion import MOST_TERMS, MOST_WAYS, expanded_terms
from tests.integration.services.knowledge.conftest import People, Person, client_of

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]
GLOSSARY = "/search/glossary"
FULL = 200
QZX = {"term": "QZX", "means": ["paid time off"], "note": "what the union calls it"}


async def put(person: Person, path: str, **options: Any) -> Any:
    return await person.http.put(path, headers=person.headers | options.pop("headers", {}), **options)


async def found(person: Person, query: str) -> tuple[list[str], list[dict[str, Any]]]:
    """The lexical search's titles, and the expansions."""
    answer = (await person.post("/search", json={"query": query, "strategy": "lexical"})).json()
    return [result["title"] for result in answer["results"]], answer["expansions"]


async def test_entries_are_managed_by_admins_and_read_by_members(person: MakePerson) -> None:
    admin = person(role=Role.ADMIN)
    member, stranger = person(admin.subject.organization_id), person(role=Role.OWNER)
    created = await admin.post(GLOSSARY, json=QZX)
    assert created.status_code == 201, created.text
    entry = created.json()
    path = f"{GLOSSARY}/{entry['entry_id']}"
    assert {name: entry[name] for name in QZX} == QZX
    assert (await member.get(GLOSSARY)).json()["items"] == [entry]
    assert (await member.get(path)).json() == entry
    for refused in (
        await member.post(GLOSSARY, json={"term": "ABC", "means": ["alphabet"]}),
        await put(member, path, json=QZX),
        await put(member, GLOSSARY, json={"entries": []}),
        await member.delete(path),
    ):
        assert refused.status_code == 403
    assert (await stranger.get(GLOSSARY)).json()["items"] == []
    for hidden in (await stranger.get(path), await put(stranger, path, json=QZX), await stranger.delete(path)):
        assert hidden.status_code == 404
    assert (await put(stranger, GLOSSARY, json={"entries": []})).json() == {"entries": 0}
    changed = await put(admin, path, json={"term": "qzx", "means": ["leave"]})
    assert (changed.json()["term"], changed.json()["note"]) == ("qzx", None)
    assert (await member.get(GLOSSARY)).json()["items"] == [changed.json()]
    assert (await admin.delete(path)).status_code == 204
    assert (await member.get(GLOSSARY)).json()["items"] == []


async def test_a_term_has_one_entry_whatever_its_case(person: MakePerson) -> None:
    admin = person(role=Role.OWNER)
    first = (await admin.post(GLOSSARY, json=QZX)).json()
    again = await admin.post(GLOSSARY, json={"term": "Qzx", "means": ["leave"]})
    assert (again.status_code, again.json()["details"]["entry_id"]) == (409, first["entry_id"])
    other = (await admin.post(GLOSSARY, json={"term": "ABC", "means": ["alphabet"]})).json()
    assert (await put(admin, f"{GLOSSARY}/{other['entry_id']}", json=QZX)).status_code == 409
    at_once = [admin.post(GLOSSARY, json={"term": "NEW", "means": ["novel"]}) for _ in range(4)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*at_once)) == [201, 409, 409, 409]


async def test_an_entry_is_created_once_per_idempotency_key(person: MakePerson) -> None:
    admin = person(role=Role.OWNER)
    headers = admin.headers | {"Idempotency-Key": uuid4().hex}
    answers = [await admin.http.post(GLOSSARY, json=QZX, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()


async def test_a_change_counts_with_the_next_search_in_every_process(
    person: MakePerson, people: People, knowledge_settings: Settings
) -> None:
    admin = person(role=Role.OWNER)
    await admin.add("Everyone gets twenty days of paid time off.", "Time off")
    await admin.add("The canteen opens at noon.", "Lunch")
    assert await found(admin, "QZX days") == (["Time off"], [])
    assert await found(admin, "QZX") == ([], [])
    async with client_of(knowledge_settings, people) as other_process:
        elsewhere = Person(admin.subject, other_process, admin.headers)
        assert await found(elsewhere, "QZX") == ([], [])
        entry = (await admin.post(GLOSSARY, json=QZX)).json()
        expanded = (["Time off"], [{"said": "QZX", "ways": ["paid time off"]}])
        assert await found(admin, "QZX") == expanded
        assert await found(elsewhere, "QZX") == expanded
        assert await found(elsewhere, "QZX") == expanded
        assert await found(admin, '"QZX"') == ([], [])
        assert await found(admin, "qzx") == ([], [])
        assert (await found(admin, "Paid times off"))[1] == [{"said": "Paid times off", "ways": ["QZX"]}]
        await admin.delete(f"{GLOSSARY}/{entry['entry_id']}")
        assert await found(elsewhere, "QZX") == ([], [])


async def test_meaning_is_looked_for_in_other_words_and_the_trace_says_so(person: MakePerson) -> None:
    admin = person(role=Role.OWNER)
    await put(admin, GLOSSARY, json={"entries": [QZX]})
    await admin.add("Staff may rest for twenty days.", "Holidays")
    await admin.add("Zebras graze at the quay.", "Animals")
    asked = await admin.post("/internal/retrievals", json={"query": "QZX"})
    body = asked.json()
    assert body["passages"][0]["title"] == "Holidays"
    [step] = [step for step in body["trace"] if step["step"] == "glossary"]
    assert step["expansions"] == body["expansions"] == [{"said": "QZX", "ways": ["paid time off"]}]


async def test_a_glossary_is_replaced_whole_or_not_at_all(person: MakePerson) -> None:
    admin = person(role=Role.OWNER)
    kept = (await admin.post(GLOSSARY, json=QZX)).json()
    twice = {"entries": [{"term": "A1 b", "means": ["x y"]}, {"term": "a1 B", "means": ["z"]}]}
    assert (await put(admin, GLOSSARY, json=twice)).status_code == 422
    wrong = {"entries": [QZX, {"term": "ABC", "means": ["", "alphabet"]}]}
    refused = await put(admin, GLOSSARY, json=wrong)
    assert refused.status_code == 422
    assert refused.json()["details"]["fields"][0]["field"].endswith("entries.1.means.0")
    assert (await admin.get(GLOSSARY)).json()["items"] == [kept]
    csv = 'term,means,note\nqzx,"annual leave; vacation",\nABC,alphabet,first\n'
    replaced = await put(admin, GLOSSARY, content=csv.encode(), headers={"Content-Type": "text/csv; charset=utf-8"})
    assert replaced.json() == {"entries": 2}
    items = (await admin.get(GLOSSARY)).json()["items"]
    assert [(one["term"], one["means"]) for one in items] == [
        ("ABC", ["alphabet"]),
        ("qzx", ["annual leave", "vacation"]),
    ]
    assert (items[1]["entry_id"], items[1]["created_at"]) == (kept["entry_id"], kept["created_at"])


async def test_entries_are_listed_in_pages_and_by_their_words(person: MakePerson) -> None:
    admin = person(role=Role.OWNER)
    many = [{"term": f"T{number:02}", "means": [f"way {number} %"]} for number in range(25)]
    await put(admin, GLOSSARY, json={"entries": many})
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = (await admin.get(GLOSSARY, params={"limit": 10, **({"cursor": cursor} if cursor else {})})).json()
        seen += [one["term"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [entry["term"] for entry in many]
    assert cursor is None
    assert len((await admin.get(GLOSSARY, params={"q": "way 2 %"})).json()["items"]) == 1


async def test_a_full_glossary_takes_no_more_and_expands_a_query_within_bounds(
    person: MakePerson, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "ENTRIES_MAX", FULL)
    admin = person(role=Role.OWNER)
    many = [
        {"term": f"T{number}", "means": ["leave", *(f"way {number} {way}" for way in range(1, MEANS_MAX))]}
        for number in range(FULL)
    ]
    assert (await put(admin, GLOSSARY, json={"entries": many})).status_code == 200
    more = await admin.post(GLOSSARY, json={"term": "ONE", "means": ["another"]})
    assert more.status_code == 409
    query = "leave " * 50 + " ".join(f"way {number} 3" for number in range(100))
    async with database.transaction() as session:
        terms = await expanded_terms(session, admin.subject.organization_id, query)
        nobody = await expanded_terms(session, uuid4(), query)
    assert nobody == ()
    assert len(terms) == MOST_TERMS
    assert all(1 <= len(term.ways) <= MOST_WAYS for term in terms)
