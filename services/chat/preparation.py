"""What an answer needs of other services whatever it will say: asked for while its question is stored."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from services.chat.answer_cache.expected import Stood
from services.chat.quota import Granted, Quota


@dataclass(frozen=True)
class Preparation:
    """Room for the answer under `reservation_id`, and how the knowledge stands, both on their way."""

    reservation_id: UUID
    granted: asyncio.Task[Granted]
    standing: asyncio.Task[Stood | None]

    async def ready(self) -> tuple[Granted, Stood | None]:
        """Raises as `Quota.reserve` does. To cancel this cancels what isn't there yet."""
        return await asyncio.gather(self.granted, self.standing)

    async def ended(self) -> None:
        """Returns when nothing of it goes on, so that no reservation comes after its release."""
        self.standing.cancel()
        await asyncio.gather(self.granted, self.standing, return_exceptions=True)

    async def withdraw(self, quota: Quota) -> None:
        """Gives the room back: there is no question to answer."""
        await self.ended()
        if not self.granted.cancelled() and self.granted.exception() is None:
            await quota.give_back(self.granted.result(), self.reservation_id)
