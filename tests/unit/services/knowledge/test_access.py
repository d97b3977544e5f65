from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.identity import Role, Subject
from services.knowledge.access import AccessColumns, narrower, readers_for, readers_of

OWNER = UUID(int=1)
GROUPS = [UUID(int=number) for number in (21, 22, 23)]

accesses = st.one_of(
    st.just(("private", list[UUID]())),
    st.just(("organization", list[UUID]())),
    st.just(("public", list[UUID]())),
    st.sets(st.sampled_from(GROUPS), min_size=1).map(lambda groups: ("groups", sorted(groups))),
    st.just(("inherited", list[UUID]())),
)
collections = st.sampled_from([None, UUID(int=31), UUID(int=32)])
subjects = st.builds(
    Subject,
    user_id=st.sampled_from([OWNER, UUID(int=2)]),
    organization_id=st.just(UUID(int=9)),
    session_id=st.just(UUID(int=99)),
    role=st.sampled_from([Role.OWNER, Role.ADMIN, Role.MEMBER]),
    groups=st.frozensets(st.sampled_from(GROUPS)),
)
guests = st.builds(
    Subject,
    user_id=st.just(UUID(int=77)),
    organization_id=st.just(UUID(int=9)),
    session_id=st.just(UUID(int=77)),
    share_link_id=st.just(UUID(int=77)),
    role=st.just(Role.GUEST),
    shared_collections=st.sampled_from([None, frozenset({UUID(int=31)}), frozenset({UUID(int=31), UUID(int=32)})]),
)
Columns = tuple[str, list[UUID]]


def admits(access: AccessColumns, subject: Subject, opened: set[UUID]) -> bool:
    readers = readers_for(access.access, access.group_ids, OWNER, access.collection_id)
    return bool(set(readers) & set(readers_of(subject, opened)))


@given(accesses, accesses, collections, collections, subjects, st.sets(st.sampled_from([UUID(int=31), UUID(int=32)])))
def test_the_narrower_access_admits_only_whom_both_admit(
    one: Columns, other: Columns, here: UUID | None, there: UUID | None, subject: Subject, opened: set[UUID]
) -> None:
    served, coming = AccessColumns(*one, here), AccessColumns(*other, there)
    both = admits(served, subject, opened) and admits(coming, subject, opened)
    narrowed = AccessColumns(*narrower(served, coming), here)
    assert not admits(narrowed, subject, opened) or both
    if len(subject.groups) <= 1 and "inherited" not in (one[0], other[0]):
        assert admits(narrowed, subject, opened) == both
    assert narrower(served, served) == one or (one[0], here) == ("inherited", None)


@given(accesses, accesses, collections, guests)
def test_no_guest_is_let_in_by_what_only_one_content_admits(
    one: Columns, other: Columns, here: UUID | None, guest: Subject
) -> None:
    """Outside of public collections, whose inheriting documents `readable` looks at content by content."""
    served, coming = AccessColumns(*one, here), AccessColumns(*other, here)
    narrowed = AccessColumns(*narrower(served, coming), here)
    both = admits(served, guest, set()) and admits(coming, guest, set())
    assert admits(narrowed, guest, set()) == both


@given(guests, st.sets(st.sampled_from([UUID(int=31), UUID(int=32)])))
def test_a_guest_has_no_reader_name_that_a_member_could_have(guest: Subject, opened: set[UUID]) -> None:
    names = readers_of(guest, opened)
    assert all(name.startswith(("public", "collection:")) for name in names)
    for access in ("private", "organization", "groups"):
        assert not set(readers_for(access, GROUPS, UUID(int=77), UUID(int=31))) & set(names)
