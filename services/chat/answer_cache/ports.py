"""What the cache of answers needs from outside."""

from typing import Protocol

from libs.clients.embedding import EmbeddedQuery


class QueryEmbedder(Protocol):
    async def embed_query(self, text: str, *, timeout_s: float) -> EmbeddedQuery:
        """As knowledge embeds it, so that one of the two is answered from memory. Raises FootnoteError."""
        ...
