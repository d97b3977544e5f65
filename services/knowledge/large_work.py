"""Large documents of one organisation leave a slot of the worker to the others."""

import asyncio
from collections import Counter
from uuid import UUID

from services.knowledge.queue import Claim

# A larger document may keep its slot for minutes.
SMALL_BYTES = 1_000_000


class LargeWork:
    """Who works on large documents in this process, of `slots` that can. `claiming` is held from look to entry."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._busy: Counter[UUID] = Counter()
        self.claiming = asyncio.Lock()

    def crowding(self) -> set[UUID]:
        """The organisations that have all slots but one: they get no more for now. None where there is only one."""
        if self._slots == 1:
            return set()
        return {organization_id for organization_id, held in self._busy.items() if held >= self._slots - 1}

    def begin(self, claim: Claim) -> None:
        if _is_large(claim):
            self._busy[claim.organization_id] += 1

    def end(self, claim: Claim) -> None:
        if _is_large(claim):
            self._busy -= Counter([claim.organization_id])


def _is_large(claim: Claim) -> bool:
    return any(revision.size_bytes > SMALL_BYTES for revision in claim.revisions)
