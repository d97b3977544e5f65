"""A process that ends with the one that started it, even where that one ends by SIGKILL."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# The environment variable in which a supervisor gives its process id to its children.
SUPERVISOR = "FOOTNOTE_SUPERVISOR"


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """Asks Linux to send this process `how` when `parent`, its starter, dies; ends it where that has happened already.

    Does nothing on other systems.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:
        os._exit(1)


def ending_with_us(how: signal.Signals) -> Callable[[], None]:
    """`end_with_parent` for subprocess's `preexec_fn`: the child of the process that calls this."""
    parent = os.getpid()
    return lambda: end_with_parent(parent, how)
