"""The extractive answer, which a generated one must beat."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from libs.contracts.errors import FootnoteError
from services.chat.answerability.judge import Answerability
from services.chat.generating import Generation
from services.chat.grounding.grounder import Checked, Grounder, checked_sentences


@dataclass(frozen=True)
class Worth:
    """What speaks for an answer: how well the passages support it, and how much it speaks of the question; 0 to 1."""

    support: float
    bearing: float

    @property
    def score(self) -> float:
        return self.support * self.bearing

    def record(self) -> dict[str, float]:
        return {"support": round(self.support, 3), "bearing": round(self.bearing, 3), "score": round(self.score, 3)}


# It is composed in a fraction of this while the generator writes its first sentence; a checked one waits no longer.
LONGEST_WAIT_S = 1.0


class Floor:
    """The extractive answer, composed while a generator is writing."""

    def __init__(self, generation: Generation, grounder: Grounder, answerability: Answerability) -> None:
        self.generation = generation
        self.grounder = grounder
        self.answerability = answerability
        self._composing: asyncio.Task[list[Checked]] | None = None

    def begin(self) -> None:
        if self._composing is None:
            self._composing = asyncio.create_task(self._compose())

    async def _compose(self) -> list[Checked]:
        checked_ones = checked_sentences(self.generation, self.grounder)
        async with aclosing(self.answerability.passed(checked_ones)) as stream:
            return [checked async for checked in stream]

    async def sentences(self) -> list[Checked]:
        """Its sentences, checked. Raises FootnoteError where it can't be composed."""
        self.begin()
        assert self._composing is not None  # noqa: S101 - it has begun
        return await asyncio.shield(self._composing)

    async def worth(self) -> Worth | None:
        """None where there is no such answer, or none in time."""
        try:
            async with asyncio.timeout(LONGEST_WAIT_S):
                supported = [checked for checked in await self.sentences() if checked.support.cited]
        except (FootnoteError, TimeoutError):
            return None
        return await worth(supported, self.grounder) if supported else None

    async def discard(self) -> None:
        """Ends the composing, if it is under way."""
        if self._composing is None:
            return
        self._composing.cancel()
        await asyncio.gather(self._composing, return_exceptions=True)


async def worth(checked: Sequence[Checked], grounder: Grounder) -> Worth:
    """Of an answer's supported sentences: the best one's."""
    every = [Worth(one.support.score, await grounder.bearing(one)) for one in checked]
    return max(every, key=lambda one: one.score)


def compared(generated: Worth, extractive: Worth | None, allowance: float) -> tuple[bool, dict[str, Any]]:
    """Whether the generated answer goes out, and why, for the trace.

    It may lack `allowance` in score. docs/decisions/0030-floor-marks-disagreements.md tells how that was measured.
    """
    record: dict[str, Any] = {"generated": generated.record(), "allowance": allowance}
    if extractive is None:
        return True, record | {"chosen": "generated", "why": "there was no extractive answer, or none in time"}
    record["extractive"] = extractive.record()
    if generated.score + allowance >= extractive.score:
        return True, record | {"chosen": "generated", "why": "its first supported sentence is worth as much"}
    return False, record | {"chosen": "extractive", "why": "the generated one's first supported sentence is worth less"}
