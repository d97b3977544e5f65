"""What becomes of a member's private documents when the member leaves."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from libs.clients.auth import AuthClient
from libs.clients.base import ServiceClient, service_http
from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError
from libs.contracts.identity import Role
from libs.contracts.knowledge import SOURCE_PREFIX
from libs.security.tokens import ServiceTokens
from libs.stores.postgres import Database
from services.auth.main import build as build_auth
from services.auth.models import Membership, Organization, User
from services.knowledge.departures import Departures
from services.knowledge.models import DocumentRow, RevisionRow
from tests.integration.services.knowledge.conftest import NOBODY, People, Person

pytestmark = pytest.mark.usefixtures("worker")

MakePerson = Callable[..., Person]
PAGE = "# Heron\n\nThe heron stands at the weir."


@pytest.fixture
async def departures(knowledge_settings: Settings, people: People, database: Database) -> AsyncIterator[Departures]:
    """As the worker does it, asking the real auth."""
    tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
    async with (
        people.serve("auth", build_auth(knowledge_settings), knowledge_settings) as url,
        service_http() as http,
    ):
        yield Departures(database, AuthClient(ServiceClient("auth", url, tokens, http)))


@pytest.fixture
async def enter(knowledge_settings: Settings) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Makes people members of their organisation, the first of them its owner."""
    auth = Database(knowledge_settings, "auth")

    async def enter(*persons: Person) -> None:
        organization_id = persons[0].subject.organization_id
        async with auth.transaction() as session:
            session.add(Organization(id=organization_id, name="Boats"))
            for person in persons:
                user_id = person.subject.user_id
                session.add(User(id=user_id, email=f"{user_id}@example.com", password_hash="-"))
            await session.flush()
            for person in persons:
                role = Role.OWNER if person is persons[0] else Role.MEMBER
                session.add(Membership(organization_id=organization_id, user_id=person.subject.user_id, role=role))

    yield enter
    await auth.close()


async def leave(settings: Settings, person: Person) -> None:
    auth = Database(settings, "auth")
    async with auth.transaction() as session:
        await session.execute(delete(Membership).where(Membership.user_id == person.subject.user_id))
    await auth.close()


async def listed(person: Person, query: str = "") -> list[str]:
    return sorted(one["title"] for one in (await person.get(f"/documents{query}")).json()["items"])


async def test_private_documents_of_who_left_wait_in_the_bin_and_come_back_with_their_owner(
    person: MakePerson,
    departures: Departures,
    enter: Callable[..., Awaitable[None]],
    knowledge_settings: Settings,
    database: Database,
) -> None:
    owner = person(role=Role.OWNER)
    bob, ann = (person(owner.subject.organization_id) for _ in range(2))
    await enter(owner, bob, ann)
    private = await bob.add("# Weir\n\nThe lock keeper sleeps.", "Private", access="private", external_id="p")
    await bob.add(PAGE, "Shared")
    await bob.add(PAGE, "Waiting", access="private", external_id="w")
    await owner.add(PAGE, "Owner's", access="private")
    await ann.add(PAGE, "Ann's", access="private")
    source = await bob.add(PAGE, "A source's", access="private")
    wider = await bob.add(PAGE, "To be wider", access="private")
    async with database.transaction() as session:
        await session.execute(
            update(RevisionRow).where(RevisionRow.document_id == UUID(wider)).values(access="organization")
        )
        (await session.get_one(DocumentRow, source)).external_id = f"{SOURCE_PREFIX}{uuid4()}:x"
    await departures.sweep()
    assert await listed(bob, "?deleted=true") == []
    await leave(knowledge_settings, bob)
    await departures.sweep()
    # Whoever is a member again has the same id, and a subject as before.
    assert await listed(bob) == ["A source's", "Shared", "To be wider"]
    assert await listed(bob, "?deleted=true") == ["Private", "Waiting"]
    assert (await listed(owner), await listed(ann)) == (["Owner's", "Shared"], ["Ann's", "Shared"])
    assert await listed(owner, "?deleted=true") == []
    assert (await bob.post(f"/documents/{private}/restore")).status_code == 200
    assert await listed(bob) == ["A source's", "Private", "Shared", "To be wider"]
    assert "Private" in [one["title"] for one in await bob.search("lock keeper", strategy="lexical")]


async def test_nothing_is_put_away_while_auth_does_not_say_so(
    person: MakePerson, departures: Departures, knowledge_settings: Settings, database: Database
) -> None:
    stranger = person()
    await stranger.add(PAGE, "Private", access="private")
    await departures.sweep()
    assert await listed(stranger) == ["Private"]
    async with service_http() as http:
        tokens = ServiceTokens("knowledge", knowledge_settings.secrets_dir)
        with pytest.raises(FootnoteError):
            await Departures(database, AuthClient(ServiceClient("auth", NOBODY, tokens, http))).sweep()
    assert await listed(stranger) == ["Private"]
