from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.fusion import fuse

lists = st.dictionaries(
    st.sampled_from(["lexical", "vector", "rerank"]), st.lists(st.integers(0, 30), unique=True), max_size=3
)


def test_the_sum_of_reciprocal_ranks_orders() -> None:
    fused = fuse({"lexical": ["a", "b"], "vector": ["b", "c"]}, k=60)
    assert [one.item for one in fused] == ["b", "a", "c"]
    assert fused[0].score == 1 / 62 + 1 / 61
    assert fused[0].ranks == {"lexical": 2, "vector": 1}


@given(lists)
def test_every_item_comes_out_once_best_first(named: dict[str, list[int]]) -> None:
    fused = fuse(named, k=60)
    assert sorted(one.item for one in fused) == sorted({item for items in named.values() for item in items})
    assert [one.score for one in fused] == sorted((one.score for one in fused), reverse=True)


@given(lists)
def test_the_order_of_the_lists_does_not_change_scores(named: dict[str, list[int]]) -> None:
    backwards = dict(reversed(named.items()))
    assert {one.item: round(one.score, 12) for one in fuse(named, 60)} == {
        one.item: round(one.score, 12) for one in fuse(backwards, 60)
    }


@given(lists, st.integers(0, 30))
def test_a_better_rank_never_lowers_an_item(named: dict[str, list[int]], item: int) -> None:
    def score(lists_: dict[str, list[int]]) -> float:
        return next((one.score for one in fuse(lists_, 60) if one.item == item), 0.0)

    raised = {name: [item, *(other for other in items if other != item)] for name, items in named.items()}
    assert score(raised) >= score(named)


def test_a_list_counts_by_its_weight():
    lists = {"lexical": ["a", "b"], "vector": ["b", "a"]}
    assert [one.item for one in fuse(lists, 60, {"vector": 2.0})] == ["b", "a"]
    assert [one.item for one in fuse(lists, 60, {"vector": 0.0})] == ["a", "b"]
