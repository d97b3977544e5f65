"""A conversation as a person reads it in a file."""

from datetime import datetime

from libs.contracts.chat import ChatMessage, Source
from services.chat.grounding.cleaning import UNSUPPORTED
from services.chat.inert import inert

ABOUT_UNSUPPORTED = f"({UNSUPPORTED}: no source supports the sentence before it.)"


def head(title: str, created_at: datetime) -> str:
    return f"# {inert(title)}\n\n{created_at:%Y-%m-%d %H:%M} UTC\n"


def written(message: ChatMessage) -> str:
    """A question as a quotation, an answer with the sources that it cites."""
    if message.role == "user":
        return "\n" + "".join(f"> {line}\n" for line in inert(message.content).splitlines() or [""])
    said = inert(message.content) or f"({message.status})"
    cited = {citation.n for citation in message.citations}
    sources = "".join(f"- [{source.n}] {_place(source)}\n" for source in message.sources if source.n in cited)
    unsupported = f"\n{ABOUT_UNSUPPORTED}\n" if message.metadata and message.metadata.unsupported else ""
    return f"\n{said}\n{unsupported}" + (f"\nSources:\n\n{sources}" if sources else "")


def _place(source: Source) -> str:
    """The title with its headings and page."""
    page = f", page {source.location.page}" if source.location.page else ""
    path = (part for part in source.location.heading_path if part != source.title)
    return inert(" › ".join([source.title, *path])) + page
