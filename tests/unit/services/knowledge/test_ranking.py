from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from libs.config.settings import Retrieval, load_settings
from services.knowledge.analysis import analyse
from services.knowledge.ports import FoundPassage
from services.knowledge.ranking import Candidates, rank
from services.knowledge.repository import ServedDocument

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def settings() -> Retrieval:
    return load_settings().retrieval


def passage(number: int, content: str, document: int | None = None, axis: int | None = None) -> FoundPassage:
    vector = np.zeros(16, np.float32)
    vector[number if axis is None else axis] = 1
    return FoundPassage(
        chunk_id=UUID(int=number),
        document_id=UUID(int=number if document is None else document),
        version=UUID(int=0),
        position=0,
        content=content,
        heading_path=(),
        table_header=None,
        page=None,
        start=0,
        end=len(content),
        token_count=4,
        vector=vector,
    )


def candidates(settings: Retrieval, query: str, *passages: FoundPassage) -> Candidates:
    """The first two found in turn by each search; each document is a day newer than the one before."""
    documents = {
        one.document_id: ServedDocument(
            one.document_id, None, "A title", one.version, START + timedelta(days=one.document_id.int)
        )
        for one in passages
    }
    first, second, *rest = passages
    lists = {"lexical": passages, "vector": [second, first, *rest]}
    return Candidates(lists, documents, analyse(query), settings)


def numbers(ranked: list) -> list[int]:
    return [one.item.int for one in ranked]


def test_late_interaction_changes_the_order_of_what_it_scored(settings: Retrieval):
    found = candidates(settings, "tides", passage(1, "one"), passage(2, "two"), passage(3, "three"))
    assert numbers(rank(found, {}, by_document=False)) == [1, 2, 3]
    reranked = rank(found, {UUID(int=1): 0.1, UUID(int=2): 0.9}, by_document=False)
    assert numbers(reranked) == [2, 1, 3]
    assert [one.ranks.get("late") for one in reranked] == [1, 2, None]


def test_a_code_as_it_was_written_comes_first(settings: Retrieval):
    found = candidates(
        settings, "ERR-404", passage(1, "ERR-4041 is other"), passage(2, "no"), passage(3, "see err-404.")
    )
    assert numbers(rank(found, {UUID(int=1): 0.9, UUID(int=3): 0.1}, by_document=False)) == [3, 1, 2]


def test_of_versions_the_newest_wins_only_where_it_is_asked_for(settings: Retrieval):
    pages = [passage(1, "The price is 10."), passage(2, "The price is 20.")]
    assert numbers(rank(candidates(settings, "What is the price?", *pages), {}, by_document=False)) == [1, 2]
    assert numbers(rank(candidates(settings, "What is the current price?", *pages), {}, by_document=False)) == [2, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [("It costs 10 dollars.", "It costs 12 dollars."), ("You may smoke here.", "You may not smoke here.")],
)
def test_versions_that_disagree_are_both_shown(settings: Retrieval, one: str, other: str):
    found = candidates(settings, "x", passage(1, one), passage(2, other, axis=1), passage(3, one + " Yes.", axis=1))
    assert numbers(rank(found, {}, by_document=False)) == [1, 2]


def test_what_says_the_same_appears_once(settings: Retrieval):
    found = candidates(settings, "x", passage(1, "Same  text."), passage(2, "same text."), passage(3, "Alike.", axis=1))
    assert numbers(rank(found, {}, by_document=False)) == [1]
    assert numbers(rank(found, {}, by_document=True)) == [1, 2, 3]


def test_each_document_is_stood_for_by_its_best_passage(settings: Retrieval):
    found = candidates(settings, "x", passage(1, "a", 7), passage(2, "b", 8), passage(3, "c", 7))
    assert numbers(rank(found, {UUID(int=3): 0.9}, by_document=True)) == [3, 2]


def test_many_ways_to_say_a_query_count_as_one_list(settings: Retrieval):
    pages = [passage(1, "one"), passage(2, "two")]
    documents = candidates(settings, "x", *pages).documents
    otherwise = {f"expansion {number}": [pages[1]] for number in (1, 2, 3)}
    found = Candidates({"lexical": pages, "vector": pages, **otherwise}, documents, analyse("x"), settings)
    alone = Candidates(
        {"lexical": pages, "vector": pages, "expansion 1": [pages[1]]}, documents, analyse("x"), settings
    )
    scores = [{one.item.int: one.score for one in rank(which, {}, by_document=True)} for which in (found, alone)]
    assert scores[0] == pytest.approx(scores[1])
