"""Readers who are told the same access key may read the same documents, and no others."""

import random
from itertools import chain, combinations
from uuid import UUID, uuid4

from sqlalchemy import select

from libs.contracts.identity import Role, Subject
from libs.stores.postgres import Database
from services.knowledge.access import readable
from services.knowledge.models import CollectionRow, DocumentRow, OrganizationRow
from services.knowledge.standing import Standings

USERS = [uuid4() for _ in range(4)]
GROUPS = [uuid4() for _ in range(2)]
ROUNDS = 25
ACCESSES = ("private", "organization", "groups", "public", "inherited")


def columns(dice: random.Random, accesses) -> dict[str, object]:
    access = dice.choice(accesses)
    groups = dice.sample(GROUPS, dice.randint(1, 2)) if access == "groups" else []
    return {"owner_id": dice.choice(USERS[:3]), "access": access, "group_ids": groups}


def rows_of(organization_id: UUID, dice: random.Random) -> list[object]:
    closed = [
        CollectionRow(id=uuid4(), organization_id=organization_id, name=str(number), **columns(dice, ACCESSES[:4]))
        for number in range(dice.randint(0, 2))
    ]
    documents = [
        DocumentRow(
            id=uuid4(),
            organization_id=organization_id,
            title="A page",
            tags=[],
            status="completed",
            media_type="text/markdown",
            size_bytes=1,
            served_version=uuid4(),
            collection_id=dice.choice([None, *(one.id for one in closed)]),
            **columns(dice, ACCESSES),
        )
        for _ in range(dice.randint(0, 4))
    ]
    return [*closed, *documents]


async def test_one_key_is_one_set_of_documents(database: Database) -> None:
    dice = random.Random(6)
    standings, shared = Standings(database), 0
    some_groups = list(chain.from_iterable(combinations(GROUPS, size) for size in range(3)))
    for _ in range(ROUNDS):
        organization_id = uuid4()
        rows = rows_of(organization_id, dice)
        async with database.transaction() as session:
            session.add_all([OrganizationRow(organization_id=organization_id), *rows])
        sets: dict[str, set[frozenset[UUID]]] = {}
        readers: dict[str, int] = {}
        for user_id in USERS:
            for groups in some_groups:
                subject = Subject(
                    user_id=user_id,
                    organization_id=organization_id,
                    session_id=uuid4(),
                    role=Role.MEMBER,
                    groups=frozenset(groups),
                )
                key = (await standings.of(subject)).access_key
                async with database.transaction() as session:
                    open_to = frozenset(await session.scalars(select(DocumentRow.id).where(readable(subject))))
                sets.setdefault(key, set()).add(open_to)
                readers[key] = readers.get(key, 0) + 1
        assert all(len(open_sets) == 1 for open_sets in sets.values()), sets
        shared += max(readers.values()) > 1
    # Else nobody would ever be given another's answer.
    assert shared > ROUNDS / 2


async def test_a_change_of_access_moves_both_on(person, worker) -> None:
    owner = person()
    colleague = person(owner.subject.organization_id)

    async def told(who) -> tuple[int, str]:
        answer = (await who.get("/internal/standing")).json()
        return answer["knowledge_version"], answer["access_key"]

    document_id = await owner.add("The canteen opens at nine.")
    version, key = await told(owner)
    assert await told(colleague) == (version, key)
    changed = await owner.patch(f"/documents/{document_id}", json={"access": "private"})
    assert changed.status_code == 200
    newer, owners_key = await told(owner)
    assert newer > version
    assert await told(colleague) == (newer, key)
    assert owners_key != key
    (passage,) = (await owner.get(f"/documents/{document_id}/passages")).json()["items"]
    seen = [
        (await who.get("/internal/standing", params={"chunk_id": passage["chunk_id"]})) for who in (owner, colleague)
    ]
    assert [one.json()["readable"] for one in seen] == [[passage["chunk_id"]], []]
    await owner.delete(f"/documents/{document_id}")
    newest, key_again = await told(owner)
    assert (newest > newer, key_again) == (True, key)
