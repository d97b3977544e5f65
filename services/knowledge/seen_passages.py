"""Where passages were seen in the index, so that it needn't be asked for every look at the same ones."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

REMEMBERED = 20_000


@dataclass(frozen=True)
class Place:
    """The document that a passage belongs to, always, and the content of it that the passage was seen in."""

    document_id: UUID
    version: UUID


class SeenPassages:
    """What one process has seen, of each index by itself.

    It stays true: a content that is served has the same passages for as long as it is served. Whether it is, and to
    whom, only the system of record knows.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._places: OrderedDict[tuple[UUID, int, UUID], Place] = OrderedDict()

    def of(self, organization_id: UUID, index: int, chunk_ids: Iterable[UUID]) -> dict[UUID, Place]:
        """Those of the passages that were seen in the organisation's index of that number."""
        found: dict[UUID, Place] = {}
        for chunk_id in chunk_ids:
            place = self._places.get((organization_id, index, chunk_id))
            if place:
                self._places.move_to_end((organization_id, index, chunk_id))
                found[chunk_id] = place
        return found

    def add(self, organization_id: UUID, index: int, chunk_id: UUID, place: Place) -> None:
        self._places[organization_id, index, chunk_id] = place
        self._places.move_to_end((organization_id, index, chunk_id))
        while len(self._places) > self._remembered:
            self._places.popitem(last=False)
