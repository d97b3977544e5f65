import asyncio
from contextlib import suppress

from services.knowledge.worker import _forever


async def test_a_step_that_takes_the_cancellation_for_its_own_does_not_keep_the_worker_going() -> None:
    begun = asyncio.Event()

    async def swallows() -> bool:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return True

    running = asyncio.create_task(_forever(swallows, 0))
    await begun.wait()
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=5)
    assert done
