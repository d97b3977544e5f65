"""Words found among others, also within the compounds that German and Dutch make: "Hotel" in "Hotelkosten"."""

from collections.abc import Collection, Iterable

from libs.text.stems import language_read

_COMPOUNDING = frozenset({"de", "nl"})
# Shorter words stand in too many that have nothing to do with them, but for what ends a compound: "Urlaubs|tag".
SHORTEST_WORD = 4
SHORTEST_END = 3
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
    return found | {one for one in asked - found if _in_part(one, stems) or _in_parts(one, stems)}


def _in_part(one: str, stems: Collection[str]) -> bool:
    return len(one) >= SHORTEST_WORD and any(stem.endswith(one) or stem.startswith(one) for stem in stems)


def _in_parts(one: str, stems: Collection[str]) -> bool:
    for cut in range(SHORTEST_WORD, len(one) - SHORTEST_END + 1):
        end = one[cut:]
        heads = [one[:cut].removesuffix(joint) for joint in _JOINTS if one[:cut].endswith(joint)]
        if _ends(end, stems) and any(len(head) >= SHORTEST_WORD and _in_part(head, stems) for head in heads):
            return True
    return False


def _ends(end: str, stems: Collection[str]) -> bool:
    return any(stem.endswith(end) for stem in stems)
