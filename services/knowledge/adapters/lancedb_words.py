"""The words that a passage table is searched by."""

# LanceDB's results have no types; what leaves this file is typed.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any

import lancedb
from lancedb.query import FullTextOperator, MatchQuery, PhraseQuery

from libs.text.unspaced import spaced
from services.knowledge.adapters.lancedb_rows import RESULT_COLUMNS, TEXT_COLUMN, VECTOR_COLUMN, scored, values
from services.knowledge.ports import FoundPassage

QUERY_MAX_WORDS = 100
# Lucene's for English: the index doesn't have them.
STOP_WORDS = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
        "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was", "will",
        "with",
    )
)  # fmt: skip
# How a table whose words were indexed without their places answers.
_NO_PLACES = "position is not found"


async def with_some(table: lancedb.AsyncTable, where: str, query: str, limit: int) -> list[FoundPassage]:
    """What holds a word of the query."""
    # A Chinese or Japanese word stays whole besides its characters: so it stands in rows from before they were split.
    words = dict.fromkeys([*_said(query).split(), *spaced(_said(query)).split()])
    return await _found(table, where, _match(words, FullTextOperator.OR), limit)


async def with_every(table: lancedb.AsyncTable, where: str, query: str, limit: int) -> list[FoundPassage]:
    """What holds every word of the query; first what holds them one after another.

    Beside any number of passages that have them scattered those few would not be among the best.
    """
    text = spaced(_said(query))
    words = re.findall(r"\w+", text.casefold())
    if len(words) > 1 and STOP_WORDS.issuperset(words):
        return await _as_written(table, where, words, limit)
    in_a_row, scattered = await asyncio.gather(
        _in_a_row(table, where, text, limit),
        _found(table, where, _match(dict.fromkeys(text.split()), FullTextOperator.AND), limit),
    )
    first = {one.chunk_id for one in in_a_row}
    return [*in_a_row, *(one for one in scattered if one.chunk_id not in first)][:limit]


async def _in_a_row(table: lancedb.AsyncTable, where: str, text: str, limit: int) -> list[FoundPassage]:
    """Words too common to be indexed may be any; stems are compared. Nothing where the places aren't indexed yet."""
    try:
        return await _found(table, where, PhraseQuery(text, TEXT_COLUMN), limit)  # pyright: ignore[reportCallIssue] - as below
    except ValueError as error:
        if _NO_PLACES not in str(error):
            raise
        return []


async def _as_written(table: lancedb.AsyncTable, where: str, words: Sequence[str], limit: int) -> list[FoundPassage]:
    """Any that have the words in a row; all passages are looked through, 0.2 s of 50,000, for none is indexed."""
    pattern = r"\W+".join(words)
    written = f"regexp_like({TEXT_COLUMN}, '\\b{pattern}\\b', 'i')"
    search = table.query().where(f"({where}) AND {written}").select([*RESULT_COLUMNS, VECTOR_COLUMN])
    found: Any = await search.limit(limit).to_arrow()
    return scored(found, [1.0 for _ in values(found, "chunk_id")])


async def _found(
    table: lancedb.AsyncTable, where: str, query: MatchQuery | PhraseQuery, limit: int
) -> list[FoundPassage]:
    search = table.query().where(where).nearest_to_text(query)
    found: Any = await search.select([*RESULT_COLUMNS, VECTOR_COLUMN, "_score"]).limit(limit).to_arrow()
    return scored(found, values(found, "_score"))


def _match(words: dict[str, None], operator: FullTextOperator) -> MatchQuery:
    """At most `QUERY_MAX_WORDS` different words of a query; the rest would cost time and rank little."""
    text = " ".join(islice(words, QUERY_MAX_WORDS))
    return MatchQuery(text, TEXT_COLUMN, operator=operator)  # pyright: ignore[reportCallIssue] - the rest has defaults


def _said(query: str) -> str:
    return query.encode(errors="replace").decode().replace("\x00", " ")
