"""What is searched and embedded with a passage, apart from its text: where in the document it stands."""

from services.knowledge.chunking.chunks import Chunk

SEPARATOR = " › "
# Of the context as it is embedded: it must not push the passage out of what the model reads.
EMBEDDED_CHARS = 160


def context_of(title: str, passage: Chunk) -> str:
    """The title and the headings not already in it; below them the header row of the passage's table."""
    places = SEPARATOR.join([title, *(heading for heading in passage.heading_path if heading != title)])
    return f"{places}\n{passage.table_header}" if passage.table_header else places


def embedded_text(title: str, passage: Chunk) -> str:
    return f"{context_of(title, passage)[:EMBEDDED_CHARS]}\n\n{passage.text}"
