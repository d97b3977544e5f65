"""Questions for a year or a name, and the names that a place tells: in German those of persons and places alone."""

import re
from collections.abc import Set as AbstractSet

from libs.text.asking import AnswerKind
from libs.text.asking_languages import asking
from libs.text.stems import ENGLISH, language_read, stem
from libs.text.words import content_stems, words
from services.chat.grounding.dates import month_of

# "US" and "AI" are written in too many ways, and for too many things.
SHORTEST_NAME = 3
# "Brazil" and "Brazilian" are one name.
SHORTEST_SHARED = 4

# "Which formats can …" asks for a list, of which one document may name some and another others.
_SEVERAL = (
    r" (?:[\w-]+ ){0,2}?[\w-]*[^\Wisu]s (?:are|can|could|did|do|does|had|has|have|is|may|must|should|was|were|will)\b"
)
# "What" and "which" of anything else ask for a thing, of which the names beside it say nothing.
_NAMED = (
    r"(?:actor|actress|airline|airport|area|artist|author|bank|borough|brand|candidate|capital|celebrity|city|club|company"
    r"|continent|country|county|director|district|island|lake|language|lawmaker|leader|minister|nation|network|newspaper"
    r"|organi[sz]ation|park|party|person|place|player|politician|president|publication|region|river|school|senator|singer"
    r"|stadium|state|street|team|territory|town|university|village|woman|man|name)"
)
_ASKS_FOR_NAME = re.compile(
    rf"\b(?:who|whom|whose|where|which(?!{_SEVERAL}) (?:[\w.-]+ ){{0,3}}?{_NAMED}|what (?:\w+ )?{_NAMED})\b",
    re.IGNORECASE,
)
_ASKS_FOR_YEAR = re.compile(r"\b(?:when|(?:what|which) (?:year|date))\b", re.IGNORECASE)
# They tell when, not who or where.
_DAYS_AND_MONTHS = frozenset(
    map(
        stem,
        """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
        september october november december""".split(),  # noqa: SIM905 - read as words
    )
)
_NAME_OF_SEVERAL_WORDS = re.compile(r"[^\W\d_a-z][\w'’.-]{0,40}(?: [^\W\d_a-z][\w'’.-]{0,40})+")

# Every German noun has a capital: a name stands behind a title, or two of them stand together.
_CAPITAL = r"[A-ZÄÖÜÉÈ][a-zäöüßéèêçñ-]+"
_GERMAN_PERSON = re.compile(
    rf"\b(?:Frau|Herrn?|Dr\.|Prof\.)(?: (?:Dr\.|Prof\.))?(?P<titled>(?: {_CAPITAL}){{1,3}})"
    rf"|(?<![.!?:] )(?<!^)\b(?P<two>{_CAPITAL} {_CAPITAL})\b(?! {_CAPITAL})"
)
_GERMAN_PLACE = re.compile(rf"\b(?:in|nach|aus)\s(?P<place>{_CAPITAL})")
# "In Betrieb" and "in Ordnung" are nowhere.
_NOWHERE = re.compile(r".*(?:heit|keit|ung|schaft|ion|tät|nis|tum|ismus|ern|en)|Betrieb|Kraft|Arbeit|Abwesenheit")


def asks_for_year(question: str) -> bool:
    if language_read() != ENGLISH:
        return asking().when.search(question) is not None
    return _ASKS_FOR_YEAR.search(question) is not None


def asks_for_name(question: str) -> bool:
    if language_read() != ENGLISH:
        return any(asking().kinds[kind].search(question) for kind in (AnswerKind.PERSON, AnswerKind.PLACE))
    return _ASKS_FOR_NAME.search(question) is not None


def told_names(text: str, names: frozenset[str], asked: frozenset[str]) -> frozenset[str]:
    """Of a text's names those that aren't times or known from the question's stems, which may have a part of one."""
    if language_read() == "de":
        names = _german_names(text)
    runs = map(content_stems, _NAME_OF_SEVERAL_WORDS.findall(text)) if language_read() != "de" else ()
    known = asked.union(*(run for run in runs if run & asked))
    told = names - _times(text) - known
    return frozenset(name for name in told if len(name) >= SHORTEST_NAME)


def share_a_name(names: AbstractSet[str], others: AbstractSet[str]) -> bool:
    if names & others:
        return True
    longer = [name for name in names if len(name) >= SHORTEST_SHARED]
    return any(
        name.startswith(other) or other.startswith(name)
        for name in longer
        for other in others
        if len(other) >= SHORTEST_SHARED
    )


def _times(text: str) -> frozenset[str]:
    if language_read() == ENGLISH:
        return _DAYS_AND_MONTHS
    told = (word for found in asking().date.finditer(text) for word in words(found.group().casefold()))
    return frozenset(map(stem, told))


def _german_names(text: str) -> frozenset[str]:
    found: list[str] = []
    for match in _GERMAN_PERSON.finditer(text):
        said = words(match["titled"] or match["two"])
        # "Abteilung Kundendienst", "Ende August".
        if match["titled"] or not any(asking().role.fullmatch(word.casefold()) or month_of(word) for word in said):
            found += said
    found += [match["place"] for match in _GERMAN_PLACE.finditer(text) if not _NOWHERE.fullmatch(match["place"])]
    return frozenset(stem(word.casefold()) for word in found)
