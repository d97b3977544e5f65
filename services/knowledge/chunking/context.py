"""What is searched and embedded with a passage, apart from its text: where in the document it stands."""

from collections.abc import Sequence

from services.knowledge.chunking.chunks import Chunk

SEPARATOR = " › "
# Of the context as it is embedded: it must not push the passage out of what the model reads.
EMBEDDED_CHARS = 160


def header_of(title: str, heading_path: Sequence[str]) -> str:
    """The title and the headings not already in it."""
    return SEPARATOR.join([title, *(heading for heading in heading_path if heading != title)])


def embedded_text(title: str, passage: Chunk) -> str:
    """The header, the first row of the passage's table, and the passage."""
    return in_context(title, passage.heading_path, passage.table_header, passage.text)


def in_context(title: str, heading_path: Sequence[str], table_header: str | None, text: str) -> str:
    """As `embedded_text`, of a passage that is kept."""
    context = "\n".join(filter(None, [header_of(title, heading_path), table_header]))
    return f"{context[:EMBEDDED_CHARS]}\n\n{text}"
