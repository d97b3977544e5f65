"""`footnote search`: the passages that a query finds."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from scripts.api import Api, ApiError

EXCERPT_CHARS = 200
METADATA_PREFIX = "metadata."
SEVERAL = frozenset({"tags", "document_ids", "external_ids"})


async def search(api: Api, query: str, top_k: int, strategy: str, filters: Sequence[str], console: Console) -> None:
    """Raises ApiError for a filter that isn't one."""
    asked = {"query": query, "top_k": top_k, "strategy": strategy, "filters": filters_of(filters)}
    answer = await api.call("POST", "/search", json=asked)
    if not answer["results"]:
        console.print("No passage fits.")
    for rank, result in enumerate(answer["results"], 1):
        place = " › ".join(result["location"]["heading_path"])
        name = result["external_id"] or result["title"]
        console.print(f"{rank:2}. {name}  {place}  ({result['score']:.4f})", markup=False, highlight=False)
        excerpt = " ".join(result["content"].split())
        console.print(f"    {excerpt[:EXCERPT_CHARS]}", style="dim", markup=False, highlight=False)
    if answer["degraded"]:
        console.print(f"degraded: {', '.join(answer['degraded'])}", style="yellow")


def filters_of(given: Sequence[str]) -> dict[str, Any]:
    """`NAME=VALUE` as a search's filters; what may have several values may be named again."""
    filters: dict[str, Any] = {}
    for one in given:
        name, separator, value = one.partition("=")
        if not separator:
            raise ApiError(f"Write a filter as NAME=VALUE, such as language=en, not {one!r}.")
        if name.startswith(METADATA_PREFIX):
            filters.setdefault("metadata", {})[name.removeprefix(METADATA_PREFIX)] = value
        elif name in SEVERAL:
            filters.setdefault(name, []).append(value)
        else:
            filters[name] = value
    return filters
