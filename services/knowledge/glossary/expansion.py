"""What a query says in an organisation's own words, and the other ways to say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Select, String, bindparam, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.knowledge import Expansion
from libs.text.phrases import Place, phrase_key, phrase_places
from services.knowledge.analysis import expandable
from services.knowledge.glossary.models import GlossaryEntryRow, GlossaryPhraseRow

# Words of a query that are looked up, terms of it that are expanded, and other ways to say each.
MOST_QUERY_WORDS = 100
# More than so many words have, and few enough that a query of 100,000 characters costs no more.
_MOST_QUERY_CHARS = 4_000
MOST_TERMS = 4
MOST_WAYS = 3
# An entry's own term comes before the entries that mean it.
MOST_ENTRIES = 3


@dataclass(frozen=True)
class ExpandedTerm:
    """The characters of the query from `start` to `end`, and the other ways to say them, the likeliest first."""

    start: int
    end: int
    ways: tuple[str, ...]


async def expanded_terms(session: AsyncSession, organization_id: UUID, query: str) -> tuple[ExpandedTerm, ...]:
    """In the order of the query; where terms overlap, the longer one. Work and result are bounded, see above."""
    places = list(phrase_places(expandable(query[:_MOST_QUERY_CHARS]), MOST_QUERY_WORDS))
    ways = await _ways(session, organization_id, {key for place in places for key in place.keys}) if places else {}
    found: list[tuple[Place, tuple[str, ...]]] = []
    for place in sorted(places, key=lambda one: (-one.words, one.start)):
        told = list(dict.fromkeys(way for key in place.keys for way in ways.get(key, ())))[:MOST_WAYS]
        apart = all(place.end <= other.start or other.end <= place.start for other, _ in found)
        if told and apart and len(found) < MOST_TERMS:
            found.append((place, tuple(told)))
    terms = (ExpandedTerm(place.start, place.end, told) for place, told in found)
    return tuple(sorted(terms, key=lambda term: term.start))


def said_otherwise(query: str, terms: Sequence[ExpandedTerm]) -> tuple[str, ...]:
    """The query with each term said in its first other way, then in its second, and so on: at most MOST_WAYS texts."""
    texts: list[str] = []
    for number in range(max((len(term.ways) for term in terms), default=0)):
        text = query
        for term in reversed(terms):
            text = text[: term.start] + term.ways[min(number, len(term.ways) - 1)] + text[term.end :]
        texts.append(text)
    return tuple(texts)


def expansions(query: str, terms: Sequence[ExpandedTerm]) -> list[Expansion]:
    return [Expansion(said=query[term.start : term.end], ways=list(term.ways)) for term in terms]


def _ways_query() -> Select[str, str, list[str]]:
    """Built once: building it takes several times as long as running it."""
    wanted = func.unnest(bindparam("keys", type_=ARRAY(String))).table_valued("key", name="wanted").render_derived()
    phrase, entry = GlossaryPhraseRow, GlossaryEntryRow
    first = (
        select(phrase.entry_id, phrase.place)
        .where(phrase.organization_id == bindparam("organization_id"), phrase.key == wanted.c.key)
        .order_by(phrase.place, phrase.entry_id)
        .limit(MOST_ENTRIES)
        .lateral("first")
    )
    return (
        select(wanted.c.key, entry.term, entry.means)
        .select_from(wanted.join(first, true()).join(entry, entry.id == first.c.entry_id))
        .order_by(wanted.c.key, first.c.place, first.c.entry_id)
    )


_WAYS = _ways_query()


async def _ways(session: AsyncSession, organization_id: UUID, keys: set[str]) -> dict[str, list[str]]:
    """By key, the other ways to say it: a few index look-ups each, whatever the glossary holds."""
    ways: dict[str, list[str]] = {}
    found = await session.execute(_WAYS, {"keys": sorted(keys), "organization_id": organization_id})
    for key, term, means in found:
        ways.setdefault(key, []).extend(way for way in (term, *means) if phrase_key(way) != key)
    return ways
