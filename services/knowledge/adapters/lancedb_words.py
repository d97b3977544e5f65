"""The words that a passage table is searched by."""

# LanceDB's results have no types; what leaves this file is typed.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
from itertools import islice
from typing import Any

import lancedb
from lancedb.query import FullTextOperator, MatchQuery, PhraseQuery

from libs.text.unspaced import spaced
from services.knowledge.adapters.lancedb_rows import RESULT_COLUMNS, TEXT_COLUMN, VECTOR_COLUMN, scored, values
from services.knowledge.ports import FoundPassage

QUERY_MAX_WORDS = 100
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
