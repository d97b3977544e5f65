"""An organisation's own words: its acronyms and what else it calls a thing."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from libs.contracts.knowledge import StoredText
from libs.text.phrases import MOST_WORDS, count_words, is_findable, phrase_key

ENTRIES_MAX = 2_000
MEANS_MAX = 20
PHRASE_MAX_CHARS = 120
NOTE_MAX_CHARS = 500


def _phrase(value: str) -> str:
    phrase = " ".join(value.split())
    if count_words(phrase) > MOST_WORDS:
        raise ValueError(f"has more than {MOST_WORDS} words")
    if phrase_key(phrase) is None:
        raise ValueError("has no word that could be looked for; write an acronym such as IT in capitals")
    return phrase


def _term(value: str) -> str:
    if not is_findable(value):
        raise ValueError("has signs between its words across which nothing is looked for, such as a full stop")
    return value


Phrase = Annotated[StoredText, StringConstraints(min_length=1, max_length=PHRASE_MAX_CHARS), AfterValidator(_phrase)]


class GlossaryEntryRequest(BaseModel):
    """A term, and the other ways to say it."""

    model_config = ConfigDict(extra="forbid")

    term: Annotated[Phrase, AfterValidator(_term)]
    means: list[Phrase] = Field(min_length=1, max_length=MEANS_MAX)
    note: StoredText | None = Field(default=None, max_length=NOTE_MAX_CHARS)

    @model_validator(mode="after")
    def _no_duplicates(self) -> "GlossaryEntryRequest":
        said = {self.term.casefold()}
        for way in self.means:
            if way.casefold() in said:
                raise ValueError(f"says {way!r} twice")
            said.add(way.casefold())
        return self


class GlossaryReplacement(BaseModel):
    """`PUT /search/glossary`: these entries instead of all that there were."""

    model_config = ConfigDict(extra="forbid")

    entries: list[GlossaryEntryRequest] = Field(max_length=ENTRIES_MAX)

    @model_validator(mode="after")
    def _terms_once(self) -> "GlossaryReplacement":
        terms: set[str] = set()
        for entry in self.entries:
            if entry.term.casefold() in terms:
                raise ValueError(f"the term {entry.term!r} stands there twice")
            terms.add(entry.term.casefold())
        return self


class GlossaryEntry(BaseModel):
    entry_id: UUID
    term: str
    means: list[str]
    note: str | None
    created_at: datetime
    updated_at: datetime


class GlossaryList(BaseModel):
    items: list[GlossaryEntry]
    next_cursor: str | None


class GlossaryReplaced(BaseModel):
    entries: int
