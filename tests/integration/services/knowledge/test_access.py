"""One rule of access, as SQL and as index readers, against a model of the truth."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete

from libs.config.settings import Settings
from libs.contracts.errors import FootnoteError
from libs.contracts.identity import Role, Subject
from libs.contracts.knowledge import GroupAccess
from libs.stores.postgres import Database
from services.knowledge.access import readable, readers_for, readers_of, require_own_groups
from services.knowledge.models import DocumentRow
from services.knowledge.repository import document_of, page_of_documents, served_documents

ORGANIZATIONS = [UUID(int=number) for number in (1, 2)]
USERS = [UUID(int=number) for number in (11, 12, 13)]
GROUPS = [UUID(int=number) for number in (21, 22)]

subjects = st.builds(
    Subject,
    user_id=st.sampled_from(USERS),
    organization_id=st.sampled_from(ORGANIZATIONS),
    session_id=st.just(UUID(int=99)),
    role=st.sampled_from(list(Role)),
    groups=st.frozensets(st.sampled_from(GROUPS)),
).map(lambda one: one.model_copy(update={"groups": frozenset[UUID]()}) if one.role is Role.GUEST else one)
documents = st.builds(
    lambda organization, owner, access, groups: DocumentRow(
        id=uuid4(),
        organization_id=organization,
        owner_id=owner,
        title="A page",
        tags=[],
        access=access,
        group_ids=sorted(groups) if access == "groups" else [],
        status="completed",
        media_type="text/markdown",
        size_bytes=1,
        served_version=uuid4(),
    ),
    st.sampled_from(ORGANIZATIONS),
    st.sampled_from(USERS),
    st.sampled_from(["private", "organization", "groups", "public"]),
    st.frozensets(st.sampled_from(GROUPS), min_size=1),
)


def may_read(subject: Subject, document: DocumentRow) -> bool:
    if subject.organization_id != document.organization_id:
        return False
    if subject.role is Role.GUEST:
        return document.access == "public"
    if document.access in {"organization", "public"} or document.owner_id == subject.user_id:
        return True
    return document.access == "groups" and bool(subject.groups & set(document.group_ids))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings, "knowledge")
    yield opened
    await opened.close()


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subject=subjects, rows=st.lists(documents, max_size=8))
async def test_rows_and_readers_agree_with_the_truth(
    database: Database, subject: Subject, rows: list[DocumentRow]
) -> None:
    truth = {row.id for row in rows if may_read(subject, row)}
    named = {
        row.id
        for row in rows
        if row.organization_id == subject.organization_id
        and set(readers_for(row.access, row.group_ids, row.owner_id)) & set(readers_of(subject))
    }
    async with database.transaction() as session:
        session.add_all(rows)
    try:
        async with database.transaction() as session:
            served = await served_documents(session, subject, [row.id for row in rows])
            listed, _ = await page_of_documents(session, subject, status=None, title=None, cursor=None, limit=100)
            assert set(served) == truth
            assert {row.id for row in listed} == truth
            for row in rows:
                if row.id not in truth:
                    with pytest.raises(FootnoteError) as caught:
                        await document_of(session, subject, row.id)
                    assert caught.value.status == 404
    finally:
        async with database.transaction() as session:
            await session.execute(delete(DocumentRow))
    assert named == truth


def test_every_query_over_documents_names_the_tenant() -> None:
    subject = Subject(user_id=USERS[0], organization_id=ORGANIZATIONS[0], session_id=uuid4(), role=Role.MEMBER)
    assert "organization_id" in str(readable(subject))


def test_a_member_opens_documents_to_own_groups_only() -> None:
    member = Subject(
        user_id=USERS[0], organization_id=ORGANIZATIONS[0], session_id=uuid4(), role=Role.MEMBER, groups={GROUPS[0]}
    )
    require_own_groups(member, GroupAccess(groups=[GROUPS[0]]))
    with pytest.raises(FootnoteError) as caught:
        require_own_groups(member, GroupAccess(groups=GROUPS))
    assert caught.value.status == 422
    require_own_groups(member.model_copy(update={"role": Role.ADMIN}), GroupAccess(groups=GROUPS))
