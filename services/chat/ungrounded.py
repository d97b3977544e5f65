"""An answer that no documents stand behind."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from libs.contracts.chat import TokenEvent
from libs.text.sentences import SentenceStream
from services.chat.draft import Draft
from services.chat.events import Publish
from services.chat.generating import Generation
from services.chat.grounding.cleaning import clean, visible

_FENCES = ("```", "~~~")


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

    Code is left as it is: its brackets are no citations. Closing this closes `deltas`.
    """
    stream = SentenceStream()
    cleaner = _Cleaner()
    async with aclosing(deltas):
        async for delta in deltas:
            for piece in stream.feed(delta):
                yield cleaner.cleaned(piece)
    for piece in stream.close():
        yield cleaner.cleaned(piece)


class _Cleaner:
    def __init__(self) -> None:
        self._in_code = False

    def cleaned(self, piece: str) -> str:
        fence = piece.strip().startswith(_FENCES)
        if fence or self._in_code or "`" in piece:
            self._in_code ^= fence
            return visible(piece)
        start = len(piece) - len(piece.lstrip())
        return visible(piece[:start]) + clean(piece[start:], frozenset(), "")
