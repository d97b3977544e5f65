"""A running summary of what a person has asked: the last question that stood alone, and key phrases of the others.

It is made of their own questions and of nothing that documents said, so it stays true of every reader and every time,
whatever happens to the documents. docs/decisions/0029-conversation.md
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from libs.text.small_talk import small_talk
from libs.text.stems import stem
from libs.text.words import STOPWORDS, WORD
from services.chat.memory.followup import asks_for_more, leans

# Of a question, what is read.
QUESTION_CHARS = 2_000
TOPIC_CHARS = 200
PHRASES_CHARS = 600
PHRASE_WORDS = 4


@dataclass(frozen=True)
class Summary:
    """`topic` is a question, `phrases` are what all of them were about, the latest last; both are bounded."""

    topic: str = ""
    phrases: tuple[str, ...] = ()


def folded(summary: Summary, questions: Iterable[str]) -> Summary:
    """The summary with further questions, oldest first. A phrase that comes again moves to the end."""
    topic, phrases = summary.topic, {_key(phrase): phrase for phrase in summary.phrases}
    for said in questions:
        question = said[:QUESTION_CHARS]
        if small_talk(question):
            continue
        if not leans(question):
            topic = " ".join(question.split())[:TOPIC_CHARS]
        for phrase in key_phrases(question):
            phrases.pop(_key(phrase), None)
            phrases[_key(phrase)] = phrase
    return Summary(topic, tuple(_latest(list(phrases.values()))))


def key_phrases(question: str) -> Iterator[str]:
    """Runs of words that carry content, as they are written."""
    run: list[str] = []
    end = 0
    for match in WORD.finditer(question):
        apart = question[end : match.start()].strip() != ""
        end = match.end()
        telling = match.group().casefold() not in STOPWORDS and not asks_for_more(match.group())
        if run and (apart or not telling or len(run) == PHRASE_WORDS):
            yield " ".join(run)
            run = []
        if telling:
            run.append(match.group()[:TOPIC_CHARS])
    if run:
        yield " ".join(run)


def _key(phrase: str) -> str:
    return " ".join(stem(word.casefold()) for word in phrase.split())


def _latest(phrases: Sequence[str]) -> list[str]:
    kept: list[str] = []
    room = PHRASES_CHARS
    for phrase in reversed(phrases):
        room -= len(phrase) + 2
        if room < 0:
            break
        kept.append(phrase)
    return kept[::-1]
