"""The questions that have kept answers, and which of them a new one is close to."""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from services.chat.answer_cache.asking import asking_of
from services.chat.answer_cache.sameness import difference
from services.chat.answer_cache.store import LookedUp

# Set on paraphrases of SQuAD 2.0's questions beside its other questions: docs/decisions/0033-answer-cache.md.
SIMILAR = 0.85
# Of the most similar questions, as many are read word by word.
READ = 8
# Organisations whose questions a process keeps in memory, of about 2 MB each at the most.
ORGANIZATIONS = 32
_HEAD = struct.Struct("<HHH")


@dataclass(frozen=True)
class NearQuestion:
    """`vector` is `(dim,)` float32 of unit length, of the model that `space` names; `field` is where the answer is."""

    field: str
    space: str
    question: str
    vector: NDArray[np.float32]

    def packed(self) -> bytes:
        head, space, vector = self.field.encode(), self.space.encode(), self.vector.astype("<f2").tobytes()
        text = self.question.encode("utf-8", "surrogatepass")
        return _HEAD.pack(len(head), len(space), len(vector)) + head + space + vector + text


def unpacked(packed: bytes) -> NearQuestion:
    """Raises ValueError where it is something else."""
    try:
        sizes = _HEAD.unpack_from(packed)
    except struct.error as error:
        raise ValueError("no question with a vector") from error
    ends = np.cumsum((_HEAD.size, *sizes))
    head, space, vector = (packed[start:end] for start, end in pairwise(ends))
    row = np.frombuffer(vector, "<f2").astype(np.float32)
    if not row.size or not np.isfinite(row).all():
        raise ValueError("no vector")
    return NearQuestion(head.decode(), space.decode(), packed[ends[-1] :].decode("utf-8", "surrogatepass"), row)


@dataclass(frozen=True)
class Nearest:
    """The question of `field` is `similarity` close; `difference` says why its answer may not serve all the same."""

    field: str
    similarity: float
    difference: str | None


@dataclass(frozen=True)
class Candidates:
    """Questions with their vectors as the rows of `(n, dim)` float32, all of one model."""

    questions: Sequence[NearQuestion]
    vectors: NDArray[np.float32]


def candidates_of(questions: Sequence[NearQuestion]) -> Candidates | None:
    return Candidates(questions, np.stack([one.vector for one in questions])) if questions else None


@dataclass
class _Known:
    epoch: str = ""
    first: int = 0
    questions: list[NearQuestion] = field(default_factory=list[NearQuestion])
    by_scope: dict[tuple[str, str], Candidates | None] = field(default_factory=dict[tuple[str, str], Candidates | None])


class NearQuestions:
    """What this process has read of each organisation's list; Redis has it all."""

    def __init__(self) -> None:
        self._known: OrderedDict[UUID, _Known] = OrderedDict()

    def any(self, organization_id: UUID) -> bool:
        known = self._known.get(organization_id)
        return known is not None and bool(known.questions)

    def read_so_far(self, organization_id: UUID) -> tuple[str, int]:
        """The list's name and the number of the next question to read."""
        known = self._known.get(organization_id, _Known())
        return known.epoch, known.first + len(known.questions)

    def learn(self, organization_id: UUID, looked_up: LookedUp) -> None:
        """Raises ValueError for a list that holds something else; it is forgotten."""
        known = self._known.setdefault(organization_id, _Known())
        self._known.move_to_end(organization_id)
        try:
            new = [unpacked(packed) for packed in looked_up.near]
        except ValueError:
            del self._known[organization_id]
            raise
        have = known.first + len(known.questions)
        if known.epoch != looked_up.epoch or have < looked_up.start:
            known.epoch, known.first, known.questions = looked_up.epoch, looked_up.start, []
            known.by_scope.clear()
            have = looked_up.start
        # Two requests may have asked for the same ones.
        known.questions += new[max(0, have - looked_up.start) :]
        gone = max(0, looked_up.first - known.first)
        if gone or have != known.first + len(known.questions):
            known.by_scope.clear()
        del known.questions[:gone]
        known.first += gone
        while len(self._known) > ORGANIZATIONS:
            self._known.popitem(last=False)

    def of(self, organization_id: UUID, scope: str, space: str) -> Candidates | None:
        """Those with answers for that scope, with vectors of that model; None where there are none."""
        known = self._known.get(organization_id)
        if known is None:
            return None
        if (scope, space) not in known.by_scope:
            chosen = [one for one in known.questions if one.space == space and one.field.startswith(f"{scope}:")]
            dimension = chosen[-1].vector.size if chosen else 0
            known.by_scope[scope, space] = candidates_of([one for one in chosen if one.vector.size == dimension])
        return known.by_scope[scope, space]


def nearest(question: str, vector: NDArray[np.float32], candidates: Candidates | None) -> Nearest | None:
    """The most similar that asks for the same; else the most similar, with the difference; None where none is near."""
    if candidates is None or candidates.vectors.shape[1] != vector.size:
        return None
    # Not BLAS, whose threads wait for each other on cores that other processes use.
    similarities = np.einsum("ij,j->i", candidates.vectors, vector)
    near = np.flatnonzero(similarities >= SIMILAR)
    if not near.size:
        return None
    asked = asking_of(question)
    first: Nearest | None = None
    ranked: list[int] = near[np.argsort(-similarities[near], kind="stable")].tolist()
    for index in ranked[:READ]:
        one = candidates.questions[index]
        against = difference(asked, asking_of(one.question))
        found = Nearest(one.field, round(float(similarities[index]), 4), against)
        if against is None:
            return found
        first = first or found
    return first
