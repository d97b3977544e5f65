"""The words that a passage table is searched by."""

from itertools import islice

from lancedb.query import FullTextOperator, MatchQuery

from libs.text.unspaced import spaced
from services.knowledge.adapters.lancedb_rows import TEXT_COLUMN

QUERY_MAX_WORDS = 100


def match(query: str, *, every: bool = False) -> MatchQuery:
    """What holds a word of the query, or `every` one."""
    operator = FullTextOperator.AND if every else FullTextOperator.OR
    words = _searchable(query, every=every)
    return MatchQuery(words, TEXT_COLUMN, operator=operator)  # pyright: ignore[reportCallIssue] - the rest has defaults


def _searchable(query: str, *, every: bool) -> str:
    """At most `QUERY_MAX_WORDS` different words of a query; the rest would cost time and rank little.

    A Chinese or Japanese word stays whole besides its characters: so it stands in rows from before they were split.
    Where `every` word is wanted it doesn't, since no row holds both.
    """
    said = query.encode(errors="replace").decode().replace("\x00", " ")
    whole = [] if every else said.split()
    words = dict.fromkeys([*whole, *spaced(said).split()])
    return " ".join(islice(words, QUERY_MAX_WORDS))
