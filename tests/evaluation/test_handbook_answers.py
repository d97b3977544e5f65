"""The handbook's questions, asked of the running product: is the right page cited, is the answer in it, are the others refused?

The floors are what was measured less room for noise; raise them when answers get better.
"""

import json
from dataclasses import dataclass

from scripts.api import Api
from scripts.bench.judged import QUESTIONS

SMOKE_EVERY = 6
LEAST_ANSWERED = 0.75
LEAST_RIGHT = 0.6
LEAST_REFUSED = 0.65


@dataclass(frozen=True)
class Verdict:
    """`right`: the answer holds what it must, and cites the page that says so."""

    question: str
    answerable: bool
    answered: bool
    right: bool
    page_cited: bool
    answer: str


async def test_the_handbook_answers_its_questions_and_refuses_the_others(handbook: Api, full: bool) -> None:
    questions = [json.loads(line) for line in QUESTIONS.read_text().splitlines()]
    chosen = questions if full else questions[::SMOKE_EVERY]
    verdicts = [await judged(handbook, question) for question in chosen]
    answerable = [verdict for verdict in verdicts if verdict.answerable]
    others = [verdict for verdict in verdicts if not verdict.answerable]
    answered = share([verdict.answered for verdict in answerable])
    right = share([verdict.right for verdict in answerable])
    cited = share([verdict.page_cited for verdict in answerable])
    refused = share([not verdict.answered for verdict in others])
    print(
        f"\n{len(answerable)} answerable: {answered:.0%} answered, {right:.0%} right, {cited:.0%} cite the right page"
    )
    print(f"{len(others)} others: {refused:.0%} refused")
    for verdict in verdicts:
        if verdict.answerable != verdict.answered or (verdict.answerable and not verdict.right):
            print(f"  {verdict}")
    assert answered >= LEAST_ANSWERED
    assert right >= LEAST_RIGHT
    assert refused >= LEAST_REFUSED


async def judged(handbook: Api, question: dict) -> Verdict:
    answer = await handbook.call("POST", "/chat", json={"message": question["question"]})
    answered = answer["metadata"]["outcome"] == "answered"
    cited = {citation["n"] for citation in answer["citations"]}
    pages = {source["external_id"].rsplit("/", 1)[-1] for source in answer["sources"] if source["n"] in cited}
    page_cited = bool(question["page"]) and question["page"].rsplit("/", 1)[-1] in pages
    text = answer["answer"].casefold()
    complete = all(part.casefold() in text for part in question.get("answer_contains") or [])
    right = answered and complete and page_cited
    return Verdict(question["question"], bool(question["page"]), answered, right, page_cited, answer["answer"])


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)
