"""Words found among others, also within the compounds that German and Dutch make: "Hotel" in "Hotelkosten"."""

from collections.abc import Collection, Iterable

from libs.text.stems import language_read

_COMPOUNDING = frozenset({"de", "nl"})
# Shorter words stand in too many that have nothing to do with them, but for what ends a compound: "Urlaubs|tag".
SHORTEST_WORD = 4
SHORTEST_END = 3
# Nobody writes a longer one, and each of its letters would be tried.
LONGEST_WORD = 60
# What joins the parts of a compound: "Urlaub|s|tag".
_JOINTS = ("", "s", "es", "n", "en", "er", "e")


def found_among(asked: Iterable[str], stems: Collection[str]) -> frozenset[str]:
    """Those of the asked stems that are among the others.

    A part of a compound counts as found in it, and a compound where both its parts are found, be it in compounds.
    """
    asked = frozenset(asked)
    found = asked.intersection(stems)
    if language_read() not in _COMPOUNDING or found == asked:
        return found
    parts = _Parts(stems)
    return found | {one for one in asked - found if len(one) <= LONGEST_WORD and (one in parts or parts.make(one))}


class _Parts:
    """The beginnings and ends of some stems, to be looked up however many words are asked for."""

    def __init__(self, stems: Collection[str]) -> None:
        self._ends = {stem[-size:] for stem in stems for size in range(SHORTEST_END, min(len(stem), LONGEST_WORD) + 1)}
        self._beginnings = {
            stem[:size] for stem in stems for size in range(SHORTEST_WORD, min(len(stem), LONGEST_WORD) + 1)
        }

    def __contains__(self, one: str) -> bool:
        return len(one) >= SHORTEST_WORD and (one in self._ends or one in self._beginnings)

    def make(self, one: str) -> bool:
        """Whether both parts of a compound are there."""
        for cut in range(SHORTEST_WORD, len(one) - SHORTEST_END + 1):
            if one[cut:] in self._ends:
                head = one[:cut]
                if any(head.endswith(joint) and head.removesuffix(joint) in self for joint in _JOINTS):
                    return True
        return False
