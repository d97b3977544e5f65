"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True)
class Fused(Generic[Item]):
    """`ranks` gives the item's rank from 1 in each list that named it."""

    item: Item
    score: float
    ranks: Mapping[str, int]


def fuse(lists: Mapping[str, Sequence[Item]], k: int, weights: Mapping[str, float] | None = None) -> list[Fused[Item]]:
    """All items of the lists, best first: the sum of weight / (k + rank) over the lists that name an item.

    A list without a weight has 1. Equal sums are ordered by the best single rank, then by the lists' own order, so that
    the result never depends on hashing.
    """
    ranks: dict[Item, dict[str, int]] = {}
    for name, items in lists.items():
        for rank, item in enumerate(items, 1):
            ranks.setdefault(item, {}).setdefault(name, rank)
    weighing = weights or {}
    fused = [
        Fused(item, sum(weighing.get(name, 1.0) / (k + rank) for name, rank in named.items()), named)
        for item, named in ranks.items()
    ]
    return sorted(fused, key=lambda one: (-one.score, min(one.ranks.values())))
