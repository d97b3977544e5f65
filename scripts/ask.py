"""`footnote ask`: one question, its answer as it comes, and its sources."""

import json
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape

from scripts.api import Api, ApiError

NEAREST_SHOWN = 3


@dataclass
class StreamedAnswer:
    """What has been heard of an answer; `done` is the closing event's data, empty until it comes."""

    sources: dict[int, dict[str, Any]] = field(default_factory=dict[int, dict[str, Any]])
    cited: dict[int, None] = field(default_factory=dict[int, None])
    done: dict[str, Any] = field(default_factory=dict[str, Any])


async def ask(api: Api, question: str, console: Console, **options: Any) -> dict[str, Any]:
    """Prints the streamed answer and the sources that it cites; returns the closing event's data."""
    answer = StreamedAnswer()
    async for event in api.stream_chat(question, **options):
        _hear(event.event, json.loads(event.data), answer, console)
    if not answer.done:
        raise ApiError("The answer broke off. Ask again; 'footnote doctor' says whether a service is away.")
    console.out("\n")
    metadata = answer.done["metadata"]
    nearest = list(answer.sources)[:NEAREST_SHOWN] if metadata["outcome"] == "abstained" else []
    shown = list(answer.cited) or nearest
    if shown:
        console.print("Sources" if answer.cited else "The nearest passages", style="bold")
    for number in shown:
        _print_source(answer.sources[number], console)
    details = [metadata["outcome"], metadata["model_used"], f"{metadata['response_time_ms']} ms"]
    if metadata["degraded"]:
        details.append("degraded: " + ", ".join(metadata["degraded"]))
    console.print(escape(" · ".join(details)), style="dim")
    return answer.done


def _hear(event: str, data: dict[str, Any], answer: StreamedAnswer, console: Console) -> None:
    match event:
        case "sources":
            answer.sources = {source["n"]: source for source in data["sources"]}
        case "token":
            console.out(data["text"], end="", highlight=False)
        case "citation":
            answer.cited[data["n"]] = None
        case "error":
            raise ApiError(data["message"], data["code"])
        case "done":
            answer.done = data
        case _:
            pass


def _print_source(source: dict[str, Any], console: Console) -> None:
    location = source["location"]
    place = " › ".join(location["heading_path"])
    page = f", page {location['page']}" if location["page"] else ""
    name = source["external_id"] or source["title"]
    console.print(f"  [{source['n']}] {name}{page}  {place}".rstrip(), markup=False, highlight=False)
    console.print(
        f"      /documents/{source['document_id']}/passages/{source['chunk_id']}", style="dim", highlight=False
    )
