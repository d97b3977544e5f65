"""Texts without the personal data in them: for keeping, and for a generator that may run elsewhere."""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel

from libs.contracts.completions import CompletionRequest
from services.chat.safety.personal.finding import Kind, found_in

# One for each character: every place in the text stays where it was, and citations with it.
MASK = "•"

_STAND_IN = "MASKED_{}_{}"
_NAMES = {
    Kind.CARD: "CARD",
    Kind.IBAN: "IBAN",
    Kind.NATIONAL_ID: "ID",
    Kind.EMAIL: "EMAIL",
    Kind.PHONE: "PHONE",
}
_MAY_BE_ONE = re.compile(r"\bM(?:A(?:S(?:K(?:E(?:D(?:_[A-Z0-9_]*)?)?)?)?)?)?$")

Record = TypeVar("Record", bound=BaseModel)


def masked(text: str, regions: Sequence[str] = ()) -> str:
    """The text, as long as it was, with a dot in place of each character of personal data."""
    for one in reversed(found_in(text, regions)):
        text = text[: one.start] + MASK * (one.end - one.start) + text[one.end :]
    return text


def masked_record(record: Record, regions: Sequence[str] = ()) -> Record:
    """The record with each of its texts masked."""
    return type(record).model_validate(masked_value(record.model_dump(mode="json"), regions))


def masked_value(value: Any, regions: Sequence[str] = ()) -> Any:
    """Whatever JSON can hold, with each text in it masked; identifiers stay, digits of theirs are no number."""
    if isinstance(value, str):
        return value if _is_id(value) else masked(value, regions)
    if isinstance(value, dict):
        return {key: masked_value(item, regions) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [masked_value(item, regions) for item in cast("list[Any]", value)]
    return value


class StandIns:
    """Names that stand for the personal data of one answer while a generator writes: the same value has one name."""

    def __init__(self, regions: Sequence[str] = ()) -> None:
        self._regions = regions
        self._of: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def hide(self, text: str) -> str:
        """The text with names in place of values."""
        for one in reversed(found_in(text, self._regions)):
            text = text[: one.start] + self._name(one.kind, text[one.start : one.end]) + text[one.end :]
        return text

    def hidden_in(self, request: CompletionRequest) -> CompletionRequest:
        """The request as an engine may read it."""
        messages = [one.model_copy(update={"content": self.hide(one.content)}) for one in request.messages]
        documents = [
            one.model_copy(
                update={
                    "title": self.hide(one.title),
                    "text": self.hide(one.text),
                    "table_header": one.table_header and self.hide(one.table_header),
                }
            )
            for one in request.documents or ()
        ]
        return request.model_copy(update={"messages": messages, "documents": documents})

    def shown(self, text: str) -> str:
        """The text with the values again."""
        return re.sub(r"\bMASKED_[A-Z]+_\d+\b", lambda match: self._values.get(match.group(), match.group()), text)

    async def shown_in(self, deltas: AsyncGenerator[str]) -> AsyncGenerator[str]:
        """A stream with the values again, also where a name comes in pieces. Closing it closes `deltas`."""
        held = ""
        async with aclosing(deltas):
            async for delta in deltas:
                held += delta
                unsure = _MAY_BE_ONE.search(held)
                certain = unsure.start() if unsure else len(held)
                if certain:
                    yield self.shown(held[:certain])
                held = held[certain:]
        if held:
            yield self.shown(held)

    def _name(self, kind: Kind, value: str) -> str:
        name = self._of.get(value)
        if name is None:
            name = _STAND_IN.format(_NAMES[kind], len(self._of) + 1)
            self._of[value] = name
            self._values[name] = value
        return name


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
