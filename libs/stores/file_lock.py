"""A lock among threads and processes of one machine."""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from libs.inference.abandonable import LOOK_S, end_if_abandoned


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Holds the lock file `path` exclusively, waiting for it; the system frees it when its holder dies.

    Raises CancelledError where it waits in a thread that was abandoned.
    """
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                end_if_abandoned()
                time.sleep(LOOK_S)
        yield
