"""The sources that a question's answer had last time, so that access to them is asked for before it is looked up."""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from libs.contracts.knowledge import Standing
from services.chat.answer_cache.kept import digest

REMEMBERED = 4_000
# What knowledge said of access when the question came is believed for so long, half of what a subject is; it is asked
# again where a generator made the question stand alone first, or the machine is busy.
BELIEVED_S = 0.5


@dataclass(frozen=True)
class Stood:
    """What knowledge told, asked at `asked_at` on the monotonic clock."""

    told: Standing
    asked_at: float

    def readable(self) -> Collection[UUID]:
        """Those of the expected sources that the reader may see; none once it is too long ago."""
        return set(self.told.readable) if time.monotonic() - self.asked_at <= BELIEVED_S else ()


class ExpectedSources:
    """What one process remembers, for whoever asks in an organisation: it opens nothing to anybody."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._sources: OrderedDict[tuple[UUID, str], tuple[UUID, ...]] = OrderedDict()

    def of(self, organization_id: UUID, question: str) -> tuple[UUID, ...]:
        return self._sources.get((organization_id, digest(question)), ())

    def note(self, organization_id: UUID, question: str, chunk_ids: Iterable[UUID]) -> None:
        key = organization_id, digest(question)
        self._sources[key] = tuple(chunk_ids)
        self._sources.move_to_end(key)
        if len(self._sources) > self._remembered:
            self._sources.popitem(last=False)
