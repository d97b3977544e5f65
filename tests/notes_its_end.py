"""A process that notes in `FOOTNOTE_HOME/ends` when it is asked to end, and then does."""

import os
import signal
from pathlib import Path

from libs.stores.parent import SUPERVISOR, end_with_parent


def main() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    end_with_parent(int(os.environ[SUPERVISOR]), signal.SIGTERM)
    _note("ready")
    signal.sigwait([signal.SIGTERM])
    _note("asked")
    _note("ended")


def _note(what: str) -> None:
    with (Path(os.environ["FOOTNOTE_HOME"]) / "ends").open("a") as notes:
        notes.write(f"{os.getpid()} {what}\n")


if __name__ == "__main__":
    main()
