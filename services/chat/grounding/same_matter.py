"""Whether two clauses say their figures, or their names, of one matter, in languages other than English.

English compares words alone, as it was measured. Here whatever else only one of the two says may be what they differ
in, so that little of it is let pass: a false warning costs trust in every other.
"""

import re
from functools import cache
from itertools import pairwise

from libs.text.compounds import found_among
from libs.text.stems import language_read, stem
from libs.text.words import WORD, content_stems, contentless, words
from services.chat.grounding.amounts import kinds_of_number
from services.chat.grounding.dates import month_of
from services.chat.grounding.figures import YEAR
from services.chat.grounding.units import unit_of

# What says no more than that something is so, or since when.
_NEUTRAL = {
    language: frozenset(said.split())
    for language, said in {
        "de": """ab aktuell beträgt betragen bisher dauert derzeit heute insgesamt jeweils künftig neu neue neuem neuen
        neuer neues rund pro seit total ungefähr zurzeit reglement personalreglement richtlinie weisung frühling sommer
        herbst winter gemäss gemäß laut frau herr herrn dr prof""",
        "fr": """actuel actuellement aujourd'hui aujourd hui bis compte dès depuis désormais dorénavant environ
        nouveau nouveaux nouvel nouvelle nouvelles règlement total dure elève printemps été automne hiver
        selon mme mlle madame monsieur""",
        "es": """actual actualmente ahora aproximadamente desde hoy nueva nuevo nuevas nuevos total normativa
        reglamento primavera verano otoño invierno según señor señora sr sra don doña""",
        "it": """adesso attuale attualmente circa oggi nuova nuove nuovi nuovo ora totale regolamento
        primavera estate autunno inverno secondo signor signora sig dott""",
        "nl": """actueel circa momenteel nieuw nieuwe ongeveer thans totaal vandaag voortaan sinds reglement
        bedraagt bedragen duurt lente zomer herfst winter volgens mevrouw meneer dhr mevr""",
        "pt": """agora atual atualmente cerca hoje nova novas novo novos total regulamento primavera verão
        outono inverno segundo senhor senhora sr sra dona""",
    }.items()
}
# Where one has "the library" and the other "in the library", the two are about other things. German articles tell too.
_GOVERNING = {
    language: frozenset(said.split())
    for language, said in {
        "de": "der den dem des am an auf aus bei beim im in vom von zum zur",
        "fr": "de du des d à au aux en dans",
        "es": "de del en a al",
        "it": """di del dello della dell dei degli delle d in nel nello nella nell nei negli nelle a al allo alla all ai
        agli alle""",
        "nl": "van in op bij aan",
        "pt": "de do da dos das em no na nos nas ao à aos às",
    }.items()
}
_ARTICLES = {
    language: frozenset(said.split())
    for language, said in {
        "de": "die das",
        "fr": "le la les l",
        "es": "el la los las",
        "it": "il lo la l i gli le",
        "nl": "de het",
        "pt": "o a os as",
    }.items()
}
# What was so is no longer: "Präsident war bis 2019 …".
_PAST = {
    language: frozenset(said.split())
    for language, said in {
        "de": "bis ehemals früher war waren",
        "fr": "jusqu jusque ancien ancienne était étaient fut",
        "es": "hasta antes antiguo era eran fue",
        "it": "fino ex era erano fu",
        "nl": "tot voorheen was waren",
        "pt": "até antes antigo era eram foi",
    }.items()
}
# "Est à changer", and "the amount of the fee" is the fee.
_BEFORE_VERBS = ("à",), ("a",)
# "Jan de Vries".
_APART = 2
_TOKEN = re.compile(r"[^\W_]+(?:[.,][^\W_]+)*")


def said_of_one_matter(one: str, other: str, matter: frozenset[str], values: tuple[str, str]) -> bool:
    """Whether both clauses say all of the matter, alike, and nothing else.

    Of years one clause may say more behind its year: "1956 par des parents".
    """
    sides = [_Clause(clause, value) for clause, value in zip((one, other), values, strict=True)]
    if not all(matter and found_among(matter, side.stems) == matter for side in sides):
        return False
    known = matter | _neutral() | sides[0].times | sides[1].times
    rests = [_left(side.stems, known, sides[1 - place].stems) for place, side in enumerate(sides)]
    before = [_left(side.before, known, sides[1 - place].stems) for place, side in enumerate(sides)]
    more = all(rests) if all(map(YEAR.fullmatch, values)) else any(rests)
    return not any(before) and not more and sides[0].governed(matter) == sides[1].governed(matter)


def says_nothing_else(one: str, other: str, matter: frozenset[str], names: frozenset[str]) -> bool:
    """Whether both say all of the matter, alike, and beside it the names alone."""
    sides = [_Clause(clause, "") for clause in (one, other)]
    if not all(matter and found_among(matter, side.stems) == matter for side in sides):
        return False
    known = matter | names | _neutral() | sides[0].times | sides[1].times
    rests = [_left(side.stems, known, sides[1 - place].stems) for place, side in enumerate(sides)]
    return not any(rests) and sides[0].past == sides[1].past and sides[0].governed(matter) == sides[1].governed(matter)


def stand_together(text: str, names: frozenset[str]) -> bool:
    """Whether the names are one: their words stand side by side, but for a particle."""
    places = [place for place, word in enumerate(words(text.casefold())) if content_stems(word) & names]
    return all(after - before <= _APART for before, after in pairwise(places))


class _Clause:
    def __init__(self, text: str, value: str) -> None:
        self._text = text
        self.stems = _worded(text)
        at = text.find(value) if value else -1
        self.before = _worded(text[:at]) if at >= 0 else self.stems
        said = _TOKEN.findall(text.casefold())
        self.times = frozenset(stem(word) for word in said if month_of(word))
        self.past = not _PAST[language_read()].isdisjoint(said)

    def governed(self, matter: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """The articles and prepositions right before each word of the matter."""
        governing, kinds = _GOVERNING[language_read()], kinds_of_number()
        found: dict[str, tuple[str, ...]] = {}
        chain: list[str] = []
        of_kind = False
        for place, match in enumerate(_TOKEN.finditer(self._text.casefold())):
            word = match.group()
            if word in _ARTICLES[language_read()]:
                chain.append("")
            elif word in governing:
                # It opens the clause: a nominative.
                chain.append("" if word == "der" and not place else word)
            else:
                if stem(word) in matter:
                    told = () if of_kind or tuple(chain) in _BEFORE_VERBS else tuple(filter(None, chain))
                    found.setdefault(stem(word), told)
                of_kind = stem(word) in kinds
                chain = []
        return found


def _left(stems: frozenset[str], known: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """What of the stems is neither known nor in the other, be it as part of a compound."""
    unknown = stems - known
    return unknown - found_among(unknown, known | other)


def _worded(text: str) -> frozenset[str]:
    """Its stems but for numbers and units."""
    said = (match.group() for match in WORD.finditer(text.casefold()) if unit_of(match.group()) is None)
    return frozenset(one for one in content_stems(" ".join(said)) if not any(map(str.isdigit, one)))


@cache
def _neutral_of(language: str) -> frozenset[str]:
    return frozenset(map(stem, _NEUTRAL[language])) | kinds_of_number() | contentless()


def _neutral() -> frozenset[str]:
    return _neutral_of(language_read())
