from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.identity import Role, Subject
from services.knowledge.access import narrower, readers_for, readers_of

OWNER = UUID(int=1)
GROUPS = [UUID(int=number) for number in (21, 22, 23)]

accesses = st.one_of(
    st.just(("private", list[UUID]())),
    st.just(("organization", list[UUID]())),
    st.sets(st.sampled_from(GROUPS), min_size=1).map(lambda groups: ("groups", sorted(groups))),
)
subjects = st.builds(
    Subject,
    user_id=st.sampled_from([OWNER, UUID(int=2)]),
    organization_id=st.just(UUID(int=9)),
    session_id=st.just(UUID(int=99)),
    role=st.sampled_from(list(Role)),
    groups=st.frozensets(st.sampled_from(GROUPS)),
)
Columns = tuple[str, list[UUID]]


def admits(access: Columns, subject: Subject) -> bool:
    return bool(set(readers_for(*access, OWNER)) & set(readers_of(subject)))


@given(accesses, accesses, subjects)
def test_the_narrower_access_admits_whom_both_admit(one: Columns, other: Columns, subject: Subject) -> None:
    both = admits(one, subject) and admits(other, subject)
    narrowed = narrower(one, other)
    assert not admits(narrowed, subject) or both
    if len(subject.groups) <= 1:
        assert admits(narrowed, subject) == both
    assert narrower(other, one) == narrowed
    assert narrower(one, one) == one
