"""The end of an answer, stored also where the database is away at that moment."""

import asyncio
import time
from collections.abc import Sequence

from libs.contracts.errors import ErrorCode, FootnoteError, unavailable
from libs.contracts.identity import Subject
from libs.telemetry.logs import get_logger
from services.chat.repository import ChatStore, FinishedAnswer, OutboxEntry

log = get_logger(__name__)

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
# The server ends a statement before; a connection that it's no longer there for would wait for many minutes.
LONGEST_TRY_S = 20.0


async def finished(
    store: ChatStore, subject: Subject, answer: FinishedAnswer, *outbox: OutboxEntry, longest_s: float
) -> None:
    """Stores the answer and its messages once. Raises 503 where the database stays away for `longest_s`."""
    end = time.monotonic() + longest_s
    wait_s = FIRST_WAIT_S
    while True:
        try:
            await _finish(store, subject, answer, outbox)
        except FootnoteError as error:
            if error.code != ErrorCode.UPSTREAM_UNAVAILABLE or time.monotonic() + wait_s > end:
                raise
            log.warning("an answer isn't stored yet", message_id=str(answer.message_id), error=error.message)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        else:
            return


async def _finish(store: ChatStore, subject: Subject, answer: FinishedAnswer, outbox: Sequence[OutboxEntry]) -> None:
    try:
        async with asyncio.timeout(LONGEST_TRY_S), store.step(subject) as repository:
            await repository.finish(answer, *outbox)
    except TimeoutError as error:
        raise unavailable("database") from error
