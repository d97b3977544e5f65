"""How far the indexes have followed the embedding model, as knowledge tells the operator."""

from pydantic import BaseModel


class IndexesOfSpace(BaseModel):
    """`organizations` are searched in indexes of that space; `model` made them, None where it isn't served now."""

    space: str
    model: str | None
    organizations: int


class SwitchStatus(BaseModel):
    """`model` is the one that new passages are to be embedded with, `organizations` all that have an index.

    Of the organisations that aren't `switched` to it, `passages_done` of `passages_total` are embedded, as far as they
    were counted; `passages_cut` are longer than it reads. `seconds_left` is None while nothing tells the pace.
    `former` indexes are kept for switching back.
    """

    model: str
    organizations: int
    switched: int
    searched: list[IndexesOfSpace]
    passages_done: int
    passages_total: int
    passages_cut: int
    seconds_left: float | None
    former: int


class FormerForgotten(BaseModel):
    """How many former indexes will be deleted."""

    indexes: int
