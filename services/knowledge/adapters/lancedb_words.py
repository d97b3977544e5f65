"""The words that a passage table is searched by."""

from itertools import islice

from lancedb.query import MatchQuery

from libs.text.unspaced import spaced
from services.knowledge.adapters.lancedb_rows import TEXT_COLUMN

QUERY_MAX_WORDS = 100


def match(query: str) -> MatchQuery:
    return MatchQuery(_searchable(query), TEXT_COLUMN)  # pyright: ignore[reportCallIssue] - the others have defaults


def _searchable(query: str) -> str:
    """At most `QUERY_MAX_WORDS` different words of a query; the rest would cost time and rank little.

    A Chinese or Japanese word stays whole besides its characters: so it stands in rows from before they were split.
    """
    said = query.encode(errors="replace").decode().replace("\x00", " ")
    words = dict.fromkeys([*said.split(), *spaced(said).split()])
    return " ".join(islice(words, QUERY_MAX_WORDS))
