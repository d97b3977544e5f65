"""An answer from the sources: the generator's or the extractive one, whichever speaks more of what was asked."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, Protocol

from libs.clients.context import current_context
from libs.contracts.chat import TextSpan
from libs.contracts.errors import ErrorCode, FootnoteError
from libs.telemetry.logs import get_logger
from services.chat.answerability.judge import Answerability
from services.chat.draft import Draft
from services.chat.events import Publish
from services.chat.floor import Floor, compared, worth
from services.chat.generating import EXTRACTIVE, Generation
from services.chat.grounding.grounder import Checked, Grounder, checked_sentences
from services.chat.speech import Said, Speech

log = get_logger(__name__)


class Record(Protocol):
    """Notes a sentence and what was said of it, or why it wasn't; `at_ms` is when its check had ended."""

    def __call__(
        self, checked: Checked, said: Sequence[Said], cut: str | None = None, at_ms: float | None = None
    ) -> None: ...


# Kept back from a generator's time, for the extractive answer in its place.
EXTRACTIVE_RESERVE_S = 5.0
QUOTED = "it was told where the sources disagree, or the preferred source was said in its place"


class GroundedAnswer:
    """Speaks one answer. `generate` starts the model of a name; the grounder checks every sentence of it, and the
    answer is held back until one of them answers the question likely enough.

    While a generator writes, the extractive answer is composed beside it. Which of the two goes out is settled at the
    generator's first supported sentence: that may be worth the model's `allowance` less.
    """

    def __init__(
        self,
        draft: Draft,
        grounder: Grounder,
        answerability: Answerability,
        publish: Publish,
        generate: Callable[[str], Generation],
        allowance: Callable[[str], Awaitable[float]],
    ) -> None:
        self._allowance = allowance
        self._draft = draft
        self._grounder = grounder
        self._answerability = answerability
        self._generate = generate
        self._speech = Speech(draft, publish)

    async def speak(self, model: str) -> None:
        """Says nothing where nothing is supported. Raises FootnoteError where the floor itself fails."""
        if model == EXTRACTIVE:
            await self._say(self._generate(EXTRACTIVE), None)
        else:
            floor = Floor(self._generate(EXTRACTIVE), self._grounder.twin(), self._answerability.twin())
            try:
                await self._write(self._generate(model), floor)
            finally:
                await floor.discard()
        if self._grounder.embedding_failed:
            self._draft.degrade("embedding")
        if self._grounder.entailment_failed:
            self._draft.degrade("entailment")

    async def _write(self, generation: Generation, floor: Floor) -> None:
        """The generator's answer; the extractive one where that is better, or nothing of it can be said."""
        draft = self._draft
        generation.begun = lambda: None if generation.chosen() else floor.begin()
        remaining = current_context().remaining_s()
        allowed = None if remaining is None else remaining - min(EXTRACTIVE_RESERVE_S, remaining / 4)
        try:
            async with asyncio.timeout(allowed):
                await self._say(generation, floor)
        except TimeoutError:
            draft.degrade("deadline")
            draft.finish_reason = "deadline"
        except FootnoteError as error:
            # Below the extractive composer there is nothing that could answer in its place.
            floor_failed = generation.model == EXTRACTIVE and not draft.said.text
            if error.code == ErrorCode.MODEL_NOT_FOUND or floor_failed:
                raise
            log.warning("generation ended early", model=generation.model, reason=error.message)
            draft.degrade("generation")
            draft.finish_reason = "error"
        if not draft.said.text and generation.model != EXTRACTIVE:
            draft.finish_reason = "stop"
            await self._say_composed(floor)

    async def _say(self, generation: Generation, floor: Floor | None) -> None:
        """What of a generation is supported, from the first such sentence on; nothing where the floor is better.

        A marked sentence waits for a supported one: an answer of nothing else isn't one.
        """
        answerability = self._answerability
        with self._recorded(generation, answerability) as record:
            held: list[Checked] = []
            begun = False
            async with aclosing(answerability.passed(checked_sentences(generation, self._grounder))) as stream:
                async for checked in stream:
                    at_ms = self._draft.trace.at_ms()
                    if not begun and checked.marked:
                        held.append(checked)
                        continue
                    if not begun and checked.support.cited:
                        if (
                            floor
                            and not generation.chosen()
                            and not await self._beats(checked, floor, generation.model)
                        ):
                            record(checked, [], cut="the extractive answer is worth more")
                            break
                        begun = True
                        for one in held:
                            record(one, await self._speech.say(one, generation.model, self._grounder))
                    self._draft.answers = answerability.confidence
                    shown = checked.marked or checked.support.cited
                    said = await self._speech.say(checked, generation.model, self._grounder) if shown else []
                    record(checked, said, at_ms=at_ms)
            if not begun:
                for one in held:
                    record(one, [], cut="no sentence of the answer has support")

    async def _say_composed(self, floor: Floor) -> None:
        with self._recorded(floor.generation, floor.answerability) as record:
            for checked in await floor.sentences():
                self._draft.answers = floor.answerability.confidence
                said = await self._speech.say(checked, EXTRACTIVE, floor.grounder) if checked.support.cited else []
                record(checked, said)

    async def _beats(self, checked: Checked, floor: Floor, model: str) -> bool:
        """Whether the model's answer, of which this is the first supported sentence, goes out."""
        with self._draft.trace.step("choose") as step:
            generated = await worth([checked], self._grounder)
            wins, found = compared(generated, await floor.worth(), await self._allowance(model))
            step.update(found)
            return wins

    @contextmanager
    def _recorded(self, generation: Generation, answerability: Answerability) -> Generator[Record]:
        """The trace's step of a generation; each sentence that was checked is told to it."""
        draft = self._draft
        sentences: list[dict[str, Any]] = []

        def record(checked: Checked, said: Sequence[Said], cut: str | None = None, at_ms: float | None = None) -> None:
            when = {} if at_ms is None else {"at_ms": at_ms}
            if all(one.checked is not checked for one in said):
                sentences.append(judged(checked, None, cut) | when)
            sentences.extend(judged(one.checked, one.place) | when for one in said)

        with draft.trace.step("generate") as step:
            try:
                yield record
            finally:
                usage = generation.usage
                draft.usages.append(usage)
                step.update(
                    model=generation.model,
                    prompt_tokens=usage.prompt_tokens,
                    completion_tokens=usage.completion_tokens,
                    finish_reason=generation.finish_reason,
                    check_ms=round(generation.paused_s * 1000, 2),
                    sentences=sentences,
                    answers=round(answerability.confidence, 3),
                    least=answerability.least,
                    **generation.routing(),
                )
                if generation.replaced():
                    draft.degrade("generation")
        draft.finish_reason = generation.finish_reason or draft.finish_reason


def judged(checked: Checked, place: TextSpan | None, cut: str | None = None) -> dict[str, Any]:
    """A sentence in the trace: what became of it and why; its words only where the answer doesn't have them."""
    support = checked.support
    record: dict[str, Any] = {
        "kept": place is not None,
        "verdict": support.verdict,
        "support": round(support.score, 3),
        "sources": [
            {
                "n": cited.n,
                "score": round(cited.score, 3),
                "spans": [{"start": span.start, "end": span.end} for span in cited.spans],
                **({} if cited.entailment is None else {"entailment": round(cited.entailment, 3)}),
            }
            for cited in support.cited
        ],
    }
    if place:
        record |= {"start": place.start, "end": place.end}
    else:
        record |= {"text": checked.text, "cut": cut or support.reason or QUOTED}
    return record if support.cited else record | {"nearest": support.nearest, "lacks": support.reason}
