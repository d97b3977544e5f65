"""Password hashing: Argon2id (RFC 9106), a bounded number at a time."""

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, TypeVar

from passlib.context import CryptContext

from libs.contracts.errors import overloaded

# One hash keeps 64 MiB and every core busy for a moment, so that more at a time gain nothing.
WORKERS = min(4, os.cpu_count() or 1)
WAITING = 64

Result = TypeVar("Result")


@dataclass(frozen=True)
class Verdict:
    """`replacement` is the same password's hash by today's parameters, where the stored one is by older ones."""

    correct: bool
    replacement: str | None = None


class PasswordHasher:
    """Hashes and checks passwords in threads of its own.

    At most `workers` hashes are computed at once, which bounds memory even when callers go away, and at most `waiting`
    more wait; one beyond that is refused with 429 OVERLOADED, so that a flood of sign-ins stays a flood of refusals.
    """

    def __init__(self, workers: int = WORKERS, waiting: int = WAITING) -> None:
        self._context: Any = CryptContext(schemes=["argon2"], argon2__type="ID")
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._places = BoundedSemaphore(workers + waiting)
        self._nobodys: str = self._context.hash(os.urandom(16).hex())

    async def hash(self, password: str) -> str:
        """The encoded hash with its salt and parameters. Raises 429 OVERLOADED."""
        return await self._run(lambda: self._context.hash(_normal(password)))

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Whether the password is the stored one. Without a stored one (no such user) it is false, after the same work.

        Raises 429 OVERLOADED.
        """

        def check() -> Verdict:
            correct, replacement = self._context.verify_and_update(_normal(password), stored or self._nobodys)
            return Verdict(correct and stored is not None, replacement)

        return await self._run(check)

    async def _run(self, work: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise overloaded("password checks")
        future = self._threads.submit(work)
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _future: Future[Any]) -> None:
        self._places.release()

    def close(self) -> None:
        """Waits for the hashes being computed and drops those that wait."""
        self._threads.shutdown(cancel_futures=True)


def _normal(password: str) -> str:
    """The same characters however a keyboard composes them (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password)
