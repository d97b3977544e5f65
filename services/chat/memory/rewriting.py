"""A follow-up made into a question that can be searched for by itself, by a generator; and what it may not do there."""

import asyncio
import re
from contextlib import aclosing
from dataclasses import dataclass

from libs.clients.context import current_context
from libs.clients.generation import GenerationClient
from libs.contracts.chat import MESSAGE_MAX_CHARS
from libs.contracts.completions import ChatMessageParam, CompletionRequest
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.text.words import content_stems, stem, words
from services.chat.generating import EXTRACTIVE, Generation
from services.chat.grounding.cleaning import visible
from services.chat.grounding.facts import is_negated
from services.chat.memory.followup import asks_for_more, leans
from services.chat.memory.turns import Conversation
from services.chat.prompt import quotation
from services.chat.quota import Usage
from services.chat.safety.personal.masking import StandIns

PROMPT = """\
Rewrite the person's last question so that it can be understood without the conversation. Replace words such as "it" \
or "that" by what they stand for, and add what the question leaves out.
- Use only words of the conversation. Keep every name, number and "not" of the last question.
- Don't answer it. Reply with one question and nothing else, in the language of the last question."""
# What a rewriter is shown of the conversation, and how much it may write.
TURNS_SHOWN = 6
TURN_CHARS = 400
MOST_TOKENS = 80
LONGEST_CHARS = 400
# Content words that stand in neither question nor conversation: one more than these, and it isn't theirs any more.
MOST_NEW_WORDS = 1
# Of a follow-up's deadline for everything, the part that rewriting may take.
DEADLINE_SHARE = 0.2

_LABEL = re.compile(r"^\W*(?:(?:standalone|rewritten|last)\s+)?question\s*:\s*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_ENDS_AS_QUESTION = ("?", "？", "؟", ";")


@dataclass(frozen=True)
class Rewritten:
    """`text` is None where nothing usable came; `problem` says why, `said` what came instead, `usage` what it took.

    `asked` is false where there turned out to be no generator.
    """

    text: str | None
    problem: str | None = None
    said: str = ""
    model: str = ""
    usage: Usage | None = None
    asked: bool = True


class Rewriter:
    """Asks a generator for `longest_s` seconds at most."""

    def __init__(self, generation: GenerationClient, longest_s: float) -> None:
        self._generation = generation
        self._longest_s = longest_s

    async def rewritten(
        self,
        question: str,
        conversation: Conversation,
        model: str,
        plan: str | None,
        stand_ins: StandIns | None = None,
    ) -> Rewritten:
        """Raises nothing: a generator that hangs, fails or says something else leaves the question to the rules."""
        remaining = current_context().remaining_s()
        allowed = self._longest_s if remaining is None else min(self._longest_s, remaining * DEADLINE_SHARE)
        request = CompletionRequest(
            model=model, messages=rewriting_messages(question, conversation), max_tokens=MOST_TOKENS, temperature=0
        )
        generation = Generation(self._generation, request, plan, stand_ins)
        said, problem = "", None
        try:
            async with asyncio.timeout(allowed), aclosing(generation.deltas()) as deltas:
                async for delta in deltas:
                    said += delta
                    if len(said) > LONGEST_CHARS:
                        break
        except TimeoutError:
            problem = "it took too long"
        except FootnoteError as error:
            if error.code == ErrorCode.NO_GENERATOR:
                return Rewritten(None, asked=False)
            problem = error.message
        usage = generation.usage
        if generation.model == EXTRACTIVE:
            return Rewritten(None, usage=usage, asked=False)
        if problem is None:
            text, problem = checked(said, question, conversation)
            if text is not None:
                return Rewritten(text, model=generation.model, usage=usage)
        return Rewritten(None, problem, said[:LONGEST_CHARS], generation.model, usage)


def rewriting_messages(question: str, conversation: Conversation) -> list[ChatMessageParam]:
    """The conversation as one quotation: what documents said is left out, for it may no longer be the reader's."""
    lines = [
        f"{'Person' if turn.role == 'user' else 'Assistant'}: {_shortened(turn.content)}"
        for turn in conversation.turns
        if turn.own_words
    ][-TURNS_SHOWN:]
    summary = conversation.summary
    if summary.phrases:
        lines.insert(0, f"Earlier they asked about: {'; '.join(summary.phrases)}.")
    if summary.topic:
        lines.insert(0, f"An earlier question: {summary.topic}")
    told = quotation("\n".join(lines))
    return [
        ChatMessageParam(role="system", content=PROMPT),
        ChatMessageParam(
            role="user", content=f"Conversation:\n{told}\n\nLast question: {quotation(_shortened(question))}"
        ),
    ]


def checked(said: str, question: str, conversation: Conversation) -> tuple[str | None, str | None]:
    """The question that a generator wrote; or None and why it can't be taken for the person's."""
    if len(said) > LONGEST_CHARS:
        return None, "it is too long"
    lines = [line.strip() for line in visible(said).splitlines() if line.strip()]
    if len(lines) != 1:
        return None, "it isn't one line"
    text = _LABEL.sub("", lines[0]).strip().strip("\"'“”‘’«»`*").strip()
    if not text.endswith(_ENDS_AS_QUESTION) or not words(text):
        return None, "it isn't a question"
    if leans(question) and content_stems(text) <= content_stems(question):
        return None, "it adds nothing to the question"
    known = " ".join([question, *_own_words(conversation)])
    return (None, against) if (against := _strays(text, question, known)) else (text[:MESSAGE_MAX_CHARS], None)


def _strays(text: str, question: str, known: str) -> str | None:
    """What it says that nobody has said, or leaves out of what was asked."""
    return _unheard(text, known) or _left_out(text, question)


def _unheard(text: str, known: str) -> str | None:
    if unheard := sorted(set(_NUMBER.findall(text)) - set(_NUMBER.findall(known))):
        return f"nobody has said the number {unheard[0]!r}"
    heard = {word.casefold() for word in _WORD.findall(known)}
    stems = {stem(word) for word in heard} | content_stems(known)
    for position, word in enumerate(_WORD.findall(text)):
        named = position > 0 and any(map(str.isupper, word))
        if named and word.casefold() not in heard and stem(word.casefold()) not in stems:
            return f"nobody has said the name {word!r}"
    return "it says more than was asked" if len(content_stems(text) - stems) > MOST_NEW_WORDS else None


def _left_out(text: str, question: str) -> str | None:
    if lost := sorted(set(_NUMBER.findall(question)) - set(_NUMBER.findall(text))):
        return f"it leaves out the number {lost[0]!r}"
    own = {one for one in content_stems(question) if not asks_for_more(one)}
    if lost := sorted(own - content_stems(text)):
        return f"it leaves out {lost[0]!r}"
    return "it turns the question round" if is_negated(question) != is_negated(text) else None


def _own_words(conversation: Conversation) -> list[str]:
    summary = conversation.summary
    return [summary.topic, *summary.phrases, *(turn.content for turn in conversation.turns if turn.own_words)]


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TURN_CHARS else f"{line[: TURN_CHARS - 1]}…"
