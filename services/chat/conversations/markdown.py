"""A conversation as a person reads it in a file."""

from datetime import datetime

from libs.contracts.chat import ChatMessage, Source


def head(title: str, created_at: datetime) -> str:
    return f"# {title}\n\n{created_at:%Y-%m-%d %H:%M} UTC\n"


def written(message: ChatMessage) -> str:
    """A question as a quotation, an answer with the sources that it cites."""
    if message.role == "user":
        return "\n" + "".join(f"> {line}\n" for line in message.content.splitlines() or [""])
    said = message.content or f"({message.status})"
    cited = {citation.n for citation in message.citations}
    sources = "".join(f"- [{source.n}] {_place(source)}\n" for source in message.sources if source.n in cited)
    return f"\n{said}\n" + (f"\nSources:\n\n{sources}" if sources else "")


def _place(source: Source) -> str:
    """The title with its headings and page."""
    page = f", page {source.location.page}" if source.location.page else ""
    path = (part for part in source.location.heading_path if part != source.title)
    return " › ".join([source.title, *path]) + page
