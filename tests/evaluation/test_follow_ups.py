"""Follow-ups about the handbook: is their page found in a conversation, where it isn't without one?

The floors are what was measured less room for noise; docs/decisions/0029-conversation.md has the figures.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from scripts.api import Api

DIALOGUES = Path(__file__).with_name("follow_ups.jsonl")
SMOKE_EVERY = 5
DEPTH = 3
LEAST_FOUND = 0.8
LEAST_GAIN = 0.15


@dataclass(frozen=True)
class Found:
    """The last question of a dialogue: whether its page is among the first sources, and is cited, with and without
    the conversation before it."""

    question: str
    leans: bool
    found: bool
    cited: bool
    found_alone: bool
    cited_alone: bool


async def test_a_follow_up_is_understood_from_its_conversation(handbook: Api, full: bool) -> None:
    dialogues = [json.loads(line) for line in DIALOGUES.read_text().splitlines()]
    chosen = dialogues if full else dialogues[::SMOKE_EVERY]
    asked = [await last_of(handbook, dialogue) for dialogue in chosen]
    leaning = [one for one in asked if one.leans]
    others = [one for one in asked if not one.leans]
    print(f"\n{told('follow-ups', leaning)}\n{told('other topics', others)}")
    for one in asked:
        if not one.found or (one.found_alone and not one.cited):
            print(f"  {one}")
    assert share([one.found for one in leaning]) >= LEAST_FOUND
    assert share([one.found for one in leaning]) >= share([one.found_alone for one in leaning]) + LEAST_GAIN
    assert [one.found for one in others] == [one.found_alone for one in others]


async def last_of(api: Api, dialogue: dict) -> Found:
    *before, last = dialogue["turns"]
    session: dict = {}
    for question in before:
        answer = await api.call("POST", "/chat", json={"message": question, **session})
        session = {"session_id": answer["session_id"]}
    within = await api.call("POST", "/chat", json={"message": last, **session})
    alone = await api.call("POST", "/chat", json={"message": last})
    page = dialogue["page"]
    return Found(
        last,
        dialogue["leans"],
        page in pages(within)[:DEPTH],
        is_cited(page, within),
        page in pages(alone)[:DEPTH],
        is_cited(page, alone),
    )


def pages(answer: dict) -> list[str]:
    return [source["external_id"].rsplit("/", 1)[-1] for source in answer["sources"]]


def is_cited(page: str, answer: dict) -> bool:
    cited = {citation["n"] for citation in answer["citations"]}
    return any(page == name and number in cited for number, name in enumerate(pages(answer), start=1))


def told(what: str, asked: list[Found]) -> str:
    return (
        f"{len(asked)} {what}: page among the first {DEPTH} sources {share([one.found for one in asked]):.0%}, without "
        f"the conversation {share([one.found_alone for one in asked]):.0%}; cited "
        f"{share([one.cited for one in asked]):.0%}, without {share([one.cited_alone for one in asked]):.0%}"
    )


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
