"""Random lives of documents, by several people, against a model of the truth: no leak, no ghost, no loss.

After every step each person's searches, listing, bin and single documents are what the model says, exactly.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from libs.contracts.identity import Role
from tests.integration.services.knowledge.conftest import Person
from tests.integration.services.knowledge.truth import (
    TrueAccess,
    TrueCollection,
    TrueDocument,
    Truth,
    as_sent,
    may_name,
)

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]

FULL = "--full" in sys.argv
EXAMPLES, STEPS = (15, 24) if FULL else (2, 12)
PEOPLE = ("ann", "ben", "cleo", "dora")
NAMES = (None, "one", "two")
FIRST, SECOND = UUID(int=1), UUID(int=2)

people = st.sampled_from(PEOPLE)
numbers = st.integers(0, 5)
places = st.sampled_from([None, 0, 1, 2])
accesses = st.sampled_from(
    [None, "private", "organization", "public", frozenset({FIRST}), frozenset({SECOND}), frozenset({FIRST, SECOND})]
)
steps = st.one_of(
    st.tuples(st.just("upload"), people, st.sampled_from(NAMES), st.fixed_dictionaries({}, optional={"access": accesses, "place": places})),
    st.tuples(st.just("open"), people, numbers, accesses),
    st.tuples(st.just("move"), people, numbers, places),
    st.tuples(st.just("open_collection"), people, st.integers(0, 2), accesses.filter(bool)),
    st.tuples(st.just("label"), people, numbers, st.integers(1, 2)),
    st.tuples(st.sampled_from(["delete", "restore", "purge", "reindex"]), people, numbers),
)  # fmt: skip


@dataclass
class Lives:
    """The people, what they did for real, and what is true by now."""

    people: dict[str, Person]
    guests: dict[str, Person]
    stranger: Person
    truth: Truth = field(default_factory=Truth)
    collections: list[str] = field(default_factory=list[str])
    written: int = 0

    async def begin(self) -> None:
        for owner, access in (("ann", "organization"), ("ann", "private"), ("dora", frozenset({FIRST}))):
            body = {"name": "A collection", "access": as_sent(access)}
            made = (await self.people[owner].post("/documents/collections", json=body)).raise_for_status().json()
            self.truth.collections[made["collection_id"]] = TrueCollection(self.people[owner].subject.user_id, access)
            self.collections.append(made["collection_id"])

    def chosen(self, number: int) -> tuple[str, TrueDocument] | None:
        documents = list(self.truth.documents.items())
        return documents[number % len(documents)] if documents else None

    def owner(self, document: TrueDocument) -> Person:
        return next(one for one in self.people.values() if one.subject.user_id == document.owner)

    async def upload(self, who: str, name: str | None, said: dict[str, Any]) -> None:
        person, truth = self.people[who], self.truth
        self.written += 1
        content = f"The heron number {self.written} stands at the weir."
        body: dict[str, Any] = {"title": "Heron", "text": content, "external_id": name}
        if "access" in said:
            body["access"] = as_sent(said["access"])
        if "place" in said:
            body["collection_id"] = None if said["place"] is None else self.collections[said["place"]]
        named = truth.named(name)
        allowed = may_name(person.subject, said.get("access")) and truth.may_put(
            person.subject, body.get("collection_id")
        )
        allowed = allowed and (named is None or truth.owns(person.subject, truth.documents[named]))
        answer = await person.post("/documents", json=body)
        assert (answer.status_code == 202) == allowed, answer.text
        if not allowed:
            return
        document_id = answer.json()["document_id"]
        if named is None:
            assert document_id not in truth.documents
            document = TrueDocument(person.subject.user_id, name, content, None, None)
            truth.documents[document_id] = document
        else:
            assert document_id == named
            document = truth.documents[named]
        document.content = content
        if "place" in said:
            truth.move(document, body["collection_id"])
        if "access" in said:
            document.access = said["access"]
        assert (await self.owner(document).finished(document_id))["status"] == "completed"

    async def open(self, who: str, number: int, access: TrueAccess) -> None:
        person = self.people[who]

        async def act(document_id: str, document: TrueDocument) -> None:
            document.access = access

        await self._act(
            number,
            lambda document: may_name(person.subject, access) and self.truth.manages(person.subject, document),
            lambda document_id: person.patch(f"/documents/{document_id}", json={"access": as_sent(access)}),
            act,
        )

    async def move(self, who: str, number: int, place: int | None) -> None:
        person, to = self.people[who], None if place is None else self.collections[place]

        async def act(document_id: str, document: TrueDocument) -> None:
            self.truth.move(document, to)

        await self._act(
            number,
            lambda document: (
                self.truth.manages(person.subject, document)
                and (to == document.collection or self.truth.may_put(person.subject, to))
            ),
            lambda document_id: person.patch(f"/documents/{document_id}", json={"collection_id": to}),
            act,
        )

    async def open_collection(self, who: str, number: int, access: TrueAccess) -> None:
        person, collection_id = self.people[who], self.collections[number]
        collection = self.truth.collections[collection_id]
        allowed = collection.managed_by(person.subject) and may_name(person.subject, access)
        answer = await person.patch(f"/documents/collections/{collection_id}", json={"access": as_sent(access)})
        assert (answer.status_code == 200) == allowed, answer.text
        if allowed:
            collection.access = access

    async def delete(self, who: str, number: int) -> None:
        person = self.people[who]

        async def act(document_id: str, document: TrueDocument) -> None:
            document.place = "bin"

        await self._act(
            number,
            lambda document: self.truth.manages(person.subject, document),
            lambda document_id: person.delete(f"/documents/{document_id}"),
            act,
        )

    async def restore(self, who: str, number: int) -> None:
        person, truth = self.people[who], self.truth

        async def act(document_id: str, document: TrueDocument) -> None:
            document.place = "living"

        await self._act(
            number,
            lambda document: truth.restores(person.subject, document) and truth.named(document.external_id) is None,
            lambda document_id: person.post(f"/documents/{document_id}/restore"),
            act,
        )

    async def purge(self, who: str, number: int) -> None:
        person, truth = self.people[who], self.truth

        async def act(document_id: str, document: TrueDocument) -> None:
            document.place = "purged"

        await self._act(
            number,
            lambda document: truth.manages(person.subject, document) or truth.restores(person.subject, document),
            lambda document_id: person.delete(f"/documents/{document_id}?purge=true"),
            act,
        )

    async def reindex(self, who: str, number: int) -> None:
        person = self.people[who]

        async def act(document_id: str, document: TrueDocument) -> None:
            assert (await self.owner(document).finished(document_id))["status"] == "completed"

        await self._act(
            number,
            lambda document: self.truth.manages(person.subject, document),
            lambda document_id: person.post(f"/documents/{document_id}/reindex"),
            act,
        )

    async def _act(
        self,
        number: int,
        allows: Callable[[TrueDocument], bool],
        ask: Callable[[str], Awaitable[Any]],
        act: Callable[[str, TrueDocument], Awaitable[None]],
    ) -> None:
        """What isn't allowed is refused and changes nothing."""
        chosen = self.chosen(number)
        if chosen is None:
            return
        document_id, document = chosen
        allowed = allows(document)
        answer = await ask(document_id)
        assert answer.is_success == allowed, answer.text
        assert answer.status_code < 500
        if allowed:
            await act(document_id, document)

    async def label(self, who: str, number: int, flock: int) -> None:
        person = self.people[who]

        async def act(document_id: str, document: TrueDocument) -> None:
            document.flock = flock

        await self._act(
            number,
            lambda document: self.truth.manages(person.subject, document),
            lambda document_id: person.patch(f"/documents/{document_id}", json={"metadata": {"flock": flock}}),
            act,
        )

    async def check(self) -> None:
        async with asyncio.TaskGroup() as checks:
            for name, person in (self.people | self.guests).items():
                checks.create_task(self._check_one(name, person))
        assert await self.stranger.search("heron at the weir") == []
        assert (await self.stranger.get("/documents")).json()["items"] == []

    async def _check_one(self, name: str, person: Person) -> None:
        documents = self.truth.documents.items()
        readable = {key: one.content for key, one in documents if self.truth.reads(person.subject, one)}
        restorable = {key for key, one in documents if self.truth.restores(person.subject, one)}
        for strategy in ("lexical", "vector"):
            found = await person.search("heron at the weir", strategy=strategy, top_k=100)
            assert len(found) == len(readable), (name, strategy)
            assert {one["document_id"]: one["content"] for one in found} == readable, (name, strategy)
        flock = {"metadata": {"flock": 1}}
        found = await person.search("heron at the weir", strategy="vector", top_k=100, filters=flock)
        labelled = {key for key, one in documents if key in readable and one.flock == 1}
        assert {one["document_id"] for one in found} == labelled, name
        for path, ids in (("/documents?limit=100", set(readable)), ("/documents?deleted=true&limit=100", restorable)):
            listed = (await person.get(path)).json()["items"]
            assert {one["document_id"] for one in listed} == ids, (name, path)


@hypothesis_settings(max_examples=EXAMPLES, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
@given(life=st.lists(steps, min_size=STEPS // 2, max_size=STEPS))
async def test_everyone_sees_the_truth_and_nothing_else(
    person: MakePerson, guest: MakePerson, life: list[tuple[Any, ...]]
) -> None:
    ann = person(groups=frozenset({FIRST}))
    organization_id = ann.subject.organization_id
    lives = Lives(
        {
            "ann": ann,
            "ben": person(organization_id, groups=frozenset({FIRST, SECOND})),
            "cleo": person(organization_id),
            "dora": person(organization_id, role=Role.ADMIN, groups=frozenset({FIRST, SECOND})),
        },
        {"guest": guest(organization_id)},
        stranger=person(role=Role.OWNER, groups=frozenset({FIRST, SECOND})),
    )
    await lives.begin()
    lives.guests["visitor"] = guest(organization_id, lives.collections[:2])
    for name in PEOPLE[:2]:
        await lives.upload(name, None, {})
    for step, *arguments in life:
        note(f"{step} {arguments}")
        await getattr(lives, step)(*arguments)
        await lives.check()
