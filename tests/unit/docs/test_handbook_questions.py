"""The evaluation's questions about the handbook: each answer is on the page that is named, word for word."""

import json
from typing import Any

import pytest

from scripts.bench.judged import QUESTIONS
from tests.unit.docs.handbook import INDEX, pages

PAGES = pages()
CASES: list[dict[str, Any]] = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_of_both_kinds_and_none_twice():
    answerable = [case for case in CASES if case["page"]]
    assert len(answerable) >= 40
    assert len(CASES) - len(answerable) >= 15
    assert len({case["question"].lower() for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case["question"] for case in CASES])
def test_the_answer_is_on_the_page(case: dict[str, Any]):
    assert set(case) == {"question", "page", "answer_contains"}
    assert case["question"].endswith("?")
    if case["page"] is None:
        assert case["answer_contains"] == []
        return
    assert case["answer_contains"]
    text = PAGES[case["page"]].text.lower()
    assert [part for part in case["answer_contains"] if part.lower() not in text] == []


def test_every_page_is_asked_about():
    asked = {case["page"] for case in CASES}
    assert not set(PAGES) - asked - {INDEX, "glossary.md", "troubleshooting.md"}
