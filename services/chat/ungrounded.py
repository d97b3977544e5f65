"""An answer that no documents stand behind."""

import re
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Sequence
from contextlib import aclosing
from copy import copy
from dataclasses import replace
from itertools import count, groupby
from string import ascii_letters

from libs.contracts.chat import TokenEvent
from libs.text.sentences import MAX_SENTENCE, SentenceStream
from services.chat.code import CodeFinder, Part
from services.chat.draft import Draft
from services.chat.events import Publish
from services.chat.generating import Generation
from services.chat.grounding.cleaning import clean, visible

# Private characters around the number of a span of code while the text around it is cleaned.
_STANDS_FOR = "\ue005{}\ue006"
_STANDING = re.compile("\ue005(\\d+)\ue006")
_PRIVATE: dict[int, None] = dict.fromkeys((0xE005, 0xE006))
# What makes a link, an image or an element where two pieces meet.
_TOGETHER = frozenset({"](", "]:", "![", *(f"<{sign}" for sign in "!?/" + ascii_letters)})


async def say_unchecked(generation: Generation, draft: Draft, publish: Publish) -> None:
    """Says what is generated as it comes; whatever ends it early, the draft has what was said and what it cost."""
    with draft.trace.step("generate") as step:
        try:
            async with aclosing(unchecked_text(generation.deltas())) as stream:
                async for text in stream:
                    if text:
                        draft.said.append(text)
                        draft.model = generation.model
                        publish(TokenEvent(text=text))
        finally:
            draft.usages.append(generation.usage)
            step.update(model=generation.model, finish_reason=generation.finish_reason, **generation.routing())
            if generation.replaced():
                draft.degrade("generation")
    draft.finish_reason = generation.finish_reason or draft.finish_reason


async def unchecked_text(deltas: AsyncGenerator[str]) -> AsyncGenerator[str]:
    """The text sentence by sentence, without invisible characters, links, images and anything like a citation.

    What every reader of Markdown takes for code is left as it is, line by line: its brackets are no citations. Closing
    this closes `deltas`.
    """
    pieces = _Pieces()
    async with aclosing(deltas):
        async for delta in deltas:
            for piece in pieces.feed(delta):
                yield piece
    for piece in pieces.close():
        yield piece


class _Pieces:
    """Cuts text while it arrives, and cleans it: a block of code by its lines, the rest by its sentences."""

    def __init__(self) -> None:
        self._sentences = SentenceStream()
        self._line = ""  # of a block, so far
        self._cleaner = _Cleaner()

    def feed(self, text: str) -> Iterator[str]:
        while text:
            if self._cleaner.in_block:
                line, end, text = (self._line + text).partition("\n")
                self._line = line + end
                if end or len(line) >= MAX_SENTENCE:
                    yield self._whole_line()
            else:
                text = yield from self._to_a_block(self._sentences.feed(text))

    def close(self) -> Iterator[str]:
        if self._line:
            yield self._whole_line()
        for piece in self._sentences.close():
            yield self._cleaner.cleaned(piece)

    def _to_a_block(self, pieces: Iterable[str]) -> Generator[str, None, str]:
        """Cleans the pieces up to where a block begins; returns what follows of the text."""
        left = iter(pieces)
        for piece in left:
            yield self._cleaner.cleaned(piece)
            if self._cleaner.in_block:
                return "".join([*left, *self._sentences.close()])
        return ""

    def _whole_line(self) -> str:
        line, self._line = self._line, ""
        return self._cleaner.cleaned(line)


class _Cleaner:
    def __init__(self) -> None:
        self._code = CodeFinder()
        self._last = ""

    @property
    def in_block(self) -> bool:
        return self._code.in_block

    def cleaned(self, piece: str) -> str:
        # Before it is read: a sign that isn't shown would part what is shown together.
        ahead = copy(self._code)
        parts = ahead.parts(visible(piece).translate(_PRIVATE))
        # What is code to some readers keeps its lines.
        shown = self._after_the_last("".join(_joined(parts, by_line=ahead.lost)))
        # With something less around it, other parts of it may be code.
        if _code_of(self._code.parts(shown)) != _code_of(parts):
            self._code.give_up()
            shown = self._after_the_last(_without_links([replace(part, kind="text") for part in parts], by_line=True))
        self._last = shown[-1:] or self._last
        return shown

    def _after_the_last(self, text: str) -> str:
        return f" {text}" if self._last + text[:1] in _TOGETHER else text


def _joined(parts: Sequence[Part], *, by_line: bool) -> Iterator[str]:
    for is_block, group in groupby(parts, key=lambda part: part.kind == "block"):
        grouped = list(group)
        if is_block:
            yield from (part.text for part in grouped)
        else:
            yield _without_links(grouped, by_line=by_line, whole_lines=grouped[-1] is not parts[-1])


def _code_of(parts: Sequence[Part]) -> list[str]:
    return [part.text for part in parts if part.kind != "text"]


def _without_links(parts: Sequence[Part], *, by_line: bool, whole_lines: bool = False) -> str:
    """Text and the code within it, `by_line` or on one; its last line break stays where a block follows."""
    spans = [part.text for part in parts if part.kind == "span"]
    numbers = count()
    text = "".join(part.text if part.kind == "text" else _STANDS_FOR.format(next(numbers)) for part in parts)
    cleaned = "\n".join(map(_cleaned, text.split("\n"))) if by_line else _cleaned(text)
    if whole_lines and not by_line and text.strip():
        cleaned += text[len(text.rstrip()) :]
    return _STANDING.sub(lambda match: spans[int(match.group(1))], cleaned)


def _cleaned(text: str) -> str:
    """With the white space before it."""
    start = len(text) - len(text.lstrip())
    return text[:start] + clean(text[start:], frozenset(), "")
