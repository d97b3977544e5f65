"""What the groups of commands share: where they print, and how they run and fail."""

import asyncio
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
    """Runs a command to its end; an expected failure is printed as one line and exits with 1."""
    from libs.stores.embedded import EmbeddedServerError

    try:
        return asyncio.run(work)
    except (ApiError, StartError, EmbeddedServerError, WeightsError, WeightsMissingError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def fail(message: str) -> None:
    """Prints one line and exits with 1."""
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False, highlight=False)
    raise typer.Exit(1)


def settings() -> Settings:
    return load_settings()
