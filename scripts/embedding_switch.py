"""`footnote models status` and `forget`: how far the indexes have followed the embedding model."""

from rich.console import Console

from libs.clients.base import service_http
from libs.config.settings import Settings
from libs.contracts.embedding_switch import FormerForgotten, SwitchStatus
from libs.contracts.errors import FootnoteError
from scripts.admin import operator_client
from scripts.api import ApiError

PATH = "/internal/embedding-switch"
MANY_MINUTES = 120


async def status(settings: Settings) -> SwitchStatus:
    async with service_http() as http:
        try:
            return await operator_client(settings, "knowledge", http).call("GET", PATH, SwitchStatus, idempotent=True)
        except FootnoteError as error:
            raise ApiError(error.message, error.code, error.status) from error


async def forget(settings: Settings) -> int:
    """Gives up the former indexes; returns how many there are."""
    async with service_http() as http:
        try:
            return (
                await operator_client(settings, "knowledge", http).call("DELETE", f"{PATH}/former", FormerForgotten)
            ).indexes
        except FootnoteError as error:
            raise ApiError(error.message, error.code, error.status) from error


def summary(status: SwitchStatus) -> str:
    """One line: how many organisations are switched, and how far the others are."""
    line = f"{status.switched} of {status.organizations} organisations are searched by {status.model}"
    if status.switched == status.organizations:
        return line
    line += f"; {status.passages_done:,} of {status.passages_total:,} passages of the others are embedded"
    return line if status.seconds_left is None else f"{line}, {_duration(status.seconds_left)} left"


def unserved(status: SwitchStatus) -> list[str]:
    """The spaces of indexes that are searched and whose model isn't served."""
    return [one.space for one in status.searched if one.model is None]


def print_status(status: SwitchStatus, console: Console) -> None:
    console.print(f"{summary(status)}.", highlight=False)
    for one in status.searched:
        served = "served" if one.model else "not served: searches there go by words alone"
        console.print(f"  {one.organizations} by {one.model or one.space}, {served}", highlight=False)
    if status.passages_cut:
        console.print(
            f"{status.passages_cut:,} passages are longer than the model reads; their ends count by words alone. "
            "Lower ingestion.max_chunk_tokens and re-index to cut them anew.",
            highlight=False,
        )
    if status.former:
        console.print(f"{status.former} former indexes are kept for switching back.", highlight=False)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    return f"about {minutes} min" if minutes < MANY_MINUTES else f"about {minutes // 60} h"
