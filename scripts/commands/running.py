"""What the groups of commands share: where they print, and how they run and fail."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import typer
from rich.console import Console

from libs.config.settings import Settings, load_settings
from libs.stores.weights import WeightsError, WeightsMissingError
from scripts.api import ApiError
from scripts.supervisor import StartError

console = Console(soft_wrap=True)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a command to its end; an expected failure is printed as one line and exits with 1.

    SIGTERM ends it as SIGINT does: what it started is stopped, and what it put in temporary folders goes.
    """
    from libs.stores.embedded import EmbeddedServerError

    try:
        return asyncio.run(_until_told_to_end(work))
    except (ApiError, StartError, EmbeddedServerError, WeightsError, WeightsMissingError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(128 + signal.SIGINT) from None
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None


async def _until_told_to_end(work: Coroutine[Any, Any, Any]) -> Any:
    doing = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, doing.cancel)
    return await doing


def fail(message: str) -> None:
    """Prints one line and exits with 1."""
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(1)


def settings() -> Settings:
    return load_settings()
