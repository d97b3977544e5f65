"""A process as it always runs, until a named step: there it kills itself.

`python -m tests.integration.services.knowledge.crashes.dying` with a `Death` as JSON.
"""

import asyncio
import inspect
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from importlib import import_module
from operator import attrgetter
from typing import IO, Any, Literal

import orjson
from pydantic import TypeAdapter

from libs.config.settings import REPOSITORY, ProcessName
from libs.service.run import serve
from services.knowledge.main import build as build_api
from services.knowledge.worker import LOOP
from services.knowledge.worker import build as build_worker

# Its start alone, with all that it imports, takes many times as long beside other tests.
STEPS_WAIT_S = 120.0


@dataclass(frozen=True)
class Death:
    """SIGKILL before or after the `nth` call of `step` (`module:Class.method` or `module:function`).

    `constants` are set before the process begins, in seconds where they are times; each keeps its type.
    """

    step: str
    when: Literal["before", "after"]
    nth: int = 1
    constants: dict[str, float] = field(default_factory=dict[str, float])

    def __str__(self) -> str:
        return f"{self.when} {self.step.rpartition(':')[2]}" + (f" {self.nth}" if self.nth > 1 else "")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange(death: Death) -> None:
    """Makes this process die as said."""
    for name, seconds in death.constants.items():
        set_constant(name, seconds, setattr)
    owner, attribute = _place(death.step)
    setattr(owner, attribute, _fatal(getattr(owner, attribute), death))


def set_constant(name: str, seconds: float, set_attribute: Callable[[Any, str, Any], None]) -> None:
    owner, attribute = _place(name)
    former = getattr(owner, attribute)
    set_attribute(
        owner, attribute, timedelta(seconds=seconds) if isinstance(former, timedelta) else type(former)(seconds)
    )


def _place(name: str) -> tuple[Any, str]:
    """What holds it, and under which name."""
    module, _, path = name.partition(":")
    holder, _, attribute = path.rpartition(".")
    owner = import_module(module)
    return (attrgetter(holder)(owner) if holder else owner), attribute


def _fatal(original: Callable[..., Any], death: Death) -> Callable[..., Any]:
    calls = 0

    def last() -> bool:
        nonlocal calls
        calls += 1
        return calls == death.nth

    async def awaited(*arguments: Any, **options: Any) -> Any:
        fatal = last()
        if fatal and death.when == "before":
            die()
        result = await original(*arguments, **options)
        if fatal:
            die()
        return result

    def called(*arguments: Any, **options: Any) -> Any:
        fatal = last()
        if fatal and death.when == "before":
            die()
        result = original(*arguments, **options)
        if fatal:
            die()
        return result

    return awaited if inspect.iscoroutinefunction(original) else called


class Dying:
    """A process that was started to die."""

    def __init__(self, process: asyncio.subprocess.Process, death: Death, said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._death = death

    async def died(self) -> None:
        """When it has died where it was to; whatever else it does fails."""
        try:
            async with asyncio.timeout(STEPS_WAIT_S):
                ended = await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"never came {self._death}") from None
        self._said.seek(0)
        said = self._said.read().decode()
        assert ended == -signal.SIGKILL, f"ended with {ended} instead of dying {self._death}: {said}"
        # LanceDB warns of a fork that could stop it for ever.
        assert "Warning" not in said, said

    async def end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._said.close()


async def start(process: ProcessName, death: Death, environment: dict[str, str]) -> Dying:
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, process, orjson.dumps(asdict(death)).decode(),
        cwd=REPOSITORY,
        env=os.environ | environment,
        stderr=said,
    )  # fmt: skip
    return Dying(started, death, said)


def main(arguments: Sequence[str]) -> None:
    process, death = arguments
    arrange(TypeAdapter(Death).validate_json(death))
    if process == "knowledge-worker":
        serve("knowledge-worker", build_worker, LOOP)
    else:
        serve("knowledge", build_api)


if __name__ == "__main__":
    main(sys.argv[1:])
